"""The only place that makes responses: of what was disclosed, and of what is nobody's data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from flask import Response

from gateway.fhir import codec
from gateway.ports import Json, Kept
from gateway.trust.disclosure import Disclosed
from gateway.usecases.keep import Written
from gateway.web.formats import CONTENT_TYPE, Format, wanted, written
from gateway.web.prefer import returned

_PLAIN_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def disclosed(what: Disclosed, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response that carries what was disclosed."""
    return _response(what.body, wanted(), status=status, headers=headers)


def own(what: Disclosed) -> Response:
    """A response with JSON of the gateway's own, disclosed like everything else."""
    return Response(what.body, 200, _PLAIN_HEADERS, content_type="application/json")


def public(
    resource: Json, *, status: int = 200, format: Format = "json", headers: Mapping[str, str] | None = None
) -> Response:
    """A response with a resource that holds no person's data: an OperationOutcome, a CapabilityStatement."""
    return _response(codec.write(resource), format, status=status, headers=headers)


def status_line(said: Mapping[str, str]) -> Response:
    """A small JSON answer for machines that watch the process."""
    return Response(codec.write(dict(said)), 200, _PLAIN_HEADERS, content_type="application/json")


def empty(status: int, *, headers: Mapping[str, str] | None = None) -> Response:
    """A response without a body."""
    response = Response(status=status, headers={**_PLAIN_HEADERS, **(headers or {})})
    del response.headers["Content-Type"]
    return response


def version_headers(kept: Kept) -> dict[str, str]:
    """ETag and Last-Modified of a version. https://hl7.org/fhir/R4/http.html#versions"""
    return {"ETag": kept.etag, "Last-Modified": kept.at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")}


def wrote(what: Written, *, base: str) -> Response:
    """The answer to a create or update, with as much body as Prefer asks for.

    https://hl7.org/fhir/R4/http.html#ops
    """
    kept = what.kept
    headers = version_headers(kept) | {"Location": f"{base}/{kept.reference}/_history/{kept.version}"}
    status = 201 if what.created else 200
    match returned():
        case "minimal":
            return empty(status, headers=headers)
        case "OperationOutcome":
            said = "Created." if what.created else "Updated." if what.changed else "Nothing has changed."
            issue = {"severity": "information", "code": "informational", "diagnostics": said}
            return public(
                {"resourceType": "OperationOutcome", "issue": [issue]}, status=status, format=wanted(), headers=headers
            )
        case _:
            assert what.disclosed is not None
            return disclosed(what.disclosed, status=status, headers=headers)


def _response(data: bytes, format: Format, *, status: int, headers: Mapping[str, str] | None) -> Response:
    return Response(
        written(data, format),
        status,
        {**_PLAIN_HEADERS, **(headers or {})},
        content_type=CONTENT_TYPE[format],
    )
