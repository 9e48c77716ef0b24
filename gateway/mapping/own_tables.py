"""Records from the gateway's own CSV tables: one function a row; a bad row stops the process, named by file and row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from gateway.errors import BadTable
from gateway.mapping.concepts import read_rows

T = TypeVar("T")


def records(path: Path, columns: str, read: Callable[[Mapping[str, str]], T]) -> list[T]:
    """Every row of `path`, whose header is `columns` (names with spaces between), as `read` makes it.

    `read` may raise ValueError or KeyError for a cell that it cannot read.
    """
    made = []
    for number, row in read_rows(path, columns.split()):
        try:
            made.append(read(row))
        except (ValueError, KeyError):
            raise BadTable(f"{path.name} row {number}: a cell cannot be read") from None
    return made
