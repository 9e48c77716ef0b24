"""The closed-loop tables that the use cases go by, loaded once by wiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.clocks import ClockRule
from gateway.domain.loop_meaning import Vocabulary
from gateway.domain.working_days import Calendar
from gateway.mapping import clocks, closed_loop


@dataclass(frozen=True, slots=True)
class LoopTables:
    """Words, clocks, working days."""

    vocabulary: Vocabulary
    rules: Sequence[ClockRule]
    calendar: Calendar

    @classmethod
    def load(cls, folder: Path) -> LoopTables:
        """What a mappings folder holds; BadTable if anything in it is wrong."""
        return cls(closed_loop.load_vocabulary(folder), clocks.load_rules(folder), clocks.load_calendar(folder))
