"""The declaration at the start of an XML resource: version 1.0 or 1.1, UTF-8. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

import re

_DECLARED = re.compile(rb"<\?xml\s+version\s*=\s*[\"']([^\"']*)[\"'](?:\s+encoding\s*=\s*[\"']([^\"']*)[\"'])?")
_LONGEST = 200


def misdeclared(data: bytes) -> str | None:
    """What is wrong with what the bytes say of themselves; None where they say nothing, or are UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "The XML must be encoded in UTF-8."
    found = _DECLARED.match(data[:_LONGEST].removeprefix(b"\xef\xbb\xbf"))
    if found is None:
        return None
    version, encoding = found.groups()
    if version not in (b"1.0", b"1.1"):
        return "The XML must be of version 1.0 or 1.1."
    if encoding is not None and encoding.lower() != b"utf-8":
        return "The XML must be encoded in UTF-8, and say no other encoding."
    return None
