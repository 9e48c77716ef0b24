"""What the answer about a coded value depends on, to remember it by."""

from __future__ import annotations

from typing import Any

from gateway.validation.known_profiles import MAX_CANONICAL

UNKEYED = object()


def worth_keeping(key: Any) -> bool:
    """Whether a key is one, and not so long that somebody made it up."""
    return key is not UNKEYED and len(repr(key)) < MAX_CANONICAL


def code_key(value: Any) -> Any:
    """system, code and display of each coding, or the code itself; UNKEYED when it is not simple."""
    if type(value) is str:
        return value
    if type(value) is not dict:
        return UNKEYED
    codings = value.get("coding")
    try:
        if codings is None:
            return value.get("system"), value.get("version"), value.get("code"), value.get("display")
        if len(codings) == 1:
            return codings[0].get("system"), codings[0].get("code"), codings[0].get("display")
        return tuple((coding.get("system"), coding.get("code"), coding.get("display")) for coding in codings)
    except (TypeError, AttributeError, KeyError):
        return UNKEYED
