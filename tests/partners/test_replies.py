"""What a reply says, and no more of it than may be said again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.fhir import codec
from gateway.packages import Definitions
from gateway.partners.http import Reply
from gateway.partners.replies import ISSUE_TYPES, of_write, retry_after


@pytest.fixture
def los_angeles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own time zone is California's."""
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S -0000"])
def test_a_date_of_http_is_in_universal_time(los_angeles: None, form: str) -> None:
    """All forms of https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats that have no zone of their own."""
    asked = retry_after(time.strftime(form, time.gmtime(time.time() + 60)))
    assert asked is not None
    assert 50 < asked <= 60


def test_a_word_of_the_partners_own_is_not_said_again() -> None:
    issues = [{"severity": "error", "code": code} for code in ("Zanzibarovna", "not-found")]
    receipt = of_write(Reply(200, {}, codec.write({"resourceType": "OperationOutcome", "issue": issues})))
    assert receipt.reason == "a success that tells of errors: not-found"


def test_the_issue_types_are_those_of_fhir() -> None:
    system = Definitions.load(["hl7.fhir.r4.core#4.0.1"]).code_system("http://hl7.org/fhir/issue-type")
    assert system is not None

    def codes(concepts: list[dict[str, Any]]) -> Iterator[str]:
        for concept in concepts:
            yield concept["code"]
            yield from codes(concept.get("concept", []))

    assert set(codes(system["concept"])) == ISSUE_TYPES
