"""Entity tags, as If-Match and If-None-Match list them. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3

A version's tag is `W/"3"`. The strong form `"3"` names the same version: https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import BadRequest, Issue

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GAP = re.compile(r"[ \t]*(?:,[ \t,]*|$)")
"""What divides two tags; empty places between commas count for nothing."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The versions that a list of tags names. `any`: `*`, whatever version there is.

    A tag that is well formed and none of ours (another server's, one that a proxy has changed) names no version.
    """

    versions: frozenset[int] = frozenset()
    any: bool = False

    def name(self, version: int | None) -> bool:
        """Whether the version (None: there is none) is among those named."""
        return version is not None and (self.any or version in self.versions)


def read(text: str, *, name: str, place: str | None = None) -> Tags:
    """The tags of `*` or a list; BadRequest for anything else. `name` is what the text is the value of."""
    text = text.strip(" \t,")
    if text == "*":
        return Tags(any=True)
    versions: set[int] = set()
    at = 0
    while tag := _TAG.match(text, at):
        if tag[1].isdecimal() and tag[1].isascii() and len(tag[1]) < 10:
            versions.add(int(tag[1]))
        gap = _GAP.match(text, tag.end())
        if gap is None:
            break
        at = gap.end()
    if at < len(text) or not text:
        message = f'{name} is neither * nor a list of versions such as W/"3" or W/"3", W/"4".'
        raise BadRequest(issues=[Issue("error", "value", message, place, "etag")])
    return Tags(frozenset(versions))
