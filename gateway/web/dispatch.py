"""Flask without what this room never uses: sessions, signals, hooks, host names. It spares each request half its way.

Routes, error handlers and contexts are Flask's own; only methods that Flask documents for overriding are overridden.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from itertools import product
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter, Rule

from gateway import log
from gateway.errors import Misdirected
from gateway.web.context import Web, request_id
from gateway.web.hosts import is_own

METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


class _NoSession(SessionInterface):
    """Callers are known by what each request carries."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return self._none

    def is_null_session(self, obj: object) -> bool:
        return True


class _Adapter(MapAdapter):
    """Knows the rule of `[base]/[type]/[id]` without trying them all; every other address is matched by Werkzeug."""

    instances: Mapping[tuple[str, str], Rule]

    def match(self, *arguments: Any, **named: Any) -> Any:
        """As MapAdapter.match(return_rule=True), the only way in which Flask calls it."""
        parts = self.path_info.split("/")
        if len(parts) == 4 and parts[1] == "fhir" and parts[3][:1].isalnum():  # else an operation, or nothing at all
            rule = self.instances.get((self.default_method, parts[2]))
            if rule is not None:
                return rule, {"type": parts[2], "id": parts[3]}
        return super().match(*arguments, **named)


class Application(Flask):
    """One gateway's Flask: each answer gets the request's id, and one line in the log."""

    session_interface = _NoSession()

    def __init__(self, web: Web) -> None:
        super().__init__("gateway.web", static_folder=None)
        self._web = web
        self._instances: dict[tuple[str, str], Rule] = {}

    def know_instances(self) -> None:
        """Ask the rules, when all are there, which of them serves `[base]/[type]/[id]` of each type and method."""
        asked = MapAdapter(self.url_map, "localhost", "/", "", "http", "/", "GET")
        for method, type_ in product(("GET", "PUT"), self._web.services.types):
            rule, found = asked.match(f"/fhir/{type_}/x", method, return_rule=True)
            if found == {"type": type_, "id": "x"}:
                self._instances[method, type_] = rule

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Routes by path and method alone: no answer follows the Host header, which a caller can forge."""
        if request is None:
            return None
        environ = request.environ
        environ["ecm.began"] = perf_counter()
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        adapter = _Adapter(
            self.url_map, "localhost", "/", "", "http", path, environ["REQUEST_METHOD"], environ["QUERY_STRING"]
        )
        adapter.instances = self._instances
        return adapter

    def preprocess_request(self) -> None:
        """No hook is ever registered; the Host is looked at where it can be a trick."""
        host = request.environ.get("HTTP_HOST")
        if self._web.hosts is not None and host is not None and not is_own(host, self._web.hosts):
            raise Misdirected("The Host of the request is not this gateway: use its address, or set ECM_BASE_URL.")

    def process_response(self, response: Response) -> Response:
        """Answer with the request's id; log one line without the query, which may say something of a person."""
        asked = request
        found = request_id(self._web)
        response.headers["X-Request-Id"] = found
        if not log.is_on(logging.INFO):
            return response
        rule = asked.url_rule
        environ = asked.environ
        method = environ["REQUEST_METHOD"]
        type_ = (asked.view_args or {}).get("type")
        log.event(
            "request",
            request_id=found,
            method=method if method in METHODS else "other",
            route=rule.rule if rule else None,
            type=type_ if type_ in self._web.services.types else None,
            status=response.status_code,
            seconds=round(perf_counter() - environ["ecm.began"], 6),
            bytes=response.content_length,
        )
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every view is a plain function."""
        return func

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Nothing is torn down: no hook is ever registered."""

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Nothing is torn down: no hook is ever registered."""
