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
from gateway.web.parameters import query

_MODES = ("create", "update", "profile")
"""All are checked alike. Of a deletion nothing could be said: none is offered."""


def validate_type(web: Web) -> View:
    """POST [base]/[type]/$validate with the resource, or Parameters with resource, mode and profile."""
    services = web.services

    def view(type: str) -> Response:
        format = wanted()
        offered(type, services)
        resource, profiles = _asked(fhir(web), needed=True)
        issues = usecase.validate(resource, caller(web), type=type, services=services, profiles=profiles)
        return answers.public(outcome(issues), format=format)

    return view


def validate_instance(web: Web) -> View:
    """POST [base]/[type]/[id]/$validate: what is sent as the next version, or what is stored; GET: what is stored."""
    services = web.services

    def view(type: str, id: str) -> Response:
        format = wanted()
        sent = request.method == "POST" and bool(request.headers.get("Content-Type"))
        resource, profiles = _asked(fhir(web), needed=False) if sent else (None, _of_address())
        issues = usecase.validate_kept(resource, caller(web), type=type, id=id, services=services, profiles=profiles)
        return answers.public(outcome(issues), format=format)

    return view


def _asked(value: Any, *, needed: bool) -> tuple[Any, list[str]]:
    """The resource to check and the profiles named, from a resource or from Parameters."""
    profiles = _of_address()
    if not isinstance(value, dict) or value.get("resourceType") != "Parameters":
        return value, profiles
    resources: list[Any] = []
    for at, parameter in enumerate(_parameters(value)):
        match parameter:
            case {"name": "resource", "resource": resource} if not resources:
                resources.append(resource)
            case {"name": "profile", "valueUri": str(profile)} | {"name": "profile", "valueCanonical": str(profile)}:
                profiles.append(profile)
            case {"name": "mode", "valueCode": str(mode)} if mode in _MODES:
                pass
            case _:
                raise _refused(f"Parameters.parameter[{at}]")
    if needed and not resources:
        message = "Parameters holds no parameter `resource`: there is nothing to validate."
        raise BadRequest(issues=[Issue("error", "required", message, "Parameters.parameter")])
    return resources[0] if resources else None, profiles


def _parameters(value: Any) -> list[dict[str, Any]]:
    listed = value.get("parameter", [])
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadRequest(issues=[Issue("error", "structure", "parameter is not an array of objects.", "Parameters")])
    return listed


def _of_address() -> list[str]:
    """The profiles that the address names; what else it says has to be a mode."""
    profiles = []
    for name, value in query():
        if name == "profile":
            profiles.append(value)
        elif name != "mode" or value not in _MODES:
            raise _refused(None)
    return profiles


def _refused(place: str | None) -> BadRequest:
    """What is not understood is refused: ignored, it would pass for checked."""
    known = f"one resource, profile (a uri or canonical), mode ({', '.join(_MODES)})"
    return BadRequest(issues=[Issue("error", "invalid", f"A parameter is none of these: {known}.", place)])
