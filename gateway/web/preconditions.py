"""If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since of a request.

https://www.rfc-editor.org/rfc/rfc9110#section-13.1, https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

from datetime import datetime

from flask import request
from werkzeug.http import parse_date

from gateway.errors import BadRequest, Issue
from gateway.fhir import etag
from gateway.fhir.etag import Tags
from gateway.usecases.preconditions import ALWAYS, Precondition


def of_update() -> Precondition:
    """What an update asks of the version that it replaces; BadRequest for a header that cannot be read."""
    environ = request.environ
    match, none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    since = environ.get("HTTP_IF_UNMODIFIED_SINCE")
    if match is None and none_match is None and since is None:
        return ALWAYS
    return Precondition(_tags(match, "If-Match"), _tags(none_match, "If-None-Match"), _unmodified(since))


def of_read() -> tuple[Tags | None, datetime | None]:
    """The versions that the caller has, and since when; If-None-Match goes before If-Modified-Since.

    A date that cannot be read asks for nothing: the answer is then a whole one.
    """
    environ = request.environ
    if (tag := environ.get("HTTP_IF_NONE_MATCH")) is not None:
        return _tags(tag, "If-None-Match"), None
    text = environ.get("HTTP_IF_MODIFIED_SINCE")
    return None, parse_date(text) if text else None


def _tags(text: str | None, name: str) -> Tags | None:
    return etag.read(text, name=name) if text is not None else None


def _unmodified(text: str | None) -> datetime | None:
    found = parse_date(text) if text is not None else None
    if text is not None and found is None:
        raise BadRequest(issues=[Issue("error", "value", "If-Unmodified-Since is not an HTTP date.", rule="http-date")])
    return found
