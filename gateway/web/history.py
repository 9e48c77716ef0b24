"""FHIR history of one resource. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from flask import Response

from gateway.usecases.read import history as versions
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def history(web: Web) -> View:
    """GET [base]/[type]/[id]/_history"""
    services = web.services

    def view(type: str, id: str) -> Response:
        wanted()
        return answers.disclosed(versions(caller(web), type, id, services=services, base=web.base))

    return view
