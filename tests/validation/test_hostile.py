"""Huge and crooked data costs bounded processor time, and a bounded number of issues."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pytest

from gateway.validation import Validator
from gateway.validation.run import MAX_ISSUES
from tests.conftest import ROOT
from tests.validation.conftest import NARRATIVE, PATIENT, US_CORE, Json, profile

MILLION = 1_000_000
LONG = "x" * 10_000_000
SECONDS = 20
"""Of processor time, for the slowest machine; here each takes a tenth of it or less."""
BASIC: Json = {"resourceType": "Basic", "text": NARRATIVE, "code": {"text": "x"}}


def checked(validator: Validator, resource: Any) -> list[str | None]:
    started = time.thread_time()
    issues = validator.check(resource)
    good = validator.is_valid(resource)
    assert time.thread_time() - started < SECONDS
    assert len(issues) <= 2 * MAX_ISSUES + 1
    assert good is not any(issue.is_error for issue in issues)
    assert sum(len(issue.message) for issue in issues) < 1_000_000
    return [issue.rule for issue in issues if issue.is_error]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("given", "rules"),
    [(["A"] * MILLION, set()), ([5] * MILLION, {"type-string", "more"}), ([None] * MILLION, {"json-null", "more"})],
    ids=["good", "wrong", "null"],
)
def test_a_million_items(validator: Validator, given: list[Any], rules: set[str]) -> None:
    patient = {**PATIENT, "name": [{"family": "Zanzibarovna", "given": given}]}
    assert set(checked(validator, patient)) == rules


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "change",
    [
        {"id": LONG},
        {"language": LONG},
        {"code": {"text": LONG}},
        {"created": LONG},
        {"author": {"reference": LONG}},
        {"text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{LONG}</p></div>'}},
        {"text": {"status": "generated", "div": "<" * 1_000_000}},
        {"extension": [{"url": "https://e.example/" + LONG, "valueString": "x"}]},
        {"meta": {"profile": ["https://e.example/" + LONG]}},
        {LONG: 1},
        {"resourceType": LONG},
    ],
    ids=lambda change: next(iter(change))[:12],
)
def test_ten_million_characters(validator: Validator, change: Json) -> None:
    checked(validator, {**BASIC, **change})


def test_contained_resources_that_refer_to_each_other_in_a_circle(validator: Validator) -> None:
    """Every one is held to the profiles of what points to it, round and round."""
    count = 200
    circle = [
        {"resourceType": "CareTeam", "id": f"c{n}", "meta": {"profile": [US_CORE + "us-core-careteam"]},
         "participant": [{"member": {"reference": f"#c{(n + 1) % count}"}}]} for n in range(count)
    ]  # fmt: skip
    plan = {
        "resourceType": "CarePlan", "text": NARRATIVE, "status": "active", "intent": "plan", "contained": circle,
        "meta": {"profile": [US_CORE + "us-core-careplan"]}, "subject": {"reference": "Patient/p"},
        "careTeam": [{"reference": "#c0"}],
    }  # fmt: skip
    assert "card-min" in checked(validator, plan)


@pytest.mark.parametrize("depth", [100, 10_000, 1_000_000])
def test_bytes_that_nest_deeply(validator: Validator, depth: int) -> None:
    for data in (
        b'{"resourceType":"Basic","extension":' + b'[{"url":"a","extension":' * depth,
        b"[" * depth + b"]" * depth,
        b"<Basic xmlns='http://hl7.org/fhir'>" + b"<extension>" * depth,
    ):
        assert checked(validator, data)


def test_nothing_long_that_an_instance_made_up_is_remembered(validator: Validator) -> None:
    def strange(n: int) -> list[Json]:
        long = f"{n:03}" + "x" * 500_000
        return [
            {**BASIC, "resourceType": f"A{long}"},
            {**BASIC, "meta": {"profile": [f"https://e.example/{long}"]}},
            {**BASIC, "extension": [{"url": f"https://e.example/{long}", "valueString": "x"}]},
            {**BASIC, "language": long},
            {**BASIC, "author": {"reference": f"{long}/1", "type": long}},
        ]

    for one in strange(0):
        checked(validator, one)
    tracemalloc.start()
    try:
        for n in range(1, 7):
            for one in strange(n):
                checked(validator, one)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 2_000_000  # the one looked at last, at most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("Oid", "urn:oid:1" + ".1" * 5_000_000),
        ("Uri", "urn:oid:1" + ".1" * 5_000_000),
        ("Code", "a " * 5_000_000 + "a"),
    ],
)
def test_a_long_value_takes_no_memory_but_its_own(type: str, value: str) -> None:
    """In a process of its own, which may not have what remembering each step would take."""
    script = (
        "import resource, sys\n"
        "from gateway.validation import Validator\n"
        "validator = Validator.load()\n"
        "given = {'resourceType': 'Basic', 'code': {'text': 'x'}, 'extension': [{'url': 'https://e.example/x',\n"
        f"         'value{type}': sys.stdin.read()}}]}}\n"
        "used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print([issue.rule for issue in validator.check(given) if issue.is_error])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, input=value, text=True, capture_output=True,
                          timeout=100, check=True)  # fmt: skip
    found, grown = done.stdout.splitlines()
    assert found == "['extension-unknown']"
    assert int(grown) < 150_000  # kilobytes


def test_a_definition_costs_its_elements_not_their_square(validator: Validator) -> None:
    def definition(count: int) -> Json:
        slices = [{"id": f"Patient.name:s{n}", "path": "Patient.name", "sliceName": f"s{n}"} for n in range(count)]
        return {**profile("Patient", slices), "text": NARRATIVE}

    def seconds(resource: Json) -> float:
        started = time.thread_time()
        assert not [issue for issue in validator.check(resource) if issue.rule == "more"]
        return time.thread_time() - started

    seconds(definition(10))
    few, many = definition(250), definition(4000)
    assert min(seconds(many) for _ in range(2)) < 50 * min(seconds(few) for _ in range(3))
