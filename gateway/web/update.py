"""FHIR update, by id and by condition. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from flask import Response

from gateway.usecases import update as usecase
from gateway.usecases.keep import offered, resource_of
from gateway.usecases.validate import hints
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import query
from gateway.web.preconditions import of_update


def update(web: Web) -> View:
    """PUT [base]/[type]/[id], with If-Match for the version that is replaced; a new id makes a new resource."""
    services = web.services

    def view(type: str, id: str) -> Response:
        wanted()
        offered(type, services)
        condition = of_update()
        resource = resource_of(fhir(web), type=type)
        written = usecase.update(resource, caller(web), type=type, id=id, services=services, condition=condition)
        return answers.wrote(written, base=web.base, hints=lambda: hints(resource, services))

    return view


def conditional_update(web: Web) -> View:
    """PUT [base]/[type]?[search parameters]"""
    services = web.services

    def view(type: str) -> Response:
        wanted()
        offered(type, services)
        condition = of_update()
        resource = resource_of(fhir(web), type=type)
        where = query()
        written = usecase.conditional_update(
            resource, caller(web), type=type, where=where, services=services, condition=condition
        )
        return answers.wrote(written, base=web.base, hints=lambda: hints(resource, services))

    return view
