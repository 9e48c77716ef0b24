"""What came in by a door, read and mapped: the resources, and what has to be said about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.errors import GatewayError, Issue
from gateway.ports import Caller, Json


@dataclass(frozen=True, slots=True)
class Intaken:
    """One document mapped: its resources, those referred to first; `main` is the one the document is about.

    `remarks` are warnings and information (criteria not shown, overlapping programs, what was normalised): they never
    stop it.
    """

    resources: Sequence[Json]
    main: Json
    remarks: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as a spreadsheet shows it, and what became of it."""

    number: int
    result: Intaken | GatewayError


class Intake(Protocol):
    """Reads documents of one kind in the gateway's own schema; Unprocessable lists every problem."""

    def __call__(self, value: Any, *, source: bytes, caller: Caller) -> Intaken: ...


class FileIntake(Protocol):
    """Reads a partner's file; a problem of the file as a whole raises, a problem of a row is in its Row."""

    def __call__(self, data: bytes, *, partner: str, kind: str, caller: Caller) -> Iterator[Row]: ...
