"""What a narrative may link to. https://hl7.org/fhir/R4/narrative.html#xhtml, https://www.rfc-editor.org/rfc/rfc2397"""

from __future__ import annotations

import re

_URL = re.compile(r"[\w;?:@&=+$.,/%~#\[\]!'()*|\-]+")
_MEDIA_TYPE = re.compile(r"(?:[\w.+\-]+/[\w.+\-]+)?(?:;[\w.+\-]+=[\w.+\-\"]*)*")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def link_fault(value: str) -> str | None:
    """What is wrong with a URL that a narrative links to."""
    scheme = value.strip().lower().partition(":")[0]
    if scheme in ("javascript", "vbscript"):
        return "must not have links that are scripts"
    if not value:
        return "must not have links without a URL"
    if scheme in ("urn", "cid") and ":" in value:
        return "must have links that a browser can follow, not urn: or cid:"
    if scheme == "data":
        return _data_fault(value.strip()[5:])
    if not _URL.fullmatch(value):
        return "must not have links with characters that no URL has"
    return None


def _data_fault(text: str) -> str | None:
    head, _, data = text.partition(",")
    kind, coded, rest = head.partition(";base64")
    if not data:
        return "must not have data: links without data"
    if rest or not _MEDIA_TYPE.fullmatch(kind):
        return "must not have data: links whose type is no MIME type"
    if coded and not _BASE64.fullmatch("".join(data.split())):
        return "must not have data: links that are not base64 as they say"
    return None
