"""FHIR update, by id and by condition. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from flask import Response, request

from gateway.errors import BadRequest, Issue
from gateway.usecases import update as usecase
from gateway.usecases.bundle_entries import version_of
from gateway.usecases.keep import offered, resource_of
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import query


def update(web: Web) -> View:
    """PUT [base]/[type]/[id], with If-Match for the version that is replaced; a new id makes a new resource."""
    services = web.services

    def view(type: str, id: str) -> Response:
        wanted()
        offered(type, services)
        expected = expected_version()
        resource = resource_of(fhir(web), type=type)
        written = usecase.update(resource, caller(web), type=type, id=id, services=services, expected=expected)
        return answers.wrote(written, base=web.base)

    return view


def conditional_update(web: Web) -> View:
    """PUT [base]/[type]?[search parameters]"""
    services = web.services

    def view(type: str) -> Response:
        wanted()
        offered(type, services)
        expected = expected_version()
        resource = resource_of(fhir(web), type=type)
        where = query()
        written = usecase.conditional_update(
            resource, caller(web), type=type, where=where, services=services, expected=expected
        )
        return answers.wrote(written, base=web.base)

    return view


def expected_version() -> int | None:
    """The version that is to be replaced: what If-Match names, 0 (it may not be there yet) for `If-None-Match: *`."""
    tag, unless = request.environ.get("HTTP_IF_MATCH"), request.environ.get("HTTP_IF_NONE_MATCH")
    if unless is not None and (unless != "*" or tag is not None):
        raise BadRequest(issues=[Issue("error", "value", "An update may have If-Match, or If-None-Match: *.")])
    if tag is None:
        return None if unless is None else 0
    version = version_of(tag)
    if version is None:
        raise BadRequest(issues=[Issue("error", "value", 'If-Match is not one version, such as W/"3".')])
    return version
