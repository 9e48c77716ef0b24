"""Every row of every partner's table is filled by some fixture file of that partner that is accepted."""

from __future__ import annotations

import pytest

from gateway.doors import dialect
from gateway.doors.readers import Readers
from gateway.mapping.partners import header_of
from tests.conftest import ROOT
from tests.doors.cases import FOLDERS, NEWS, TODAY, all_cases

READERS = Readers.load(ROOT / "mappings")


@pytest.mark.parametrize(("partner", "kind"), sorted(READERS.layouts))
def test_every_row_of_the_table_has_a_fixture(partner: str, kind: str) -> None:
    layout = READERS.layouts[partner, kind]
    filled: set[str] = set()
    for case in all_cases(FOLDERS + NEWS):
        if (case.toml.get("partner"), case.toml.get("kind")) != (partner, kind) or 200 not in case.statuses:
            continue
        good = {row.number for row in READERS.table(partner, kind).read(case.body, today=TODAY).accepted}
        text = dialect.text(case.body, encoding=layout.encoding)
        header, *records = dialect.records(text, delimiter=layout.delimiter, quote=layout.quote)
        columns = [header_of(layout, cell) for cell in header.cells]
        for record in records:
            if record.number in good:
                filled |= {name for name, cell in zip(columns, record.cells, strict=True) if name and cell.strip()}
    unused = [rule.place for rule in layout.table.rules if rule.column and rule.column not in filled]
    assert not unused


def test_every_row_of_this_partner_s_table_reaches_its_field() -> None:
    """The filled row of each layout gives a value at the path of every row of the table."""
    for (partner, kind), layout in READERS.layouts.items():
        folder, ending = {"referral": ("referrals", "clean"), "referral-change": ("referral-changes", "return")}[kind]
        case = next(c for c in all_cases(FOLDERS + NEWS) if c.name == f"{folder}/csv-{partner}-{ending}")
        records = [row.require() for row in READERS.table(partner, kind).read(case.body, today=TODAY).accepted]
        for rule in layout.table.rules:
            if rule.target is not None and rule.target.put in ("set", "add"):
                assert any(_reached(record, rule.target.steps) for record in records), rule.place


def _reached(record: object, steps: tuple[str | int, ...]) -> bool:
    for step in steps:
        if isinstance(step, int):
            record = record[step] if isinstance(record, tuple) and len(record) > step else None
        else:
            record = getattr(record, step, None)
    return record is not None and record != ()
