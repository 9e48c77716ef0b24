"""Every fixture case through its door: the status, the rules, the rows, and never a person's data in a message."""

from __future__ import annotations

import re

import pytest

from gateway.domain.criteria import assess
from gateway.doors.readers import Readers
from gateway.mapping import criteria
from tests.conftest import CANARY, ROOT
from tests.doors.cases import TODAY, Case, all_cases, read

CASES = all_cases()
TABLES = criteria.load(ROOT / "mappings" / "criteria")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, readers: Readers) -> None:
    said = read(case, readers)
    found = {issue.rule for issue in said.issues}
    for reading in said.readings:
        if case.toml["door"] in ("csv", "referral-json") and reading.value is not None:
            found |= {issue.rule for issue in criteria.remarks(assess(reading.value, TABLES, on=TODAY))}
    good = {200, 201} & case.statuses
    assert said.status in (case.statuses | {200} if good else case.statuses)
    assert set(case.expect.get("rules", ())) <= found
    if rows := case.expect.get("rows"):
        kept = sum(reading.value is not None for reading in said.readings)
        assert {"read": len(said.readings), "kept": kept, "refused": len(said.readings) - kept} == rows


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_message_holds_data(case: Case, readers: Readers) -> None:
    for issue in read(case, readers).issues:
        told = f"{issue.message} {issue.expression} {issue.rule}"
        assert CANARY not in told.lower()
        assert not re.search(r"\d{5,}|\d{3}-\d{2}-\d{4}|@", re.sub(r"\(20,000|20000|100000", "", told)), told


def test_every_case_says_something_different() -> None:
    told = [case.toml["shows"] for case in CASES]
    assert len(set(told)) == len(told)
    assert len(CASES) > 60
