"""CIN, BIC, NPI and their neighbours: read for certain or refused by a named rule."""

from __future__ import annotations

import pytest

from gateway.domain import identifiers
from gateway.domain.identifiers import Unreadable


@pytest.mark.parametrize(
    ("written", "cin", "remarked"),
    [
        ("91234567A", "91234567A", set()),
        (" 9123 4567-a ", "91234567A", set()),
        ("91234567A2", "91234567A", {"cin-from-card"}),
        ("91234567A22345", "91234567A", {"cin-from-card"}),
        ("91234567A22001", "91234567A", {"cin-from-card"}),
        ("91234567A24366", "91234567A", {"cin-from-card"}),
        ("81234567A", "81234567A", {"cin-first-digit"}),
    ],
)
def test_a_cin_is_read_from_a_cin_or_a_card(written: str, cin: str, remarked: set[str]) -> None:
    seen: set[str] = set()
    assert identifiers.cin(written, remark=lambda rule, _: seen.add(rule)) == cin
    assert seen == remarked


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("123-45-6789", "cin-ssn"),
        ("912345678", "cin-ssn"),
        ("1EG4-TE5-MK73", "cin-medicare"),
        ("123456789A", "cin-medicare"),
        ("9.12E+08", "spreadsheet-number"),
        ("00012345", "cin-shape"),
        ("91234567AA", "cin-shape"),
        ("91234567A22400", "cin-card-date"),
        ("91234567A22000", "cin-card-date"),
        ("91234567A24367", "cin-card-date"),
    ],
)
def test_what_is_not_a_cin_is_refused_without_quoting_it(written: str, rule: str) -> None:
    with pytest.raises(Unreadable) as refused:
        identifiers.cin(written)
    assert refused.value.rule == rule
    assert written not in str(refused.value)


@pytest.mark.parametrize("npi", ["1234567893", "1245319599", "1669479192", "1881018208"])
def test_an_npi_passes_its_check_digit(npi: str) -> None:
    assert identifiers.npi(npi) == npi


@pytest.mark.parametrize(
    ("npi", "rule"),
    [
        ("1234567890", "npi-check"),
        ("1234567898", "npi-check"),
        ("1234567983", "npi-check"),
        ("3234567893", "npi-shape"),
        ("123456789", "npi-shape"),
        ("1.23457E+09", "spreadsheet-number"),
    ],
)
def test_a_wrong_npi_is_refused(npi: str, rule: str) -> None:
    with pytest.raises(Unreadable) as refused:
        identifiers.npi(npi)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("written", "code"), [("90012", "90012"), ("90012-1234", "90012-1234"), ("900121234", "90012-1234")]
)
def test_zip_codes(written: str, code: str) -> None:
    assert identifiers.zip_code(written) == code


@pytest.mark.parametrize("written", ["2134", "9001", "9.0E+04", "90012-12"])
def test_a_zip_code_that_lost_digits_is_refused(written: str) -> None:
    with pytest.raises(Unreadable):
        identifiers.zip_code(written)


def test_the_rest_of_the_identifiers() -> None:
    assert identifiers.tin("95-1234567") == "951234567"
    assert identifiers.plan_code("29") == "029"
    assert identifiers.diagnosis_code("z5902") == "Z59.02"
    assert identifiers.aid_code("4m") == "4M"
    for read, wrong in (
        (identifiers.tin, "5123456"),
        (identifiers.plan_code, "3040"),
        (identifiers.diagnosis_code, "59.02"),
        (identifiers.aid_code, "4MX"),
    ):
        with pytest.raises(Unreadable):
            read(wrong)


@pytest.mark.parametrize(
    ("text", "code"), [("I10", "I10"), ("z59.01", "Z59.01"), ("Z5901", "Z59.01"), ("F329", "F32.9")]
)
def test_a_diagnosis_has_its_point(text: str, code: str) -> None:
    assert identifiers.diagnosis_code(text) == code
