"""The formats that can be read and written: FHIR JSON, and FHIR XML where the codec for it is there.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any, Literal

from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from gateway.errors import NotAcceptable
from gateway.fhir import codec

Format = Literal["json", "xml"]
CONTENT_TYPE: dict[Format, str] = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
_NAMES: dict[str, Format] = {
    "json": "json",
    "application/json": "json",
    "application/fhir+json": "json",
    "xml": "xml",
    "text/xml": "xml",
    "application/xml": "xml",
    "application/fhir+xml": "xml",
}
_PLAIN = frozenset(["", "*/*", "application/fhir+json", "application/json"])


@cache
def is_xml() -> bool:
    """Whether FHIR XML can be read and written."""
    return importlib.util.find_spec("gateway.fhir.xml") is not None


def read_xml(data: bytes) -> Any:
    return importlib.import_module("gateway.fhir.xml").read(data)


def written(data: bytes, format: Format) -> bytes:
    """FHIR JSON bytes in the format asked for."""
    if format == "json":
        return data
    written: bytes = importlib.import_module("gateway.fhir.xml").write(codec.read(data))
    return written


def wanted() -> Format:
    """What the caller asks for by `_format` or Accept; NotAcceptable if that cannot be written."""
    if b"_format" in request.query_string and (named := request.args.get("_format")):
        return _offered(named.split(";")[0].strip().replace(" ", "+").lower())
    accept = request.environ.get("HTTP_ACCEPT", "")
    if accept in _PLAIN:
        return "json"
    for kind, quality in parse_accept_header(accept, MIMEAccept):
        name = kind.split(";")[0].strip().lower()
        if quality > 0 and name in ("*/*", "application/*"):
            return "json"
        if quality > 0 and name in _NAMES and (_NAMES[name] == "json" or is_xml()):
            return _NAMES[name]
    raise NotAcceptable("This can be written as application/fhir+json." + (" Or +xml." if is_xml() else ""))


def _offered(name: str) -> Format:
    found = _NAMES.get(name)
    if found is None or (found == "xml" and not is_xml()):
        raise NotAcceptable("_format names a format that is not written here.")
    return found
