"""What a door hands on: one record read, or refused with every reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.errors import Issue, Unmappable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """One record of a source.

    `number` is the row as a spreadsheet shows it (the header is row 1), or 1 for a JSON body. `value` is None when any
    issue is an error. `not_carried` names what the source gave and no field took. `source_hash` is the SHA-256 of the
    record's bytes, `mapping` names the table or schema and its version: Provenance wants both. `columns` says which
    column of a table filled a domain path (empty: the table's default did).
    """

    number: int
    value: T | None
    issues: tuple[Issue, ...]
    not_carried: tuple[str, ...]
    source_hash: str
    mapping: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.is_error)

    def require(self) -> T:
        """The value, or Unmappable with every issue."""
        if self.value is None:
            raise Unmappable(issues=self.issues)
        return self.value
