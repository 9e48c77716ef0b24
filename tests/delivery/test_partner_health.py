"""The circuit breaker: when it opens, who probes, and that each change is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.ports import Receipt
from gateway.usecases.partner_health import FIRST_PAUSE, LIMIT, LONGEST_PAUSE, Health
from tests.conftest import NOW

BAD = Receipt(False, retry=True, reason="http 503")
GOOD = Receipt(True)
REFUSED = Receipt(False, retry=False, reason="http 422")


@pytest.fixture
def alerts() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def health(alerts: list[tuple[str, str, str]]) -> Health:
    return Health(alert=lambda *told: alerts.append(told))


def after(seconds: float) -> dict[str, object]:
    return {"now": NOW + timedelta(seconds=seconds)}


def test_it_opens_after_failures_in_a_row_and_tells_once(health: Health, alerts: list[tuple[str, str, str]]) -> None:
    for _ in range(LIMIT - 1):
        health.told("ehr", BAD, now=NOW)
    assert health.allowance("ehr", now=NOW) is None
    health.told("ehr", BAD, now=NOW)
    health.told("ehr", BAD, now=NOW)
    assert health.allowance("ehr", now=NOW) == 0
    assert alerts == [("ehr", "down", "http 503")]
    assert health.allowance("plan", now=NOW) is None, "others are not touched"


@pytest.mark.parametrize("receipt", [GOOD, REFUSED])
def test_a_partner_that_answers_is_well(health: Health, receipt: Receipt, alerts: list[tuple[str, str, str]]) -> None:
    for _ in range(LIMIT - 1):
        health.told("ehr", BAD, now=NOW)
    health.told("ehr", receipt, now=NOW)
    health.told("ehr", BAD, now=NOW)
    assert health.allowance("ehr", now=NOW) is None
    assert alerts == []


def test_one_probe_at_a_time_and_a_success_closes_it(health: Health, alerts: list[tuple[str, str, str]]) -> None:
    for _ in range(LIMIT):
        health.told("ehr", BAD, now=NOW)
    assert health.allowance("ehr", **after(FIRST_PAUSE - 1)) == 0
    assert health.allowance("ehr", **after(FIRST_PAUSE)) == 1
    health.told("ehr", GOOD, **after(FIRST_PAUSE))
    assert health.allowance("ehr", **after(FIRST_PAUSE)) is None
    assert [state for _, state, _ in alerts] == ["down", "up"]


def test_the_pause_doubles_to_a_limit(health: Health) -> None:
    at = 0.0
    for _ in range(LIMIT):
        health.told("ehr", BAD, **after(at))
    for pause in (FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4, FIRST_PAUSE * 8, FIRST_PAUSE * 16, LONGEST_PAUSE):
        pause = min(pause, LONGEST_PAUSE)
        assert health.allowance("ehr", **after(at + pause - 0.01)) == 0
        at += pause
        assert health.allowance("ehr", **after(at)) == 1
        health.told("ehr", BAD, **after(at))


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_pause(health: Health) -> None:
    """Eight hands fail at once, some late: that is one opening."""
    for _ in range(LIMIT + 3):
        health.told("ehr", BAD, now=NOW, began=NOW - timedelta(seconds=20))
    health.told("ehr", BAD, **after(FIRST_PAUSE + 5), began=NOW - timedelta(seconds=1))  # type: ignore[arg-type]
    assert health.allowance("ehr", **after(FIRST_PAUSE - 1)) == 0
    assert health.allowance("ehr", **after(FIRST_PAUSE)) == 1
    health.told("ehr", BAD, **after(FIRST_PAUSE + 20), began=NOW + timedelta(seconds=FIRST_PAUSE))  # type: ignore[arg-type]
    assert health.allowance("ehr", **after(FIRST_PAUSE * 3 + 19)) == 0, "a probe that failed does"
    assert health.allowance("ehr", **after(FIRST_PAUSE * 3 + 20)) == 1


def test_a_partner_that_forbids_all_is_left_alone_until_it_lets_us_in(
    health: Health, alerts: list[tuple[str, str, str]]
) -> None:
    """A credential that ran out must not cost every delivery its tries."""
    for _ in range(LIMIT):
        health.told("ehr", Receipt(False, reason="http 403", doubtful=True), now=NOW)
    assert health.allowance("ehr", now=NOW) == 0
    assert alerts == [("ehr", "down", "http 403")]


def test_only_partners_that_are_ill_are_remembered(health: Health) -> None:
    for n in range(100):
        health.told(f"p{n}", BAD, now=NOW)
        health.told(f"p{n}", GOOD, now=NOW)
    assert len(health._partners) == 0


def test_retry_after_leaves_the_whole_partner_alone(health: Health) -> None:
    health.told("ehr", Receipt(False, retry=True, retry_after=90, reason="http 429"), now=NOW)
    assert health.allowance("ehr", **after(89)) == 0
    assert health.allowance("ehr", **after(90)) is None
    health.told("plan", Receipt(False, retry=True, retry_after=10**9, reason="http 429"), now=NOW)
    assert health.allowance("plan", **after(3600)) is None, "an hour at most"
