"""FHIR JSON in and out: strict reading, decimals kept digit for digit.

https://hl7.org/fhir/R4/json.html. Resources are plain dicts, lists, str, int, bool and `decimal.Decimal`.
Refused as `Malformed` (400): bytes that are not UTF-8, a byte order mark, NaN and Infinity, a member named twice,
lone surrogates and NUL characters, nesting beyond `MAX_DEPTH`, anything after the value.
"""

from __future__ import annotations

import codecs
import json
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
import orjson

from gateway.errors import Issue, Malformed
from gateway.fhir.json_faults import line_and_column, named_twice

MAX_DEPTH = 254
"""Levels of nesting that are read, which is what orjson writes; published resources stay below 30."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encoder = msgspec.json.Encoder(decimal_format="number")
_encode = _encoder.encode

Json = dict[str, Any]
_GZIP = b"\x1f\x8b"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read(data: bytes) -> Any:
    """Read one JSON value from UTF-8 bytes, or raise Malformed."""
    return read_as_written(data)[0]


def read_as_written(data: bytes) -> tuple[Any, bool]:
    """As `read`, and whether the bytes are what `compact` writes."""
    try:
        value = _decode(data)
    except RecursionError:
        _refuse("is nested too deeply")
    except (ValueError, ArithmeticError) as error:  # msgspec's and UnicodeDecodeError; a number too large for Decimal
        _unreadable(error, data)
    try:
        again = orjson.dumps(value, default=_digits)
    except TypeError:  # whole numbers beyond 64 bits, half of a surrogate pair, nesting beyond MAX_DEPTH
        again = _written(value, data)
    # What we would write ourselves names no member twice. Of other sources, every string token has two quotes, so a
    # member named twice leaves fewer quotes in what we read than in the source: a cheap count finds it. Those that
    # write a quote as \u00.. go the slow way, as do all that may have a NUL.
    compactly = again == data
    if compactly:
        if data.rfind(b"\\u0000") >= 0:
            _read_strictly(data)
    elif b"\\u00" in data or data.count(b'"') != again.count(b'"'):
        _read_strictly(data)
    return value, compactly


def compact(value: Any) -> bytes | None:
    """How most of those who write compact JSON write a value that was read; None where that cannot be told."""
    try:
        return orjson.dumps(value, default=_digits)
    except TypeError:
        return None


def _digits(value: Any) -> orjson.Fragment:
    """A decimal as it was written."""
    return orjson.Fragment(str(value).encode())


def _written(value: Any, data: bytes) -> bytes:
    try:
        again = _encode(value)
    except RecursionError:
        _refuse("is nested too deeply")
    except ValueError as error:
        _unreadable(error, data)
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        _refuse("is nested too deeply")
    return again


def write(value: Any) -> bytes:
    """Write compact UTF-8 JSON; members keep their order and decimals their digits."""
    return _encode(value)


def write_pretty(value: Any) -> bytes:
    """Write indented UTF-8 JSON, for people and golden files."""
    return msgspec.json.format(_encode(value), indent=2) + b"\n"


def _refuse(reason: str, place: tuple[int | None, int | None] = (None, None), *, rule: str = "json") -> NoReturn:
    line, column = place
    raise Malformed(issues=[Issue("fatal", "structure", f"The JSON {reason}.", rule=rule, line=line, column=column)])


def _unreadable(error: Exception, data: bytes) -> NoReturn:
    if not data or data.isspace():
        _refuse("is empty", (1, 1))
    if data.startswith(_GZIP):
        _refuse("is compressed (gzip): unpack it first", (1, 1))
    if data.startswith(codecs.BOM_UTF8):
        _refuse("begins with a byte order mark: leave it out (RFC 8259, section 8.1)", (1, 1))
    if data.startswith(_WIDE) or b"\0" in data[:4]:
        _refuse("is not UTF-8", (1, 1))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        _refuse("is not UTF-8", line_and_column(data, wrong.start))
    text = str(error)
    byte = text[text.rfind("(byte ") + 6 : -1] if text.endswith(")") else ""
    if not byte.isdigit():
        _refuse("is not well-formed", line_and_column(data, len(data)) if "truncated" in text else (None, None))
    _refuse(f"is not well-formed at byte {byte}", line_and_column(data, int(byte)))


def _read_strictly(data: bytes) -> None:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = {name for name, _ in pairs}
        if len(names) != len(pairs):
            found = named_twice(data)
            place = line_and_column(data, found[1]) if found else (None, None)
            _refuse("names a member twice in one object", place, rule="json-twice")
        return dict(pairs)

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=members, parse_float=str, parse_int=str)
    except RecursionError:
        _refuse("is nested too deeply")
    except ValueError:
        _refuse("is not well-formed")
    if b"\\u0000" in data and "\\u0000" in json.dumps(value):
        _refuse("has a NUL character in a string", line_and_column(data, data.find(b"\\u0000")))


def _depth(data: bytes) -> int:
    deepest = depth = 0
    in_string = escaped = False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
