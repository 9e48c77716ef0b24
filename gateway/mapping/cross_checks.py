"""What two fields of a record say of each other by the concept tables. Warnings: the tables are partly recalled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.domain.identifiers import Unreadable
from gateway.domain.rules import Finding
from gateway.mapping.leaves import Surroundings


def found_in(record: Any, around: Surroundings) -> Iterator[Finding]:
    """A health care plan code that belongs to another plan than the one named: a referral must reach its own plan."""
    coverage = getattr(record, "coverage", None)  # news of a referral states none
    if coverage is None or not (coverage.plan and coverage.plan_code) or "hcp-code" not in around.concepts:
        return
    try:
        owner = around.concepts["hcp-code"].code(coverage.plan_code, on=around.today)
    except Unreadable:
        return
    if owner != coverage.plan:
        yield Finding(
            "warning",
            "coverage.plan_code",
            "plan-code-plan",
            "is in our table the code of another plan than the one named",
        )
