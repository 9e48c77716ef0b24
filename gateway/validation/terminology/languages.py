"""Language tags: the grammar of BCP 47 and the subtags that IANA registers. https://www.rfc-editor.org/rfc/bcp/bcp47"""

from __future__ import annotations

import re
from functools import cache

from gateway.validation.terminology.registries import words

MAX_LENGTH = 200
_PRIVATE = {
    "language": re.compile("q[a-t][a-z]"),
    "script": re.compile("qa[a-b][a-x]"),
    "region": re.compile("q[m-z]|x[a-z]"),
}
"""Ranges that the registry keeps for private use."""


@cache
def _registered(kind: str) -> frozenset[str]:
    return frozenset(words("languages", kind))


def parts(tag: str) -> dict[str, list[str]] | None:
    """The subtags of a well-formed tag by kind (language, ext-lang, script, region, variant, extension, private-use).

    None when the tag is not well-formed or uses a subtag that is not registered.
    """
    tag = tag.lower()
    if len(tag) > MAX_LENGTH or not tag.isascii():
        return None
    if tag in _registered("grandfathered"):
        return {"language": [tag]}
    subtags = tag.split("-")
    found: dict[str, list[str]] = {}
    if subtags[0] != "x":
        if not _known("language", subtags[0]):
            return None
        found["language"] = [subtags.pop(0)]
        _take(found, "ext-lang", subtags, most=3)
        _take(found, "script", subtags, most=1)
        _take(found, "region", subtags, most=1)
        _take(found, "variant", subtags, most=len(subtags))
        if len(set(found.get("variant", ()))) != len(found.get("variant", ())):
            return None
    return found if _tail(subtags, found) else None


def _take(found: dict[str, list[str]], kind: str, subtags: list[str], *, most: int) -> None:
    while subtags and most and _known(kind, subtags[0]):
        found.setdefault(kind, []).append(subtags.pop(0))
        most -= 1


def _known(kind: str, subtag: str) -> bool:
    pattern = _PRIVATE.get(kind)
    if pattern is not None and pattern.fullmatch(subtag):
        return True
    return subtag in _registered(kind.replace("-", ""))


def _tail(subtags: list[str], found: dict[str, list[str]]) -> bool:
    """Extensions (`u-ca-gregory`) and private use (`x-...`): only their form can be checked."""
    singles: set[str] = set()
    while subtags:
        single = subtags.pop(0)
        if len(single) != 1 or not single.isalnum() or single in singles:
            return False
        singles.add(single)
        kind, shortest = ("private-use", 1) if single == "x" else ("extension", 2)
        taken = []
        while subtags and (kind == "private-use" or len(subtags[0]) > 1):
            taken.append(subtags.pop(0))
        if not taken or not all(shortest <= len(item) <= 8 and item.isalnum() for item in taken):
            return False
        found.setdefault(kind, []).append("-".join([single, *taken]))
    return True
