"""FHIR create. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from flask import Response, request

from gateway.fhir.query_string import condition
from gateway.usecases.create import create as keep_new
from gateway.usecases.keep import offered, resource_of
from gateway.usecases.validate import hints
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def create(web: Web) -> View:
    """POST [base]/[type], with If-None-Exist for a conditional create."""
    services = web.services

    def view(type: str) -> Response:
        wanted()
        offered(type, services)
        resource = resource_of(fhir(web), type=type)
        asked = request.environ.get("HTTP_IF_NONE_EXIST")
        unless = condition(asked) if asked is not None else None
        written = keep_new(resource, caller(web), type=type, services=services, unless=unless)
        return answers.wrote(written, base=web.base, hints=lambda: hints(resource, services))

    return view
