"""The formats that are read and written: FHIR JSON, and FHIR XML where the codec for it is there.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from flask import current_app, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from gateway.errors import Malformed, NotAcceptable
from gateway.fhir import codec
from gateway.fhir import xml as fhir_xml
from gateway.fhir.xml import Types
from gateway.fhir.xml_writer import XmlWriter

Format = Literal["json", "xml"]
FORMAT = "ecm.format"
"""Where in the request's environment the `_format` of a form is kept."""
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
_OTHER_VERSION = re.compile(r"fhirversion\s*=\s*\"?(?!4\.0(\.1)?\"?\s*(;|$))")
_PLAIN = frozenset(["", "*/*", "application/fhir+json", "application/json"])


@dataclass(frozen=True, slots=True)
class XmlCodec:
    """FHIR XML to a resource and back, as far as either can be done here."""

    read: Callable[[bytes], Any] | None = None
    write: Callable[[Any], bytes] | None = None

    @classmethod
    def of(cls, types: Types) -> XmlCodec:
        """Both ways, by a table of types."""
        return cls(partial(_read, types), XmlWriter(types).write)


def _read(types: Types, data: bytes) -> Any:
    """A resource from FHIR XML; Malformed, with line and column, for what is not FHIR in it."""
    found = fhir_xml.read(data, types)
    if any(issue.is_error for issue in found.issues):
        raise Malformed(issues=found.issues)
    return found.value


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
    named = request.args.get("_format") if "_format" in environ["QUERY_STRING"] else environ.get(FORMAT)
    if named:
        return _offered(named.split(";")[0].strip().replace(" ", "+").lower())
    accept = environ.get("HTTP_ACCEPT", "")
    if accept in _PLAIN:
        return "json"
    for kind, quality in parse_accept_header(accept, MIMEAccept):
        name, _, parameters = kind.lower().partition(";")
        if quality <= 0 or _OTHER_VERSION.search(parameters):
            continue
        name = name.strip()
        if name in ("*/*", "application/*"):
            return "json"
        if name in _NAMES and (_NAMES[name] == "json" or xml().write):
            return _NAMES[name]
    offered = "application/fhir+json" + (" or application/fhir+xml" if xml().write else "")
    raise NotAcceptable(f"None of the media types asked for is written here: ask for {offered} (fhirVersion=4.0).")


def _offered(name: str) -> Format:
    found = _NAMES.get(name)
    if found is None or (found == "xml" and not xml().write):
        raise NotAcceptable("_format names a format that is not written here.")
    return found
