"""The conditions that an entry of a Bundle puts on itself. https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request.ifMatch"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.errors import BadRequest, Issue
from gateway.fhir import etag
from gateway.fhir.etag import Tags
from gateway.fhir.query_string import condition
from gateway.usecases.preconditions import ALWAYS, Precondition

Parameters = tuple[tuple[str, str], ...]
_BELONGS = {"ifMatch": ("PUT",), "ifNoneMatch": ("GET", "PUT"), "ifModifiedSince": ("GET",), "ifNoneExist": ("POST",)}


@dataclass(frozen=True, slots=True)
class Conditions:
    """`update` of a PUT, `unless` (ifNoneExist) of a POST, `have` and `since` of a GET.

    `once`: a PUT (ifNoneMatch "*") that leaves alone what is kept under its id.
    """

    update: Precondition = ALWAYS
    unless: Parameters | None = None
    once: bool = False
    have: Tags | None = None
    since: datetime | None = None


NONE = Conditions()


def conditions(request: Mapping[str, Any], *, method: object, by_id: bool, at: str) -> tuple[Conditions, list[Issue]]:
    """What `Bundle.entry.request` asks, and what is wrong with it. `at` is its place."""
    named = {name: request[name] for name in _BELONGS if request.get(name) is not None}
    if not named:
        return NONE, []
    wrong = []
    for name, value in named.items():
        place = f"{at}.{name}"
        if not isinstance(value, str):
            wrong.append(Issue("error", "structure", f"request.{name} is not a string.", place))
        elif method not in _BELONGS[name]:
            message = f"{name} belongs to a {' or '.join(_BELONGS[name])}."
            wrong.append(Issue("error", "invalid", message, place))
        elif name in ("ifNoneMatch", "ifModifiedSince") and not by_id:
            wrong.append(Issue("error", "invalid", f"{name} belongs to an entry that names one resource.", place))
    if wrong:
        return NONE, wrong
    try:
        return (_of_update if method == "PUT" else _of_get if method == "GET" else _of_create)(named, at), []
    except BadRequest as error:
        return NONE, list(error.issues)


def _of_update(named: Mapping[str, str], at: str) -> Conditions:
    once = "ifNoneMatch" in named
    if once and (named["ifNoneMatch"] != "*" or "ifMatch" in named):
        message = 'A PUT by id may have ifNoneMatch "*", without ifMatch, and no other.'
        raise BadRequest(issues=[Issue("error", "invalid", message, f"{at}.ifNoneMatch")])
    return Conditions(Precondition(_tags(named, "ifMatch", at)) if "ifMatch" in named else ALWAYS, once=once)


def _of_get(named: Mapping[str, str], at: str) -> Conditions:
    have = _tags(named, "ifNoneMatch", at) if "ifNoneMatch" in named else None
    return Conditions(have=have, since=_instant(named["ifModifiedSince"], at) if "ifModifiedSince" in named else None)


def _of_create(named: Mapping[str, str], at: str) -> Conditions:
    return Conditions(unless=tuple(condition(named["ifNoneExist"], place=f"{at}.ifNoneExist")))


def _tags(named: Mapping[str, str], name: str, at: str) -> Tags:
    return etag.read(named[name], name=f"request.{name}", place=f"{at}.{name}")


def _instant(text: str, at: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = "request.ifModifiedSince is not an instant (date, time and zone)."
        raise BadRequest(issues=[Issue("error", "value", message, f"{at}.ifModifiedSince")])
    return found
