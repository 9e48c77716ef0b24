"""What partners are owed, and what a person decides on what was parked. docs/api.md"""

from __future__ import annotations

from flask import Response

from gateway.errors import BadRequest, Issue
from gateway.fhir import codec
from gateway.usecases import owed
from gateway.web import answers
from gateway.web.body import own_json
from gateway.web.context import View, Web, caller
from gateway.web.parameters import named


def listed(web: Web) -> View:
    """GET /outbox?state=parked&partner=ehr&count=100"""

    def view() -> Response:
        asked = named("state", "partner", "count")
        count = asked.get("count", "100")
        if not (count.isascii() and count.isdecimal() and 0 < int(count[:5]) <= owed.MOST):
            raise _wrong(f"count is a number from 1 to {owed.MOST}.")
        found = owed.listed(
            caller(web),
            services=web.services,
            state=asked.get("state"),
            partner=asked.get("partner"),
            count=int(count),
        )
        return answers.own(found)

    return view


def one(web: Web) -> View:
    """GET /outbox/{id}"""
    return lambda id: answers.own(owed.one(caller(web), id, services=web.services))


def retry(web: Web) -> View:
    """POST /outbox/{id}/retry, without a body: 200 with the delivery, which waits again."""
    return lambda id: answers.own(owed.retry(caller(web), id, services=web.services))


def drop(web: Web) -> View:
    """POST /outbox/{id}/drop with {"reason": "..."}: 200 with the delivery, which is given up."""

    def view(id: str) -> Response:
        said = codec.read(own_json(web))
        if not isinstance(said, dict) or said.keys() - {"reason"}:
            raise _wrong('Send {"reason": "..."}.')
        return answers.own(owed.drop(caller(web), id, reason=said.get("reason"), services=web.services))

    return view


def _wrong(message: str) -> BadRequest:
    return BadRequest(issues=[Issue("error", "value", message, rule="outbox-parameters")])
