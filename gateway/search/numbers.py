"""Numbers as integers that sort alike, and the interval that a number's digits imply.

https://hl7.org/fhir/R4/search.html#number. The index has one pair of integer columns for dates and for numbers: the
bits of an IEEE double, read as an integer, keep the order of the numbers once those of negative ones are turned round.
"""

from __future__ import annotations

import re
import struct
from decimal import Decimal

_SHAPE = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)


def sortable(value: int | Decimal) -> int:
    """A signed 64-bit integer that compares as the double nearest to `value` does."""
    (bits,) = struct.unpack(">q", struct.pack(">d", float(value) or 0.0))
    found: int = bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)
    return found


def decimal(text: str) -> Decimal:
    """The number that `text` writes; ValueError if it is none."""
    if not _SHAPE.fullmatch(text):
        raise ValueError("is not a number")
    return Decimal(text)


def implied(value: Decimal) -> tuple[Decimal, Decimal]:
    """Half a unit of the last digit to either side: 100 is [99.5, 100.5), 5.40 is [5.395, 5.405)."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal((0, (5,), exponent - 1))
    return value - half, value + half
