"""FHIR search, by GET and by POST. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from flask import Response

from gateway.ports import Json
from gateway.usecases.published import BESIDE
from gateway.usecases.search import Parameters
from gateway.usecases.search import search as find
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import form, query
from gateway.web.prefer import lenient


def search(web: Web) -> View:
    """GET [base]/[type]?[parameters]"""
    services = web.services

    def view(type: str) -> Response:
        wanted()
        asked = query()
        beside = _ours(type, asked, web)
        found = find(caller(web), type, asked, services=services, base=web.base, lenient=lenient(), beside=beside)
        return answers.disclosed(found)

    return view


def search_post(web: Web) -> View:
    """POST [base]/[type]/_search: the same, with nothing about a person in the address."""
    services = web.services

    def view(type: str) -> Response:
        asked = form(web)
        wanted()
        beside = _ours(type, asked, web)
        found = find(
            caller(web), type, asked, services=services, base=web.base, lenient=lenient(), by_form=True, beside=beside
        )
        return answers.disclosed(found)

    return view


def _ours(type: str, asked: Parameters, web: Web) -> list[Json]:
    return web.published.beside(asked, on=web.services.clock().date()) if type == BESIDE else []
