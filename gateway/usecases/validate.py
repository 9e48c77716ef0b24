"""Validate: say what is wrong with a resource, and keep nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.errors import BadProfile, Issue, Unprocessable
from gateway.ports import Caller, Json
from gateway.trust.disclosure import content
from gateway.trust.policy import permit
from gateway.usecases.keep import resource_of
from gateway.usecases.read import current
from gateway.usecases.services import Services


def validate(
    resource: Any, caller: Caller, *, type: str, services: Services, profiles: Sequence[str] = ()
) -> list[Issue]:
    """Every issue of `resource` against the base rules, its meta.profile and `profiles`.

    https://hl7.org/fhir/R4/resource-operation-validate.html
    """
    permit(caller, action="E", type=type, store=services.store)
    try:
        return list(services.validator.check(resource_of(resource, type=type), profiles=profiles))
    except BadProfile as error:
        raise Unprocessable(issues=[_told(issue) for issue in error.issues]) from None


def hints(resource: Json, services: Services) -> list[Issue]:
    """What there is to tell of a resource that was kept: warnings, and what could not be checked (a profile that it
    claims and nobody here knows)."""
    return [issue for issue in services.validator.check(resource) if not issue.is_error]


def _told(issue: Issue) -> Issue:
    """What is wrong with a profile that was named, without the name where it is nobody's that we know."""
    if issue.rule == "profile-unknown":
        issue = issue.but(message="A profile that was named is not known here: its package has to be loaded.")
    return issue.but(code="not-supported")


def validate_kept(
    resource: Any, caller: Caller, *, type: str, id: str, services: Services, profiles: Sequence[str] = ()
) -> list[Issue]:
    """The same for what would be the next version of `type`/`id`, or (None) for the version that is kept."""
    kept = current(caller, type, id, services=services)
    if resource is None:
        return validate(content(kept), caller, type=type, services=services, profiles=profiles)
    issues = validate(resource, caller, type=type, services=services, profiles=profiles)
    if resource.get("id") != id:
        issues.append(Issue("error", "value", "The body's id is not the one in the address.", f"{type}.id"))
    return issues
