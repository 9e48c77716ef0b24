"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from flask import Response

from gateway.usecases.published import BESIDE
from gateway.usecases.read import read as read_one
from gateway.web import answers, definitions
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import query
from gateway.web.preconditions import of_read
from gateway.web.prefer import lenient


def read(web: Web) -> View:
    """GET [base]/[type]/[id], conditional by If-None-Match or If-Modified-Since (304)."""
    services = web.services
    ours = definitions.read(web)

    def view(type: str, id: str) -> Response:
        wanted()
        have, since = of_read()
        if type == BESIDE and web.published.has(type, id, on=services.clock().date()):
            return ours(type, id)
        part = services.search.part(type, query(), lenient=lenient())
        kept, shown = read_one(caller(web), type, id, services=services, unless=have, since=since, part=part)
        headers = answers.version_headers(kept)
        return answers.disclosed(shown, headers=headers) if shown else answers.empty(304, headers=headers)

    return view
