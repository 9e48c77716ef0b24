"""FHIR Subscription: create, update, read, search, $status and $events. Everyone sees their own only.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from gateway.errors import BadRequest, Issue
from gateway.trust.disclosure import Disclosed
from gateway.usecases import subscription_status
from gateway.usecases.subscribe import read_subscription, search_subscriptions, subscribe, subscription_history
from gateway.web import answers
from gateway.web.body import fhir
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.history import asked
from gateway.web.parameters import form, query
from gateway.web.preconditions import of_update
from gateway.web.prefer import lenient
from gateway.web.vread import version_number


def create(web: Web) -> View:
    """POST [base]/Subscription"""

    def view() -> Response:
        wanted()
        return answers.wrote(subscribe(fhir(web), caller(web), services=web.services), base=web.base)

    return view


def update(web: Web) -> View:
    """PUT [base]/Subscription/[id]: also how a subscriber makes one active again, or ends it (status off)."""

    def view(id: str) -> Response:
        wanted()
        condition = of_update()
        written = subscribe(fhir(web), caller(web), services=web.services, id=id, condition=condition)
        return answers.wrote(written, base=web.base)

    return view


def read(web: Web) -> View:
    """GET [base]/Subscription/[id]"""

    def view(id: str) -> Response:
        wanted()
        part = web.services.search.part("Subscription", query(), lenient=lenient())
        kept, shown = read_subscription(caller(web), id, services=web.services, part=part)
        return answers.disclosed(shown, headers=answers.version_headers(kept))

    return view


def vread(web: Web) -> View:
    """GET [base]/Subscription/[id]/_history/[vid]"""

    def view(id: str, version: str) -> Response:
        wanted()
        number = version_number(version)
        part = web.services.search.part("Subscription", query(), lenient=lenient())
        kept, shown = read_subscription(caller(web), id, services=web.services, version=number, part=part)
        return answers.disclosed(shown, headers=answers.version_headers(kept))

    return view


def history(web: Web) -> View:
    """GET [base]/Subscription/[id]/_history"""

    def view(id: str) -> Response:
        wanted()
        found = subscription_history(caller(web), id, services=web.services, base=web.base, asked=asked())
        return answers.disclosed(found)

    return view


def search(web: Web) -> View:
    """GET [base]/Subscription?[parameters]"""
    return _search(web, query)


def search_post(web: Web) -> View:
    """POST [base]/Subscription/_search"""
    return _search(web, lambda: form(web))


def status_type(web: Web) -> View:
    """GET or POST [base]/Subscription/$status, by id and status"""

    def view() -> Response:
        wanted()
        found = subscription_status.status(caller(web), _asked(web), services=web.services, base=web.base)
        return answers.disclosed(found)

    return view


def status(web: Web) -> View:
    """GET or POST [base]/Subscription/[id]/$status"""
    return _operation(web, subscription_status.status)


def events(web: Web) -> View:
    """GET or POST [base]/Subscription/[id]/$events"""
    return _operation(web, subscription_status.events)


def _operation(web: Web, ask: Callable[..., Disclosed]) -> View:
    def view(id: str) -> Response:
        wanted()
        return answers.disclosed(ask(caller(web), _asked(web), services=web.services, base=web.base, id=id))

    return view


def _search(web: Web, pairs: Callable[[], list[tuple[str, str]]]) -> View:
    def view() -> Response:
        asked = pairs()
        wanted()
        found = search_subscriptions(caller(web), asked, services=web.services, base=web.base, lenient=lenient())
        return answers.disclosed(found)

    return view


def _asked(web: Web) -> list[tuple[str, str]]:
    """Parameters of the address, and of the Parameters resource in the body of a POST."""
    asked = query()
    if request.method != "POST" or not request.headers.get("Content-Type"):
        return asked
    sent: Any = fhir(web)
    listed = sent.get("parameter", []) if isinstance(sent, dict) and sent.get("resourceType") == "Parameters" else None
    if not isinstance(listed, list):
        raise BadRequest(issues=[Issue("error", "structure", "Send a Parameters resource.", "Parameters")])
    for at, one in enumerate(listed):
        values = [value for name, value in one.items() if name.startswith("value")] if isinstance(one, dict) else []
        if len(values) != 1 or not isinstance(values[0], str | int) or not isinstance(one.get("name"), str):
            message = "A parameter has a name and one value."
            raise BadRequest(issues=[Issue("error", "structure", message, f"Parameters.parameter[{at}]")])
        asked.append((one["name"], str(values[0])))
    return asked
