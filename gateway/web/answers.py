"""The only place that makes responses: of what was disclosed, and of what is nobody's data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from gateway.errors import Issue, NotAcceptable
from gateway.fhir import codec
from gateway.fhir.outcome import outcome
from gateway.ports import Json, Kept
from gateway.trust.disclosure import Disclosed
from gateway.usecases.keep import Written
from gateway.web.formats import CONTENT_TYPE, Format, wanted, written
from gateway.web.prefer import returned

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Hints = Callable[[], Iterable[Issue]]
"""What breaks no rule and is yet to be told."""
_PLAIN_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
_BODILESS = frozenset([204, 304])


class Answer(Response):
    """A response whose body is whole bytes and whose headers are final: nothing is left to be worked out of them."""

    default_mimetype = None

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        sent = Headers([*_PLAIN_HEADERS, *headers.items()])
        if status not in _BODILESS:
            sent.add("Content-Length", str(len(body)))
        super().__init__(None, status, sent)
        self.response = [body] if body else []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()


def disclosed(what: Disclosed, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response that carries what was disclosed."""
    return _response(what.body, wanted(), status=status, headers=headers)


def own(what: Disclosed) -> Response:
    """A response with JSON of the gateway's own, disclosed like everything else; NotAcceptable for who wants none."""
    if wanted() != "json":
        raise NotAcceptable("Only application/json is written at this address.")
    return Answer(what.body, 200, {"Content-Type": "application/json"})


def public(
    resource: Json, *, status: int = 200, format: Format = "json", headers: Mapping[str, str] | None = None
) -> Response:
    """A response with a resource that holds no person's data: an OperationOutcome, a CapabilityStatement."""
    return _response(codec.write(resource), format, status=status, headers=headers)


def status_line(said: Mapping[str, str]) -> Response:
    """A small JSON answer for machines that watch the process."""
    return Answer(codec.write(dict(said)), 200, {"Content-Type": "application/json"})


def empty(status: int, *, headers: Mapping[str, str] | None = None) -> Response:
    """A response without a body."""
    return Answer(b"", status, headers or {})


def version_headers(kept: Kept) -> dict[str, str]:
    """ETag and Last-Modified of a version. https://hl7.org/fhir/R4/http.html#versions"""
    return {"ETag": kept.etag, "Last-Modified": _http_date(int(kept.at.timestamp()))}


@lru_cache(4096)
def _http_date(second: int) -> str:
    """Unix seconds as in RFC 9110, 5.6.7: many resources are of one second, and this is dear for a header."""
    return formatdate(second, usegmt=True)


def wrote(what: Written, *, base: str, hints: Hints = list) -> Response:
    """The answer to a create or update, with as much body as Prefer asks for; `hints` are worked out when that is an
    OperationOutcome, which "contains hints and warnings". https://hl7.org/fhir/R4/http.html#ops
    """
    kept = what.kept
    headers = version_headers(kept) | {"Location": f"{base}/{kept.reference}/_history/{kept.version}"}
    status = 201 if what.created else 200
    match returned():
        case "minimal":
            return empty(status, headers=headers)
        case "OperationOutcome":
            said = "Created." if what.created else "Updated." if what.changed else "Nothing has changed."
            told = [Issue("information", "informational", said), *(hints() if what.changed else ())]
            return public(outcome(told), status=status, format=wanted(), headers=headers)
        case _:
            assert what.disclosed is not None
            return disclosed(what.disclosed, status=status, headers=headers)


def _response(data: bytes, format: Format, *, status: int, headers: Mapping[str, str] | None) -> Response:
    return Answer(written(data, format), status, {"Content-Type": CONTENT_TYPE[format], **(headers or {})})
