"""FHIR $validate, on a type and on a stored resource. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from gateway.errors import BadRequest, Issue
from gateway.fhir.outcome import outcome
from gateway.usecases import validate as usecase
from gateway.usecases.keep import offered
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted

_MODES = frozenset(["create", "update", "delete", "profile"])


def validate_type(web: Web) -> View:
    """POST [base]/[type]/$validate with the resource, or Parameters with resource, mode and profile."""
    services = web.services

    def view(type: str) -> Response:
        format = wanted()
        offered(type, services)
        resource, profiles = _asked(fhir(web))
        issues = usecase.validate(resource, caller(web), type=type, services=services, profiles=profiles)
        return answers.public(outcome(issues), format=format)

    return view


def validate_instance(web: Web) -> View:
    """POST [base]/[type]/[id]/$validate: what is sent as the next version, or what is stored; GET: what is stored."""
    services = web.services

    def view(type: str, id: str) -> Response:
        format = wanted()
        sent = request.method == "POST" and bool(request.headers.get("Content-Type"))
        resource, profiles = _asked(fhir(web)) if sent else (None, _named_in_address())
        issues = usecase.validate_kept(resource, caller(web), type=type, id=id, services=services, profiles=profiles)
        return answers.public(outcome(issues), format=format)

    return view


def _asked(value: Any) -> tuple[Any, list[str]]:
    """The resource to check and the profiles named, from a resource or from Parameters."""
    profiles = _named_in_address()
    if not isinstance(value, dict) or value.get("resourceType") != "Parameters":
        return value, profiles
    resource = None
    for at, parameter in enumerate(_parameters(value)):
        match parameter.get("name"):
            case "resource":
                resource = parameter.get("resource")
            case "profile":
                named = parameter.get("valueUri", parameter.get("valueCanonical"))
                profiles += [named] if isinstance(named, str) else []
            case "mode" if str(parameter.get("valueCode")) in _MODES:
                pass
            case _:
                message = "This parameter is not one of resource, mode (create, update, delete, profile) and profile."
                raise BadRequest(issues=[Issue("error", "invalid", message, f"Parameters.parameter[{at}]")])
    return resource, profiles


def _parameters(value: Any) -> list[dict[str, Any]]:
    listed = value.get("parameter", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadRequest(issues=[Issue("error", "structure", "parameter is not an array of objects.", "Parameters")])
    return listed


def _named_in_address() -> list[str]:
    return request.args.getlist("profile")
