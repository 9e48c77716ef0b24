"""Search parameters as they are written in an address, a form, a condition. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from urllib.parse import parse_qsl

from gateway.errors import BadRequest, Issue

MOST = 1_000
"""Parameters that one request may have."""


def pairs(text: str, *, place: str | None = None) -> list[tuple[str, str]]:
    """`name=value&...` as name and value pairs, in order; values may be empty.

    BadRequest, at `place`, for escapes that are no UTF-8 (they would be searched for as something else), and for more
    than `MOST` parameters.
    """
    if not text:
        return []
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:  # UnicodeError is one
        message = f"The parameters are not URL-encoded UTF-8, or more than {MOST}."
        raise BadRequest(issues=[Issue("error", "invalid", message, place, "query-string")]) from None


def condition(text: str, *, place: str | None = None) -> list[tuple[str, str]]:
    """The parameters of a condition (If-None-Exist), with or without its question mark."""
    return pairs(text.removeprefix("?"), place=place)
