"""Open loops, what is due first first. docs/closed-loop.md"""

from __future__ import annotations

from flask import Response

from gateway.errors import BadRequest, Issue
from gateway.usecases.loops import MOST, shown
from gateway.web import answers
from gateway.web.context import View, Web, caller
from gateway.web.parameters import named


def loops(web: Web) -> View:
    """GET /loops?overdue=yes&who=plan&count=100: JSON of the gateway's own."""
    services = web.services

    def view() -> Response:
        asked = named("overdue", "who", "count")
        if asked.get("overdue", "no") not in ("yes", "no"):
            raise _wrong("overdue is yes or no.")
        count = asked.get("count", "100")
        if not (count.isascii() and count.isdecimal() and 0 < int(count[:5]) <= MOST):
            raise _wrong(f"count is a number from 1 to {MOST}.")
        found = shown(
            caller(web),
            services=services,
            overdue=asked.get("overdue") == "yes",
            who=asked.get("who"),
            count=int(count),
        )
        return answers.own(found)

    return view


def _wrong(message: str) -> BadRequest:
    return BadRequest(issues=[Issue("error", "value", message, rule="loops-parameters")])
