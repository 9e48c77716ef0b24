"""Liveness and readiness, for load balancers and supervisors."""

from __future__ import annotations

from flask import Response

from gateway.web import answers
from gateway.web.context import View, Web


def live(web: Web) -> View:
    """GET /health/live: the process answers."""

    def view() -> Response:
        return answers.status_line({"status": "alive"})

    return view


def ready(web: Web) -> View:
    """GET /health/ready: a write would be accepted now; 503 with the reason otherwise."""

    def view() -> Response:
        web.services.store.ready()
        return answers.status_line({"status": "ready"})

    return view
