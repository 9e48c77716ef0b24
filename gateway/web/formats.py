"""The formats that can be read and written: FHIR JSON, and FHIR XML where the codec for it is there.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from flask import current_app, request
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


@dataclass(frozen=True, slots=True)
class XmlCodec:
    """FHIR XML to a resource and back, as far as either can be done here."""

    read: Callable[[bytes], Any] | None = None
    write: Callable[[Any], bytes] | None = None


def xml() -> XmlCodec:
    """The codec that the application was made with."""
    codec: XmlCodec = current_app.extensions["fhir_xml"]
    return codec


def written(data: bytes, format: Format) -> bytes:
    """FHIR JSON bytes in the format asked for."""
    write = xml().write if format == "xml" else None
    return data if write is None else write(codec.read(data))


def wanted() -> Format:
    """What the caller asks for by `_format` or Accept; NotAcceptable if that cannot be written."""
    environ = request.environ
    if "_format" in environ["QUERY_STRING"] and (named := request.args.get("_format")):
        return _offered(named.split(";")[0].strip().replace(" ", "+").lower())
    accept = environ.get("HTTP_ACCEPT", "")
    if accept in _PLAIN:
        return "json"
    for kind, quality in parse_accept_header(accept, MIMEAccept):
        name = kind.split(";")[0].strip().lower()
        if quality > 0 and name in ("*/*", "application/*"):
            return "json"
        if quality > 0 and name in _NAMES and (_NAMES[name] == "json" or xml().write):
            return _NAMES[name]
    raise NotAcceptable("None of the media types asked for is written here: ask for application/fhir+json.")


def _offered(name: str) -> Format:
    found = _NAMES.get(name)
    if found is None or (found == "xml" and not xml().write):
        raise NotAcceptable("_format names a format that is not written here.")
    return found
