"""What spreadsheets and exporters do to cells: read where it is certain, else refused by row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from gateway.domain.referral import Referral
from gateway.doors.readers import Readers
from gateway.doors.reading import Reading
from gateway.doors.table_file import FileReading
from gateway.errors import Unmappable
from tests.conftest import ROOT
from tests.doors.cases import TODAY

CLEAN = (ROOT / "fixtures" / "referrals" / "csv-kaiser-clean" / "file.csv").read_text(encoding="utf-8-sig")
HEADER, FIRST, *_ = csv.reader(io.StringIO(CLEAN))
CIN, CITY, MRN = "Member Client Index Number (CIN)", "Member Residential City", "Medical Record Number (MRN)"
NAME, BORN = "Member First Name", "Member Date of Birth"
NOBODY = dict.fromkeys(
    ("Referred By", "Referring Organization", "Referring Organization NPI", "Referrer Phone Number", "Referrer Email"),
    "",
)


def file_of(readers: Readers, header: Sequence[str], *rows: Sequence[str]) -> FileReading[Referral]:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return readers.table("kaiser", "referral").read(text.getvalue().encode(), today=TODAY)


def row_with(readers: Readers, **cells: str) -> Reading[Referral]:
    changed = [cells.get(name, cell) for name, cell in zip(HEADER, FIRST, strict=True)]
    (row,) = file_of(readers, HEADER, changed).rows
    return row


@pytest.mark.parametrize("cell", ['="91234567A"', '="9123 4567-a"', ' ="91234567A2" ', "\u200b9123\u20604567A\ufeff"])
def test_what_a_spreadsheet_puts_around_a_number_is_none_of_it(readers: Readers, cell: str) -> None:
    assert row_with(readers, **{CIN: cell}).require().member.cin == "91234567A"


def test_a_formula_that_does_more_is_not_worked_out(readers: Readers) -> None:
    (issue,) = row_with(readers, **{CIN: '="91234567"&"A"'}).errors
    assert (issue.rule, issue.expression) == ("cin-shape", f"row 2, column '{CIN}'")


@pytest.mark.parametrize("cell", ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "########"])
@pytest.mark.parametrize("column", [NAME, CITY, CIN, "Reason for Referral"])
def test_a_spreadsheet_s_error_is_no_data(readers: Readers, column: str, cell: str) -> None:
    (issue,) = row_with(readers, **{column: cell}).errors
    assert (issue.rule, issue.expression) == ("spreadsheet-error", f"row 2, column '{column}'")


@pytest.mark.parametrize(("column", "cell"), [(CIN, "９1234567A"), (CIN, "9123456٧A"), (BORN, "٠٤/٠٥/١٩٨٠")])
def test_digits_are_those_of_ascii(readers: Readers, column: str, cell: str) -> None:
    (issue,) = row_with(readers, **{column: cell}).errors
    assert issue.expression == f"row 2, column '{column}'"
    assert issue.rule in {"cin-shape", "date-shape"}


@pytest.mark.parametrize("cell", ["N/A", "-", "?", "Unknown", "not provided", "TBD"])
def test_a_word_that_says_nothing_is_no_name_and_no_number(readers: Readers, cell: str) -> None:
    (issue,) = row_with(readers, **{NAME: cell}).errors
    assert (issue.rule, issue.expression) == ("required", f"row 2, column '{NAME}'")
    member = row_with(readers, **{MRN: cell, CITY: cell}).require().member
    assert member.mrn is None
    assert member.address is not None
    assert member.address.city is None


@pytest.mark.parametrize("cell", ["Null", "None", "Na"])
def test_a_word_that_is_also_a_name_stays_one(readers: Readers, cell: str) -> None:
    assert row_with(readers, **{NAME: cell}).require().member.name.first == cell
    assert row_with(readers, **{MRN: cell}).require().member.mrn is None


def test_free_text_stays_whatever_it_says(readers: Readers) -> None:
    assert row_with(readers, **{"Reason for Referral": "Unknown"}).require().need == "Unknown"


def test_a_member_who_refers_herself_needs_no_other_referrer(readers: Readers) -> None:
    referrer = row_with(readers, **NOBODY, **{"Relationship to Member": "Self"}).require().referrer
    assert referrer.is_member
    (issue,) = row_with(readers, **NOBODY, **{"Relationship to Member": "Family"}).errors
    assert issue.rule == "referral-referrer"


def test_a_column_without_header_and_cells_is_nothing(readers: Readers) -> None:
    read = file_of(readers, [*HEADER, "", " "], [*FIRST, "", " "])
    assert [row.value is not None for row in read.rows] == [True]


def test_a_column_without_header_that_holds_something_refuses_the_file(readers: Readers) -> None:
    with pytest.raises(Unmappable) as refused:
        file_of(readers, [*HEADER, ""], [*FIRST, ""], [*FIRST, "Zanzibarovna"])
    (issue,) = (issue for issue in refused.value.issues if issue.is_error)
    assert (issue.rule, issue.column) == ("column-unnamed", len(HEADER) + 1)
    assert "row 3" in issue.message
    assert "Zanzibarovna" not in issue.message
