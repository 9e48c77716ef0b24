"""Units and language tags by their grammars."""

from __future__ import annotations

import pytest

from gateway.packages import Definitions
from gateway.validation.terminology.languages import parts
from gateway.validation.terminology.ucum import is_unit

UCUM = "http://unitsofmeasure.org"


@pytest.mark.parametrize(
    "unit",
    [
        *("mg/dL", "10*3/uL", "10^9/L", "{score}", "kg.m/s2", "/min", "mm[Hg]", "%", "[in_i]", "1", "m-1", "L/(24.h)"),
        *("[arb'U]/mL", "mL/min/{1.73_m2}", "B[10.nV]", "cal_[15]", "[m/s2/Hz^(1/2)]", "ug{creatinine}", "%{total}"),
        *("m[H2O]", "Kibit", "dag", "a_j", "(kg.m2)/s2", "1/d", "2.m", "cm2", "kat", "[iU]", "Cel", "[degF]", "{}"),
    ],
)
def test_units(unit: str) -> None:
    assert is_unit(unit)


@pytest.mark.parametrize(
    "text",
    [
        *("", "mmHg", "mg//dL", "mg dL", "(m", "m)", "m2.", ".m", "/", "()", "kkg", "{a}{b}", "{a", "a}", "µg", "m(s)"),
        *(
            "m{a}2",
            "m--1",
            "m+-1",
            "2m",
            "foo",
            "[foo]",
            "[in_i",
            "in_i]",
            "k[in_i]",
            "{{a}}",
            "m^2",
            "m 2",
            " m",
            "m\n",
        ),
        *("//m", "m./s", "٣", "m²", "x" * 5_000),
    ],
)
def test_not_units(text: str) -> None:
    assert not is_unit(text)


def test_every_unit_that_published_value_sets_list_is_a_unit() -> None:
    listed = {
        concept["code"]
        for value_set in Definitions.load().resources("ValueSet")
        for include in value_set.get("compose", {}).get("include", ())
        if include.get("system") == UCUM
        for concept in include.get("concept", ())
    }
    assert len(listed) > 1_300
    assert {code for code in listed if not is_unit(code)} == set()


@pytest.mark.parametrize(
    ("tag", "kinds"),
    [
        ("en", {"language"}),
        ("EN-us", {"language", "region"}),
        ("zh-yue", {"language", "ext-lang"}),
        ("zh-Hant-TW", {"language", "script", "region"}),
        ("de-DE-1996", {"language", "region", "variant"}),
        ("en-US-u-ca-gregory", {"language", "region", "extension"}),
        ("en-x-clinic", {"language", "private-use"}),
        ("x-foo", {"private-use"}),
        ("i-klingon", {"language"}),
        ("es-419", {"language", "region"}),
        ("qab", {"language"}),
    ],
)
def test_language_tags(tag: str, kinds: set[str]) -> None:
    found = parts(tag)
    assert found is not None
    assert set(found) == kinds


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "english",
        "zz",
        "en-USA",
        "en-",
        "-en",
        "en_US",
        "en-x",
        "en-u",
        "de-1996-1996",
        "é",
        "en-toolongsubtag",
        "ar-a-aaa-b-bbb-a-ccc",
    ],
)
def test_not_language_tags(tag: str) -> None:
    assert parts(tag) is None
