"""The request's body, read whole or refused. Flask's own `get_data` cuts a chunked body at the limit without a word."""

from __future__ import annotations

from typing import Any

from flask import request

from gateway.errors import BadRequest, Issue, LengthRequired, Malformed, TooLarge, UnsupportedMedia
from gateway.fhir import codec
from gateway.web.context import Web

JSON_TYPES = frozenset(["application/fhir+json", "application/json"])
XML_TYPES = frozenset(["application/fhir+xml", "application/xml", "text/xml"])
_END_THEMSELVES = JSON_TYPES | XML_TYPES
_PIECE = 65_536


def body(web: Web) -> bytes:
    """All bytes of the request's body: TooLarge over the limit, Malformed when it ends early.

    It reads until the stream ends, whether or not a length was announced, so that nothing is silently cut. A connection
    that breaks in a chunked body looks like its end (Granian) or like a failure (gunicorn): JSON and XML end by
    themselves, whatever else is sent in chunks is LengthRequired.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body without a content encoding.")
    announced = request.environ.get("CONTENT_LENGTH")
    length = _length(announced) if announced else None
    if length is not None and length > web.max_body:
        _too_large(web)
    stream = request.environ["wsgi.input"]
    try:
        if length is not None:
            data = _exactly(stream, length)
        elif request.environ.get("HTTP_TRANSFER_ENCODING") or request.environ.get("wsgi.input_terminated"):
            data = _until_the_end(stream, web)
        else:
            return b""
    except OSError:
        raise Malformed("The connection broke before the body had ended.") from None
    if length is not None and len(data) < length:
        raise Malformed("The body ended before the length that was announced.")
    if length is None and data and request.mimetype not in _END_THEMSELVES:
        message = "Say the length (Content-Length): in chunks nobody can see whether all of it came."
        raise LengthRequired(issues=[Issue("error", "incomplete", message, rule="body-length")])
    return data


def _length(announced: str) -> int:
    if not (announced.isascii() and announced.isdecimal()):
        raise BadRequest("Content-Length is not a number.")
    return int(announced)


def _too_large(web: Web) -> None:
    limit = f"The body is over the limit of {web.max_body} bytes."
    raise TooLarge(issues=[Issue("error", "too-long", limit, rule="body-size")])


def _exactly(stream: Any, length: int) -> bytes:
    data: bytes = stream.read(length) if length else b""
    while data and len(data) < length:
        more = stream.read(length - len(data))
        if not more:
            break
        data += more
    return data


def _until_the_end(stream: Any, web: Web) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > web.max_body:
            _too_large(web)
        pieces.append(piece)
    return b"".join(pieces)


def media_type() -> str:
    """The body's media type in lower case; UnsupportedMedia for another charset than UTF-8 or version than R4."""
    kind, _, rest = request.headers.get("Content-Type", "").partition(";")
    for parameter in rest.split(";"):
        name, _, value = (part.strip().lower().strip('"') for part in parameter.partition("="))
        if name == "charset" and value not in ("utf-8", "utf8"):
            raise UnsupportedMedia("Send the body as UTF-8.")
        if name == "fhirversion" and value not in ("4.0", "4.0.1"):
            raise UnsupportedMedia("Only FHIR R4 (fhirVersion=4.0) is read here.")
    return kind.strip().lower()


def fhir(web: Web) -> Any:
    """The resource in the body, by its media type."""
    kind = media_type()
    if kind in JSON_TYPES:
        return codec.read(body(web))
    if kind in XML_TYPES and (read_xml := web.xml.read):
        return read_xml(body(web))
    raise UnsupportedMedia(f"Send {' or '.join(web.reads)}.")


def own_json(web: Web) -> bytes:
    """The bytes of a JSON body in one of the gateway's own schemas."""
    if media_type() != "application/json":
        raise UnsupportedMedia("Send application/json.")
    return body(web)
