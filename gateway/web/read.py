"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from datetime import datetime

from flask import Response, request
from werkzeug.http import parse_date

from gateway.usecases.bundle_entries import version_of
from gateway.usecases.read import read as read_one
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def read(web: Web) -> View:
    """GET [base]/[type]/[id], conditional by If-None-Match or If-Modified-Since (304)."""
    services = web.services

    def view(type: str, id: str) -> Response:
        wanted()
        tag = request.environ.get("HTTP_IF_NONE_MATCH")
        have = version_of(tag) if tag else None
        kept, shown = read_one(caller(web), type, id, services=services, unless=have, since=_since())
        headers = answers.version_headers(kept)
        return answers.disclosed(shown, headers=headers) if shown else answers.empty(304, headers=headers)

    return view


def _since() -> datetime | None:
    """If-Modified-Since, to the second; If-None-Match goes before it."""
    text = request.environ.get("HTTP_IF_MODIFIED_SINCE")
    return parse_date(text) if text and "HTTP_IF_NONE_MATCH" not in request.environ else None
