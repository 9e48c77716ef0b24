"""How each kind of value is read: one function per mark of `domain.values` and per plain type.

A leaf takes the raw value and the running Reader state; it returns the typed value or raises Unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import phonenumbers

from gateway.domain import dates, identifiers
from gateway.domain.identifiers import Remark, Unreadable
from gateway.mapping.concepts import Concept

LONGEST_TEXT = 1_000
LONGEST_FREE_TEXT = 100_000
LONGEST_TOKEN = 200

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@<>,;:\"()]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What reading depends on besides the value: the day, and the concept tables of this sender."""

    today: date
    concepts: Mapping[str, Concept]


Leaf = Callable[[Any, Surroundings, Remark], Any]


def text(raw: Any) -> str:
    """One line of text."""
    value = " ".join(_string(raw, longest=LONGEST_TEXT).split())
    if not value:
        raise Unreadable("empty", "is empty: leave out what is not known")
    return value


def long_text(raw: Any) -> str:
    """Free text as written; only line ends are made one kind."""
    value = _string(raw, longest=LONGEST_FREE_TEXT).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not value:
        raise Unreadable("empty", "is empty: leave out what is not known")
    return value


def token(raw: Any) -> str:
    """An identifier of the sender's own."""
    value = _string(raw, longest=LONGEST_TOKEN).strip()
    if not value:
        raise Unreadable("empty", "is empty: leave out what is not known")
    if "\n" in value or "\r" in value:
        raise Unreadable("token-lines", "must be one line")
    return value


def phone(raw: Any) -> str:
    """E.164 from a phone number as Americans write it; an extension has its own field."""
    value = text(raw)
    if re.fullmatch(r"\d+(\.\d+)?[Ee]\+?\d+", value):
        raise Unreadable("spreadsheet-number", "was turned into a number like 1.23E+09 by a spreadsheet")
    try:
        found = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        raise Unreadable("phone-shape", "is not a phone number") from None
    if found.extension:
        raise Unreadable("phone-extension", "has an extension: give it as `extension`")
    if re.search(r"[A-Za-z]", value) or not phonenumbers.is_valid_number(found):
        raise Unreadable("phone-shape", "is not a phone number that can be dialled (10 digits in the United States)")
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def email(raw: Any) -> str:
    value = text(raw)
    if not _EMAIL.fullmatch(value):
        raise Unreadable("email-shape", "is not an e-mail address")
    return value


def boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Unreadable("type", "must be true or false")
    return raw


def day(raw: Any) -> date:
    return dates.day(text(raw))


def moment(raw: Any) -> datetime:
    return dates.moment(text(raw))


def _string(raw: Any, *, longest: int) -> str:
    if not isinstance(raw, str):
        raise Unreadable("type", "must be text")
    if len(raw) > longest:
        raise Unreadable("too-long", f"is longer than {longest} characters")
    if _CONTROL.search(raw):
        raise Unreadable("control-character", "has control characters")
    return raw


def _plain(read: Callable[[Any], Any]) -> Leaf:
    return lambda raw, around, remark: read(raw)


def _of_text(read: Callable[[str], Any]) -> Leaf:
    return lambda raw, around, remark: read(text(raw))


def of_concept(name: str) -> Leaf:
    """A leaf that reads a label by the concept table `name`; its codes are labels of themselves."""

    def read(raw: Any, around: Surroundings, remark: Remark) -> str:
        return around.concepts[name].code(text(raw), on=around.today)

    return read


CONCEPTS = frozenset(
    "state county plan language program criterion community-support referral-status loop-closure-reason "
    "life-cycle-state discontinuation-reason".split()
)
"""Marks whose values are read by the concept table of the same name."""
LEAVES: Mapping[object, Leaf] = {
    str: _plain(text),
    bool: _plain(boolean),
    date: _plain(day),
    datetime: _plain(moment),
    "text": _plain(text),
    "long-text": _plain(long_text),
    "token": _plain(token),
    "phone": _plain(phone),
    "email": _plain(email),
    "cin": lambda raw, around, remark: identifiers.cin(text(raw), remark=remark),
    "npi": _of_text(identifiers.npi),
    "tin": _of_text(identifiers.tin),
    "zip": _of_text(identifiers.zip_code),
    "aid-code": _of_text(identifiers.aid_code),
    "hcp-code": _of_text(identifiers.plan_code),
    "icd10": _of_text(identifiers.diagnosis_code),
    "end-date": _of_text(dates.end_day),
    "birth-date": lambda raw, around, remark: dates.birth_day(text(raw), today=around.today, remark=remark),
    **{name: of_concept(name) for name in CONCEPTS},
}
"""Mark or type -> how it is read. Every mark of `domain.values` is here (a test says so)."""
