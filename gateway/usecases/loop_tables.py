"""The closed-loop tables that the use cases go by, loaded once by wiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.domain.clocks import ClockRule
from gateway.domain.closed_loop import Window
from gateway.domain.loop_events import Sign
from gateway.domain.loop_meaning import Vocabulary
from gateway.domain.working_days import Calendar
from gateway.mapping import clocks, closed_loop


@dataclass(frozen=True, slots=True)
class LoopTables:
    """Words, clocks, working days."""

    vocabulary: Vocabulary
    rules: Sequence[ClockRule]
    signs: Sequence[Sign]
    windows: Sequence[Window]
    unreported: frozenset[str]
    """Community Supports whose loops are not reported to the state."""
    calendar: Calendar

    def window(self, service: str, *, on: date, plan: str | None = None) -> int:
        """For how many days an open loop of `service` takes further referrals of the member in; 0 if it never does.

        A plan's own rows come before those for all, and in either a service's before those for any.
        """
        rows = [row for row in self.windows if row.service in (service, "*") and row.holds(on, plan)]
        return min(rows, key=lambda row: (row.plan is None, row.service == "*")).days if rows else 0

    @classmethod
    def load(cls, folder: Path) -> LoopTables:
        """What a mappings folder holds; BadTable if anything in it is wrong."""
        return cls(
            vocabulary=closed_loop.load_vocabulary(folder),
            rules=clocks.load_rules(folder),
            signs=clocks.load_signs(folder),
            windows=closed_loop.load_windows(folder),
            unreported=closed_loop.load_unreported(folder),
            calendar=clocks.load_calendar(folder),
        )
