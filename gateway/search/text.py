"""Strings as they are compared: without case, accents and doubled spaces. https://hl7.org/fhir/R4/search.html#string"""

from __future__ import annotations

import hashlib
import unicodedata

MAX_TEXT = 256
"""Characters of a string that are compared."""
MAX_CODE = 400
"""Longest code, system or address that is indexed as it is; a longer one is kept as a hash (keys have limits)."""


def folded(text: str) -> str:
    """`text` without case, accents and doubled spaces."""
    if text.isascii():
        return " ".join(text.lower().split())[:MAX_TEXT]
    apart = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())[:MAX_TEXT]


def bounded(code: str) -> str:
    """`code` itself, or a hash of it when it is too long for a database key."""
    if len(code) <= MAX_CODE:
        return code
    return "sha256:" + hashlib.sha256(code.encode("utf-8")).hexdigest()
