"""The Flask application. `create_app(web)` builds everything; nothing exists at import."""

from __future__ import annotations

from flask import Flask

from gateway.web import problems
from gateway.web.context import Web
from gateway.web.definitions import DataType, DefinitionType, Name
from gateway.web.dispatch import Application
from gateway.web.routes import ROUTES


def create_app(web: Web) -> Flask:
    """The WSGI application of one gateway: FHIR under /fhir, the doors of its own schemas, health."""
    app = Application(web)
    app.extensions["fhir_xml"] = web.xml
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.converters |= {"default": Name, "definition": DefinitionType, "data": DataType}
    for route in ROUTES:
        endpoint = f"{route.name} {route.method} {route.rule}"
        app.add_url_rule(route.rule, endpoint, route.make(web), methods=[route.method])
    app.know_instances()
    problems.register(app, web)
    return app
