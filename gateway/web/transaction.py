"""FHIR transaction and batch. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from flask import Response

from gateway.errors import BadRequest, Issue
from gateway.usecases.batch import batch
from gateway.usecases.keep import resource_of
from gateway.usecases.transaction import transaction as keep_all
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.prefer import full


def transaction(web: Web) -> View:
    """POST [base]: a Bundle of type transaction (all or nothing) or batch (each for itself)."""
    services = web.services

    def view() -> Response:
        wanted()
        bundle = resource_of(fhir(web), type="Bundle")
        match bundle.get("type"):
            case "transaction":
                done = keep_all(bundle, caller(web), services=services, base=web.base, full=full())
            case "batch":
                done = batch(bundle, caller(web), services=services, base=web.base, full=full())
            case _:
                message = "Only a Bundle of type transaction or batch can be sent here."
                raise BadRequest(issues=[Issue("error", "invalid", message, "Bundle.type", "bundle-type")])
        return answers.disclosed(done)

    return view
