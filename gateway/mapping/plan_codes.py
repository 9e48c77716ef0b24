"""Codes of plans that the gateway's own tables name: one that is not in the plan concept table would never hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from gateway.mapping.concepts import read_rows

_COLUMN = "plan"


def unknown_in_tables(folder: Path, *, known: Collection[str]) -> Iterator[str]:
    """A sentence for each row of a table in `folder` whose plan is none of `known`: file, row and code."""
    for file in sorted(folder.rglob("*.csv")):
        columns = file.read_text(encoding="utf-8").partition("\n")[0].strip().split(",")
        for number, row in read_rows(file, columns) if _COLUMN in columns else ():
            code = row.get(_COLUMN)
            if code and code not in known:
                place = file.relative_to(folder).as_posix()
                yield f"{place} row {number}: there is no plan '{code}' in concepts/plan.csv"
