"""What goes together with ECM and what does not: other programs, and services begun before authorization.

DHCS ECM Policy Guide (January 2026) pp. 63-88 (overlap) and 103-110 (streamlined authorization). Warnings only.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.domain.codes import Answer
from gateway.domain.referral import Referral
from gateway.domain.rules import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What being in another program means: BOTH may be had, EITHER is the member's choice, NO excludes ECM."""

    program: str
    plan: str | None
    rule: Literal["BOTH", "EITHER", "NO"]
    valid_from: date | None
    valid_to: date | None
    note: str

    def valid(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


def overlaps(referral: Referral, rows: Iterable[Overlap], *, on: date) -> Iterable[Finding]:
    """A warning per program the member is in (or may be in) that does not go together with ECM."""
    table = tuple(rows)
    plan = referral.coverage.plan if referral.coverage else None
    day = referral.authored or on
    for at, answer in enumerate(referral.programs):
        row = overlap(answer.program, table, plan=plan, on=day)
        if row is None or row.rule == "BOTH" or answer.answer is Answer.NO:
            continue
        unknown = "it is not known whether the member is in a program that " if answer.answer is Answer.UNKNOWN else ""
        says = (
            f"{unknown}cannot be had beside ECM: the member chooses one"
            if row.rule == "EITHER"
            else f"{unknown}excludes ECM while the member is enrolled"
        )
        note = f" ({row.note})" if row.note else ""
        yield Finding("warning", f"programs[{at}]", f"overlap-{row.rule.lower()}", f"names {row.program}: {says}{note}")


def overlap(program: str, rows: Iterable[Overlap], *, plan: str | None, on: date) -> Overlap | None:
    """The row that rules on a day: the plan's own before the state's; None when no row is in force."""
    found = [row for row in rows if row.program == program and row.valid(on) and row.plan in (None, plan)]
    return next((row for row in found if row.plan is not None), found[0] if found else None)


def streamlined(referral: Referral, pairs: Container[tuple[str, str]]) -> Iterable[Finding]:
    """A warning when services began before authorization with a kind of provider that the state's list does not pair
    with any of the referral's Populations of Focus. A plan may pair more."""
    used = referral.streamlined
    if used is None or not used.used or used.provider_type is None:
        return
    families = dict.fromkeys(population.value[0] for population in referral.populations)
    if not any((family, used.provider_type) in pairs for family in families):
        yield Finding(
            "warning",
            "streamlined.provider_type",
            "streamlined-pair",
            "is not paired with these Populations of Focus in the state's list: ask whether the plan adds it",
        )
