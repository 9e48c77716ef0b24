"""Identifiers as they arrive, to one canonical form, or refused by a named rule that never quotes them.

Each function takes text and returns the canonical form; it raises Unreadable when the text cannot be read for certain.
`remark` receives (rule, sentence) for what was read but deserves a look.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Remark = Callable[[str, str], None]

_CIN = re.compile(r"(\d{8}[A-Z])(?:(\d)(?:(\d)(\d{3}))?)?", re.ASCII)
_MBI = re.compile(r"[1-9][A-Z][A-Z0-9]\d[A-Z][A-Z0-9]\d[A-Z]{2}\d{2}")
_HICN = re.compile(r"\d{9}[A-Z][A-Z0-9]?")
"""Medicare numbers before 2018: a Social Security number with a letter."""
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_GLUE = re.compile(r"[\s\u00a0\u200b\u2010-\u2015\u2060\ufeff-]+")
"""What people and copied cells put between digits, seen or not."""

_NPI_PREFIX_SUM = 24
"""What the prefix 80840 adds to the Luhn sum of an NPI."""


class Unreadable(ValueError):
    """A value that cannot be read for certain: `rule` is a stable id, `message` a sentence without the value."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


def silent(rule: str, message: str) -> None:
    """A `remark` for callers that want the value only."""


def cin(text: str, *, remark: Remark = silent) -> str:
    """The 9-character Client Index Number out of a CIN, a 10-character CIN with check digit or a 14-character BIC.

    An SSN or a Medicare number is refused: neither may stand where the CIN belongs.
    """
    value = _squeeze(text)
    if match := _CIN.fullmatch(value):
        index_number, check, _year, day = match.groups()
        if day is not None and not 1 <= int(day) <= 366:
            raise Unreadable("cin-card-date", "ends in a card date whose day is not 001 to 366")
        if not index_number.startswith("9"):
            remark("cin-first-digit", "does not start with 9 as Client Index Numbers do")
        if check is not None:
            remark("cin-from-card", "is a card number: its first nine characters were taken as the CIN")
        return index_number
    raise _why_not_a_cin(value)


def _why_not_a_cin(value: str) -> Unreadable:
    if _SCIENTIFIC.fullmatch(value):
        return _spreadsheet()
    if re.fullmatch(r"\d{9}", value):
        return Unreadable("cin-ssn", "has the shape of a Social Security number: it was not kept; send the CIN")
    if _MBI.fullmatch(value) or _HICN.fullmatch(value):
        return Unreadable("cin-medicare", "has the shape of a Medicare number, not of a CIN")
    return Unreadable("cin-shape", "is not a CIN (8 digits and a letter), nor a card number of 10 or 14 characters")


def npi(text: str) -> str:
    """Ten digits that start with 1 or 2 and pass the Luhn check with the prefix 80840."""
    value = _squeeze(text)
    if _SCIENTIFIC.fullmatch(value):
        raise _spreadsheet()
    if not re.fullmatch(r"[12][0-9]{9}", value):
        raise Unreadable("npi-shape", "is not an NPI: ten digits that start with 1 or 2")
    total = _NPI_PREFIX_SUM + sum(_luhn(int(digit), doubled=at % 2 == 0) for at, digit in enumerate(value))
    if total % 10:
        raise Unreadable("npi-check", "fails the NPI check digit: one digit is wrong or two are swapped")
    return value


def _luhn(digit: int, *, doubled: bool) -> int:
    if not doubled:
        return digit
    return digit * 2 - 9 if digit > 4 else digit * 2


def tin(text: str) -> str:
    """Nine digits; `12-3456789` loses its hyphen."""
    value = _squeeze(text)
    if _SCIENTIFIC.fullmatch(value):
        raise _spreadsheet()
    if not re.fullmatch(r"[0-9]{9}", value):
        raise Unreadable("tin-shape", "is not a tax id of nine digits (a spreadsheet may have removed a leading zero)")
    return value


def zip_code(text: str) -> str:
    """`90012` or `90012-1234`; nine digits gain their hyphen."""
    value = text.strip()
    if _SCIENTIFIC.fullmatch(value):
        raise _spreadsheet()
    match = re.fullmatch(r"([0-9]{5})(?:[ -]?([0-9]{4}))?", value)
    if not match:
        raise Unreadable(
            "zip-shape", "is not a ZIP code of 5 or 9 digits (a spreadsheet may have removed a leading zero)"
        )
    return match[1] if match[2] is None else f"{match[1]}-{match[2]}"


def aid_code(text: str) -> str:
    """Two characters, digits and capitals."""
    value = _squeeze(text)
    if not re.fullmatch(r"[0-9A-Z]{2}", value):
        raise Unreadable("aid-code-shape", "is not an aid code of two characters")
    return value


def diagnosis_code(text: str) -> str:
    """An ICD-10-CM code with its point."""
    value = _squeeze(text).replace(".", "")
    if not re.fullmatch(r"[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}", value):
        raise Unreadable("icd10-shape", "does not have the shape of an ICD-10-CM code")
    return value if len(value) == 3 else f"{value[:3]}.{value[3:]}"


def plan_code(text: str) -> str:
    """A health care plan code of three digits; lost leading zeros are put back (files in the wild carry `29`)."""
    value = text.strip()
    if not re.fullmatch(r"[0-9]{1,3}", value):
        raise Unreadable("plan-code-shape", "is not a health care plan code of three digits")
    return value.zfill(3)


def _squeeze(text: str) -> str:
    return _GLUE.sub("", text).upper()


def _spreadsheet() -> Unreadable:
    return Unreadable(
        "spreadsheet-number", "was turned into a number like 1.23E+09 by a spreadsheet: its digits are lost"
    )
