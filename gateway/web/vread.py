"""FHIR vread. https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from flask import Response

from gateway.errors import NotFound
from gateway.usecases.read import read as read_one
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def vread(web: Web) -> View:
    """GET [base]/[type]/[id]/_history/[vid]"""
    services = web.services

    def view(type: str, id: str, version: str) -> Response:
        wanted()
        if not (version.isascii() and version.isdecimal() and 0 < len(version) < 10 and int(version)):
            raise NotFound("There is no such version here.")
        kept, shown = read_one(caller(web), type, id, services=services, version=int(version))
        assert shown is not None
        return answers.disclosed(shown, headers=answers.version_headers(kept))

    return view
