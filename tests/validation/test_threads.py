"""One Validator serves many threads at once: each gets the issues that it would get alone."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.errors import Issue
from gateway.validation import Validator
from tests.validation.conftest import PATIENT, SERVICE_REQUEST, Json
from tests.validation.invariants import ANY_VALUE, of_resources, of_types
from tests.validation.profile_invariants import of_profiles

THREADS = 8
PACKAGES = ["hl7.fhir.us.core#6.1.0", "hl7.fhir.us.core#7.0.0"]


@pytest.fixture(autouse=True)
def hasty() -> Iterator[None]:
    """Threads give way to each other as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def resources() -> list[Json]:
    cases = [*of_types(), *of_resources(), *of_profiles()]
    found = [PATIENT, SERVICE_REQUEST]
    for case in cases:
        profile = {"meta": {"profile": [case.profile]}} if case.profile else {}
        found += [case.control | profile, case.broken | profile]
    return found


Verdict = tuple[bool, list[Issue]]


def verdicts(validator: Validator, wanted: list[Json]) -> list[Verdict]:
    return [(validator.is_valid(one), validator.check(one)) for one in wanted]


def test_threads_that_find_nothing_compiled_yet() -> None:
    """All begin at once, on a validator that has never checked anything, each at another resource."""
    wanted = resources()
    alone = verdicts(Validator.load(PACKAGES, resources=[ANY_VALUE]), wanted)
    assert {good for good, _ in alone} == {True, False}
    shared = Validator.load(PACKAGES, resources=[ANY_VALUE])
    start = Barrier(THREADS)

    def work(number: int) -> list[Verdict]:
        turn = number * len(wanted) // THREADS
        start.wait()
        found = verdicts(shared, copy.deepcopy(wanted[turn:] + wanted[:turn]))
        back = len(wanted) - turn
        return found[back:] + found[:back]

    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(work, range(THREADS)):
            assert found == alone
