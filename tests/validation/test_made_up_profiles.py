"""What callers make up costs no memory, and takes nothing from the resources of others."""

from __future__ import annotations

import gc
import time
import tracemalloc

import pytest

from gateway.validation import Validator, accept_kept
from tests.validation.conftest import PATIENT, US_CORE, Json


def claiming(*canonicals: str) -> Json:
    return {**PATIENT, "meta": {"profile": [*PATIENT["meta"]["profile"], *canonicals]}}


def test_profiles_that_nobody_knows_cost_nothing_and_slow_nobody() -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    assert validator.is_valid(claiming("https://e.example/first"))
    tracemalloc.start()
    try:
        started = time.thread_time()
        for n in range(1000):
            assert validator.is_valid(claiming(f"https://e.example/{n}"))
        assert time.thread_time() - started < 5  # compiling one takes a fiftieth of a second
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()
    assert validator.is_valid(PATIENT)
    assert validator.acceptor.accepts(PATIENT)


def test_when_there_are_too_many_schemas_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept_kept, "MOST", 4)
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    kinds: list[Json] = [{"resourceType": kind} for kind in ("Basic", "Binary", "Group", "Flag", "List", "Media")]
    for kind in kinds:
        validator.is_valid(kind)
    assert not validator.acceptor.accepts(PATIENT)  # not yet: the engine decides
    for _ in range(150):
        assert validator.is_valid(PATIENT)
    assert validator.acceptor.accepts(PATIENT)


def test_a_resource_that_claims_a_great_many_profiles_is_not_remembered() -> None:
    validator = Validator.load(["hl7.fhir.us.core#6.1.0"])
    validator.is_valid(PATIENT)
    tracemalloc.start()
    try:
        for n in range(20):
            many = [f"https://e.example/{n}/{number}" for number in range(10_000)]
            assert not [i for i in validator.check(claiming(*many)) if i.is_error and i.rule != "more"]
        del many
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()
    assert US_CORE + "us-core-patient" in PATIENT["meta"]["profile"]
