"""Hostile expressions and data end quickly, in an error that names the reason and none of the data."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhirpath import Env, Failed, FhirPathError, Model, SyntaxFault, TooCostly, Unsupported, compile
from gateway.fhirpath.parser import parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "given", "_given", "family", "use", "extension", "url", "valueString", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "expression",
    ["(" * 300 + "1" + ")" * 300, "-" * 5000 + "1", "a" + ".a" * 5000, "1" + "+1" * 5000, "x" * 30_000, "a[" * 500],
    ids=["parentheses", "signs", "members", "sum", "long", "index"],
)
def test_deep_or_long_text_is_refused(expression: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a.",
        "a b",
        "(a",
        "a)",
        "'open",
        "@2015-02-30",
        "@2015-13",
        "a.where(",
        "§",
        "a is",
        "%",
        "1 +",
        "$that",
        "{ a }",
        "and",
    ],
)
def test_what_is_no_fhirpath_is_refused(expression: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("name.sum()", "sum()"),
        ("name.exists(1, 2)", "exists()"),
        ("%nobody", "%nobody"),
        ("name is Nothing", "Nothing"),
        ("name.given.matches('(a')", "regular expression"),
        ("name.given.matches('(a)\\\\1')", "regular expression"),
        ("name.ofType(1)", "ofType()"),
    ],
)
def test_what_is_not_supported_stops_compilation_by_name(model: Model, expression: str, named: str) -> None:
    with pytest.raises(Unsupported, match=named.replace("(", r"\(").replace(")", r"\)")):
        compile(expression, model=model, type="Patient")


def run(model: Model, expression: str, patient: dict[str, Any]) -> float:
    started = time.thread_time()
    with pytest.raises(TooCostly):
        compile(expression, model=model, type="Patient")(patient, Env(patient))
    return time.thread_time() - started


@pytest.mark.parametrize(
    "expression",
    [
        "name.select(%resource.name.select(%resource.name.select(%resource.name.given)))",
        "name.where(%resource.name.where(%resource.name.where(%resource.name.exists(given.exists().not())).exists().not()).exists().not())",
        "name.given.aggregate($total & $total, 'xx')",
        "name.aggregate($total | $total.combine($total) | %resource.name.given, {})",
        "name.given.join('" + "x" * 10_000 + "')",
        "name.isDistinct()",
    ],
)
def test_a_costly_evaluation_is_cut_off(model: Model, expression: str) -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [f"a{n}"], "family": str(n)} for n in range(2000)]}
    assert run(model, expression, patient) < 10


def test_a_hostile_regular_expression_runs_in_linear_time(model: Model) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "a" * 50_000 + "b"}]}
    started = time.thread_time()
    assert compile("name.family.matches('^(a+)+$')", model=model, type="Patient")(patient) == [False]
    assert time.thread_time() - started < 2


def test_an_error_does_not_quote_the_data(model: Model) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Zanzibarovna"}, {"family": "Zanzibarovna"}]}
    with pytest.raises(Failed) as refused:
        compile("name.family.single() + 1", model=model, type="Patient")(patient)
    assert "Zanzibarovna" not in str(refused.value)


INVARIANTS = [
    "(family.exists() or given.exists()) xor extension.where(url='http://x').exists()",
    "descendants().where(reference = '#').exists()",
    "given.all($this.matches('a'))",
    "extension('x').value.ofType(Quantity) > 3 'kg'",
    "given.select(substring(0, 1)).isDistinct() and use in ('a' | 'b')",
    "children().count() > id.count()",
]


@settings(max_examples=200, deadline=None)
@given(value=JSON)
def test_no_data_makes_an_expression_raise_anything_else(model: Model, value: Any) -> None:
    for source in INVARIANTS:
        expression = compile(source, model=model, type="HumanName")
        with contextlib.suppress(FhirPathError):
            expression.test(value, Env({"resourceType": "Patient"}))


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="ab.()'|=<>+-*&$%@ 01[]{}`\\,is or", max_size=30))
def test_no_text_makes_the_compiler_raise_anything_else(model: Model, text: str) -> None:
    with contextlib.suppress(FhirPathError):
        compile(text, model=model, type="Patient")
