"""References as they are compared: `Type/id`, without version and without this server's own base."""

from __future__ import annotations

import re

_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
_VERSION = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$", re.ASCII)
_ABSOLUTE = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}", re.ASCII)


def normal(reference: str, *, base: str = "") -> str | None:
    """The comparable form of a literal reference; None for one into the resource itself (`#contained`)."""
    if reference.startswith("#"):
        return None
    if base and reference.startswith(base + "/"):
        reference = reference[len(base) + 1 :]
    local = _LOCAL.fullmatch(reference)
    if local:
        return f"{local[1]}/{local[2]}"
    return _VERSION.sub("", reference)


def type_of(reference: str) -> str | None:
    """The resource type that a normalised reference names, where it does."""
    found = _LOCAL.fullmatch(reference) or _ABSOLUTE.fullmatch(reference)
    return found[1] if found else None
