"""Regular expressions from profiles and instances, run in time linear in the text (RE2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _OPTIONS)
    except (re2.error, TypeError, ValueError):
        return None


def full_match(pattern: str, text: str) -> bool | None:
    """Whether all of `text` matches; None when the expression cannot be run safely."""
    compiled = _compiled(pattern)
    return None if compiled is None else compiled.fullmatch(text) is not None
