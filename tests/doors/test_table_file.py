"""Partner files: strict about shape, and every row is accounted for."""

from __future__ import annotations

import pytest

from gateway.doors.readers import Readers
from gateway.errors import GatewayError, NotFound
from tests.conftest import ROOT
from tests.doors.cases import TODAY

CLEAN = (ROOT / "fixtures" / "referrals" / "csv-kaiser-clean" / "file.csv").read_bytes()


def test_a_file_cut_anywhere_in_its_last_row_never_passes_for_whole(readers: Readers) -> None:
    reader = readers.table("kaiser", "referral")
    whole = reader.read(CLEAN, today=TODAY)
    start = CLEAN.rstrip(b"\r\n").rfind(b"\n") + 1
    for cut in range(start + 1, len(CLEAN) - 1):
        rows = reader.read(CLEAN[:cut], today=TODAY).rows
        assert len(rows) == len(whole.rows)
        assert rows[-1].value is None, f"cut at byte {cut}"
        assert [row.value for row in rows[:-1]] == [row.value for row in whole.rows[:-1]]


def test_columns_may_come_in_any_order(readers: Readers) -> None:
    reader = readers.table("kaiser", "referral")
    header, row = "Member Last Name,Referral ID", "Zanzibarovna,1"
    with pytest.raises(GatewayError) as refused:
        reader.read(f"{header}\r\n{row}\r\n".encode(), today=TODAY)
    assert {issue.rule for issue in refused.value.issues if issue.is_error} == {"column-missing"}
    assert len([issue for issue in refused.value.issues if issue.is_error]) > 10


def test_what_is_not_carried_is_listed(readers: Readers) -> None:
    first = readers.table("kaiser", "referral").read(CLEAN, today=TODAY).rows[0]
    assert "Authorization Number" in first.not_carried
    assert "Member First Name" not in first.not_carried
    assert "Referral ID" not in first.not_carried


def test_the_same_row_has_the_same_hash_and_key(readers: Readers) -> None:
    reader = readers.table("eldermark", "referral")
    data = (ROOT / "fixtures" / "referrals" / "csv-eldermark-clean" / "file.csv").read_bytes()
    one, two = reader.read(data, today=TODAY).rows, reader.read(data, today=TODAY).rows
    assert [(r.source_hash, r.require().key) for r in one] == [(r.source_hash, r.require().key) for r in two]
    assert len({r.require().key.id for r in one}) == len(one)


def test_formulas_and_neutralised_formulas_are_text(readers: Readers) -> None:
    data = (ROOT / "fixtures" / "referrals" / "csv-eldermark-clean" / "file.csv").read_bytes()
    rows = readers.table("eldermark", "referral").read(data, today=TODAY).rows
    assert rows[2].require().notes == ('=HYPERLINK("x")',)
    assert rows[3].require().notes == ("@SUM(1)",)
    formula = (ROOT / "fixtures" / "referrals" / "csv-formula-kept" / "file.csv").read_bytes()
    assert readers.table("kaiser", "referral").read(formula, today=TODAY).rows[0].require().need == "=cmd|' /C calc'!A0"


def test_a_cell_s_issue_names_row_column_and_line(readers: Readers) -> None:
    data = (ROOT / "fixtures" / "referrals" / "csv-kaiser-dirty" / "file.csv").read_bytes()
    row = readers.table("kaiser", "referral").read(data, today=TODAY).rows[1]
    (issue,) = row.errors
    assert issue.rule == "cin-ssn"
    assert issue.expression == "row 3, column 'Member Client Index Number (CIN)'"
    assert (row.number, issue.line, issue.column) == (3, 3, 4)


def test_every_row_of_a_file_is_accounted_for(readers: Readers) -> None:
    data = (ROOT / "fixtures" / "referrals" / "csv-eldermark-dirty" / "file.csv").read_bytes()
    file = readers.table("eldermark", "referral").read(data, today=TODAY)
    lines = data.count(b"\r\n") - 1
    empty = [issue for issue in file.issues if issue.rule == "csv-empty-rows"]
    assert len(file.accepted) + len(file.refused) + len(empty) == lines


def test_there_is_no_reader_for_strangers(readers: Readers) -> None:
    with pytest.raises(NotFound):
        readers.table("kaiser", "invoice")
    with pytest.raises(NotFound):
        readers.json("invoice")


def test_a_birth_date_is_judged_on_the_day_of_reading(readers: Readers) -> None:
    rows = readers.table("kaiser", "referral").read(CLEAN, today=TODAY.replace(year=2000)).rows
    assert "birth-date-future" in {issue.rule for issue in rows[2].issues}
