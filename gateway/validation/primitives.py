"""What a primitive value must look like. https://hl7.org/fhir/R4/datatypes.html#primitive

Each check takes a JSON value and answers None or the sentence that says what was expected; it never raises, never
quotes the value, and takes time linear in it.
"""

from __future__ import annotations

import binascii
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any

Check = Callable[[Any], str | None]

MAX_STRING = 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and halves of characters (JSON can write them; nobody can read them)."""
_SPACE = re.compile(r"\s")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*+))++")
"""What is taken is never given back (`++`): else each turn of a loop is remembered, a gigabyte for 10 MB of text."""
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_URN = re.compile(
    r"urn:(?:oid:[0-2](?:\.(?:0|[1-9][0-9]*+))++|uuid:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})(?:[#|].*)?"
)
_CODE = re.compile(r"[^\s\ud800-\udfff]++(?: [^\s\ud800-\udfff]++)*+")
_YEAR = r"(?!0000)[0-9]{4}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(rf"({_YEAR})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?", re.ASCII)
_DATE_TIME = re.compile(rf"({_YEAR})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01])(?:T{_TIME}{_ZONE})?)?)?", re.ASCII)
_INSTANT = re.compile(rf"({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T{_TIME}{_ZONE}", re.ASCII)
_CLOCK = re.compile(_TIME, re.ASCII)


def _text(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a JSON string"
    if value and value[0] > " " and len(value) < 200 and value.isprintable():
        return None
    if not value:
        return "must not be empty: leave the member out instead"
    if len(value) > MAX_STRING:
        return "must not be longer than 1,048,576 characters"
    if _CONTROL.search(value):
        return "must not contain control characters"
    if value.isspace():
        return "must have some content other than white space"
    return None


def _plain(pattern: re.Pattern[str], sentence: str) -> Check:
    match = pattern.fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a JSON string"
        return None if match(value) else sentence

    return check


def _uri(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a JSON string"
    if not value:
        return "must not be empty: leave the member out instead"
    if _SPACE.search(value) or _CONTROL.search(value):
        return "must be a URI: no white space and no control characters"
    if value.startswith(("oid:", "uuid:")):
        return "must write an OID or UUID as urn:oid: or urn:uuid:"
    if value.startswith(("urn:oid:", "urn:uuid:")) and not _URN.fullmatch(value):
        return "must have a valid OID or UUID after urn:oid: or urn:uuid:"
    return None


def _canonical(value: Any) -> str | None:
    wrong = _uri(value)
    if wrong:
        return wrong
    if value[0] != "#" and ":" not in value:
        return "must be an absolute canonical URL, or # and the id of a contained resource"
    return None


def _calendar(pattern: re.Pattern[str], sentence: str) -> Check:
    match = pattern.fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a JSON string"
        found = match(value)
        if not found:
            return sentence
        year, month, day = found.groups()
        if day is not None and day > "28" and int(day) > monthrange(int(year), int(month))[1]:
            return "must be a day that the calendar has"
        return None

    return check


def _boolean(value: Any) -> str | None:
    return None if value is True or value is False else "must be true or false, without quotes"


def _whole(low: int, sentence: str) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return "must be a whole number, without quotes, fraction or exponent"
        return None if low <= value <= 2147483647 else sentence

    return check


def _decimal(value: Any) -> str | None:
    if (
        type(value) is int
        or (type(value) is Decimal and value.is_finite())
        or (type(value) is float and isfinite(value))
    ):
        return None
    return "must be a number, without quotes"


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return "must be a JSON string"
    if not value:
        return "must not be empty: leave the member out instead"
    if decoded_size(value) is None:
        return "must be base64 (RFC 4648)"
    return None


def decoded_size(value: str) -> int | None:
    """How many bytes a base64 text stands for, white space ignored; None when it is not base64."""
    known = decoded(value)
    return None if known is None else len(known)


def decoded(value: str) -> bytes | None:
    """The bytes that a base64 text stands for, white space ignored; None when it is not base64."""
    bare = "".join(value.split())
    if len(bare) % 4:
        return None
    try:
        return binascii.a2b_base64(bare.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return None


CHECKS: dict[str, Check] = {
    "boolean": _boolean,
    "integer": _whole(-2147483648, "must be between -2147483648 and 2147483647"),
    "unsignedInt": _whole(0, "must be between 0 and 2147483647"),
    "positiveInt": _whole(1, "must be between 1 and 2147483647"),
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": _text,
    "code": _plain(_CODE, "must be a code: no empty value, no white space at either end, no double spaces"),
    "id": _plain(_ID, "must be 1 to 64 of A-Z, a-z, 0-9, - and ."),
    "uri": _uri,
    "url": _uri,
    "canonical": _canonical,
    "oid": _plain(_OID, "must be an OID written as urn:oid:"),
    "uuid": _plain(_UUID, "must be a UUID written as urn:uuid: in lower case"),
    "date": _calendar(_DATE, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _calendar(
        _DATE_TIME, "must be YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone (Z or +hh:mm)"
    ),
    "instant": _calendar(_INSTANT, "must be YYYY-MM-DDThh:mm:ss with a time zone (Z or +hh:mm)"),
    "time": _plain(_CLOCK, "must be a time hh:mm:ss"),
    "base64Binary": _base64,
}
"""The check of every R4 primitive type."""
