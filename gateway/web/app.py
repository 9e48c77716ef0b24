"""The Flask application. `create_app(web)` builds everything; nothing exists at import."""

from __future__ import annotations

import logging
from time import perf_counter

from flask import Flask, Response, request

from gateway import log
from gateway.web import problems
from gateway.web.context import Web, request_id
from gateway.web.routes import ROUTES


def create_app(web: Web) -> Flask:
    """The WSGI application of one gateway: FHIR under /fhir, the doors of its own schemas, health."""
    app = Flask("gateway.web", static_folder=None)
    app.extensions["fhir_xml"] = web.xml
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    for route in ROUTES:
        endpoint = f"{route.name} {route.method} {route.rule}"
        app.add_url_rule(route.rule, endpoint, route.make(web), methods=[route.method])
    problems.register(app, web)
    _around_each_request(app, web)
    return app


def _around_each_request(app: Flask, web: Web) -> None:
    """Time it, answer with its id, and log one line without the query, which may say something of a person."""

    @app.before_request
    def begin() -> None:
        request.environ["ecm.began"] = perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        asked = request
        found = request_id(web)
        response.headers["X-Request-Id"] = found
        if not log.is_on(logging.INFO):
            return response
        rule = asked.url_rule
        log.event(
            "request",
            request_id=found,
            method=asked.method if asked.method in METHODS else "other",
            route=rule.rule if rule else None,
            type=(asked.view_args or {}).get("type") if response.status_code < 400 else None,
            status=response.status_code,
            seconds=round(perf_counter() - asked.environ["ecm.began"], 6),
            bytes=response.content_length,
        )
        return response


METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
