"""Which events of Enhanced Care Management the history of a referral's Task shows: what clocks start and end by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SIGNS: dict[str, Literal["status", "state", "team"]] = {"status": "status", "state": "state", "team": "team"}
ANY = "*"


@dataclass(frozen=True, slots=True)
class Sign:
    """`event` has happened once the Task has this status, or is in this state of ECM, or the team says so.

    `ANY` is the last of all: an event that happens again with every version.
    """

    event: str
    sign: Literal["status", "state", "team"]
    value: str


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a loop stood from `at` on."""

    at: datetime
    status: str
    state: str | None = None


def events_of(history: Iterable[Stood], signs: Iterable[Sign]) -> dict[str, datetime]:
    """Event -> when it first happened (of `ANY`: when last), for a history from the oldest version to the newest."""
    happened: dict[str, datetime] = {}
    stood = list(history)
    for sign in signs:
        if sign.sign == "team":
            continue
        for one in stood:
            if sign.value == ANY:
                happened[sign.event] = one.at
            elif (one.status if sign.sign == "status" else one.state) == sign.value:
                happened[sign.event] = min(one.at, happened.get(sign.event, one.at))
    return happened
