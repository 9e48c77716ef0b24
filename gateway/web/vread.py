"""FHIR vread. https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from flask import Response

from gateway.errors import NotFound
from gateway.usecases.read import read as read_one
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import query
from gateway.web.prefer import lenient


def vread(web: Web) -> View:
    """GET [base]/[type]/[id]/_history/[vid]"""
    services = web.services

    def view(type: str, id: str, version: str) -> Response:
        wanted()
        number = version_number(version)
        part = services.search.part(type, query(), lenient=lenient())
        kept, shown = read_one(caller(web), type, id, services=services, version=number, part=part)
        assert shown is not None
        return answers.disclosed(shown, headers=answers.version_headers(kept))

    return view


def version_number(text: str) -> int:
    """The version that an address names; NotFound for what can be none."""
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise NotFound("There is no such version here.")
    return int(text)
