"""Programs beside ECM, and services begun before authorization: when a warning is due and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.codes import Answer, PopulationOfFocus
from gateway.domain.member import Coverage
from gateway.domain.overlap import Overlap, overlap, overlaps, streamlined
from gateway.domain.referral import ProgramAnswer, Referral, Streamlined
from tests.mapping.filled import REFERRAL

DAY = date(2026, 3, 2)
BARE = replace(REFERRAL, programs=(), streamlined=None, authored=DAY)


def row(
    rule: str = "EITHER", *, plan: str | None = None, since: date | None = None, until: date | None = None
) -> Overlap:
    return Overlap(program="mssp", plan=plan, rule=rule, valid_from=since, valid_to=until, note="")  # type: ignore[arg-type]


def asked(answer: Answer, *, plan: str | None = None) -> Referral:
    coverage = Coverage(plan=plan) if plan else None
    return replace(BARE, programs=(ProgramAnswer(program="mssp", answer=answer),), coverage=coverage)


@pytest.mark.parametrize(
    ("rule", "answer", "said"),
    [
        ("EITHER", Answer.YES, "names mssp: cannot be had beside ECM: the member chooses one"),
        ("NO", Answer.YES, "names mssp: excludes ECM while the member is enrolled"),
        ("NO", Answer.UNKNOWN, "names mssp: it is not known whether the member is in a program that excludes ECM while"
                               " the member is enrolled"),
        ("EITHER", Answer.NO, None),
        ("BOTH", Answer.YES, None),
        ("BOTH", Answer.UNKNOWN, None),
    ],
)  # fmt: skip
def test_a_warning_says_what_being_in_a_program_means(rule: str, answer: Answer, said: str | None) -> None:
    found = list(overlaps(asked(answer), [row(rule)], on=DAY))
    assert [(one.severity, one.path, one.rule, one.message) for one in found] == (
        [("warning", "programs[0]", f"overlap-{rule.lower()}", said)] if said else []
    )


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (None, None, True),
        (DAY, DAY, True),
        (date(2026, 3, 3), None, False),
        (None, date(2026, 3, 1), False),
        (date(2026, 3, 1), date(2026, 3, 3), True),
    ],
)
def test_a_row_holds_from_its_first_day_to_its_last(since: date | None, until: date | None, holds: bool) -> None:
    assert (overlap("mssp", [row(since=since, until=until)], plan=None, on=DAY) is not None) is holds
    assert bool(list(overlaps(asked(Answer.YES), [row(since=since, until=until)], on=date(1999, 1, 1)))) is holds


def test_the_day_of_the_referral_counts_and_without_one_today() -> None:
    later = row(since=date(2026, 3, 3))
    undated = replace(asked(Answer.YES), authored=None)
    assert list(overlaps(undated, [later], on=DAY)) == []
    assert len(list(overlaps(undated, [later], on=date(2026, 3, 3)))) == 1


def test_a_plans_own_row_goes_before_the_states() -> None:
    rows = [row("EITHER"), row("NO", plan="kaiser")]
    said = {
        plan: [one.rule for one in overlaps(asked(Answer.YES, plan=plan), rows, on=DAY)]
        for plan in ("kaiser", "x", None)
    }
    assert said == {"kaiser": ["overlap-no"], "x": ["overlap-either"], None: ["overlap-either"]}
    assert overlap("mssp", [rows[1]], plan="x", on=DAY) is None
    assert overlap("hospice", rows, plan=None, on=DAY) is None


PAIRS = {("1", "street-medicine"), ("2", "primary-care")}
HOMELESS, HOSPITAL = PopulationOfFocus("1a"), PopulationOfFocus("2")


@pytest.mark.parametrize(
    ("populations", "used", "provider", "warned"),
    [
        ((HOMELESS,), True, "street-medicine", False),
        ((HOMELESS,), True, "primary-care", True),
        ((HOMELESS, HOSPITAL), True, "primary-care", False),
        ((), True, "primary-care", True),
        ((HOMELESS,), False, "primary-care", False),
        ((HOMELESS,), True, None, False),
    ],
)
def test_services_that_began_before_are_paired_with_the_populations(
    populations: tuple[PopulationOfFocus, ...], used: bool, provider: str | None, warned: bool
) -> None:
    referral = replace(BARE, populations=populations, streamlined=Streamlined(used=used, provider_type=provider))
    found = [(one.severity, one.path, one.rule) for one in streamlined(referral, PAIRS)]
    assert found == ([("warning", "streamlined.provider_type", "streamlined-pair")] if warned else [])


def test_who_did_not_begin_is_not_warned() -> None:
    assert list(streamlined(BARE, PAIRS)) == []
