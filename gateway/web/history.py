"""FHIR history of one resource. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import datetime

from flask import Response

from gateway.errors import BadRequest, Issue
from gateway.usecases.history import Asked
from gateway.usecases.history import history as versions
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import named


def history(web: Web) -> View:
    """GET [base]/[type]/[id]/_history?_since=[instant]&_count=[number]"""
    services = web.services

    def view(type: str, id: str) -> Response:
        wanted()
        return answers.disclosed(versions(caller(web), type, id, services=services, base=web.base, asked=asked()))

    return view


def asked() -> Asked:
    """What the request says of the versions; BadRequest for what cannot be read. `_before` is in our own links."""
    given = named("_since", "_count", "_before")
    return Asked(
        since=_instant(given["_since"]) if "_since" in given else None,
        before=_whole("_before", given["_before"]) if "_before" in given else None,
        count=_whole("_count", given["_count"]) if "_count" in given else None,
    )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _refused("_since is not an instant (date, time and zone; a + of a zone is written %2B).")
    return found


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise _refused(f"{name} is not a whole number from 0.")
    return int(text)


def _refused(message: str) -> BadRequest:
    return BadRequest(issues=[Issue("error", "value", message)])
