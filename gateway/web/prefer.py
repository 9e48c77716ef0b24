"""Prefer: how much of what was kept the caller wants back. https://hl7.org/fhir/R4/http.html#ops"""

from __future__ import annotations

from typing import Literal

from flask import request

Return = Literal["minimal", "representation", "OperationOutcome"]


def _prefers(name: str) -> str | None:
    header: str = request.environ.get("HTTP_PREFER", "")
    for part in header.replace(";", ",").split(","):
        key, _, value = part.strip().partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"').lower()
    return None


def returned() -> Return:
    """What Prefer asks to have returned; the representation unless it says otherwise."""
    match _prefers("return"):
        case "minimal":
            return "minimal"
        case "operationoutcome":
            return "OperationOutcome"
    return "representation"


def full() -> bool:
    """Whether a Bundle's answer is to carry the resources (only when asked for)."""
    return _prefers("return") == "representation"


def lenient() -> bool:
    """Whether unknown search parameters may be ignored (Prefer: handling=lenient)."""
    return _prefers("handling") == "lenient"
