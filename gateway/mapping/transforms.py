"""The named functions that a table's `via` may call: one cell's text -> raw data. Logic lives here, never in a CSV.

Each takes the text of a cell (never empty) and returns a string, a list or an object of raw data; it raises Unreadable
when the cell cannot be read for certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.domain.identifiers import Unreadable

Raw = Any
Transform = Callable[[str], Raw]

_EXTENSION = re.compile(r"\s*(?:,?\s*(?:ext\.?|extension|x)\s*(\d{1,6}))\s*$", re.IGNORECASE)


def one_per_line(cell: str) -> list[str]:
    """`12 Elm St\\nApt 3` -> two lines."""
    return [line.strip() for line in cell.splitlines() if line.strip()]


def labels(cell: str) -> list[str]:
    """Labels separated by `;` or `|` or lines. A comma separates nothing: labels of the state contain commas."""
    return [label.strip() for label in re.split(r"[;|\n]", cell) if label.strip()]


def comma_list(cell: str) -> list[str]:
    """Codes separated by `,`, `;` or `|`."""
    return [code.strip() for code in re.split(r"[,;|\n]", cell) if code.strip()]


def phones(cell: str) -> list[Raw]:
    """One or more phone numbers, `mobile, home` style, each with its extension if it has one."""
    cell = _collapsed(cell)
    pieces = [piece.strip() for piece in re.split(r"[;|/\n]|,(?!\s*(?:ext|x))|\bor\b", cell) if piece.strip()]
    return [_phone(piece) for piece in pieces]


def phones_mobile_home(cell: str) -> list[Raw]:
    """Exporters that join `mobile, home`: with two numbers the order says which is which, with one it does not."""
    found = phones(cell)
    if len(found) > 2:
        raise Unreadable("phone-list", "has more than the two numbers (mobile, home) that this column may hold")
    if len(found) == 2:
        return [found[0] | {"kind": "mobile"}, found[1] | {"kind": "home"}]
    return found


def _phone(piece: str) -> Raw:
    if match := _EXTENSION.search(piece):
        return {"number": piece[: match.start()], "extension": match[1]}
    return {"number": piece}


def fax(cell: str) -> list[Raw]:
    """A fax number as a phone of that kind."""
    return [one | {"kind": "fax"} for one in phones(cell)]


def full_name(cell: str) -> Raw:
    """A whole name as written. `Last, First Middle` is certain and is split; any other order stays text only."""
    parts = [part.strip() for part in cell.split(",")]
    name = {"text": cell}
    if len(parts) == 2 and all(parts) and not _CREDENTIAL.fullmatch(parts[1]):
        first, _, middle = parts[1].partition(" ")
        name |= {"last": parts[0], "first": first} | ({"middle": middle.strip()} if middle.strip() else {})
    return name


_CREDENTIAL = re.compile(r"(?:[A-Z]{2,}|(?:[A-Z]\.){2,}|Ph\.?D|PharmD|PsyD|EdD|Esq|Jr|Sr)\.?(?:[ -][A-Z]+)*")
"""A title after a comma (`MD`, `R.N.`, `Jr.`); a first name all in capitals looks the same and is left alone too."""


def self_referral(cell: str) -> str | None:
    """`yes` where the relationship to the member says that the member refers; nothing for any other."""
    return "yes" if cell.strip().casefold() in _SELF else None


_SELF = frozenset(["self", "myself", "member", "patient", "client"])


def range_start(cell: str) -> str:
    """`01/02/2026 - 01/09/2026` -> its first day."""
    return _range(cell)[0]


def range_end(cell: str) -> str:
    """`01/02/2026 - 01/09/2026` -> its last day."""
    return _range(cell)[-1]


def _range(cell: str) -> list[str]:
    if "," in cell:
        raise Unreadable("date-several", "holds several dates: this column may hold one, or one range")
    return [part.strip() for part in re.split(r" (?:-|–|to) ", _collapsed(cell))]


def _collapsed(cell: str) -> str:
    """Runs of spaces made one: patterns stay linear in the cell's length."""
    return "\n".join(" ".join(line.split()) for line in cell.splitlines())


TRANSFORMS: Mapping[str, Transform] = {
    made.__name__: made
    for made in (
        one_per_line,
        labels,
        comma_list,
        phones,
        phones_mobile_home,
        fax,
        full_name,
        self_referral,
        range_start,
        range_end,
    )
}
