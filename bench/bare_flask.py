"""The peer of bench.over_http: a Flask route that does nothing, on the same server with as many workers and threads."""

from __future__ import annotations

from flask import Flask, Response

app = Flask(__name__)
BODY = b'{"resourceType":"ServiceRequest","id":"known"}' * 12


@app.get("/<type>/<id>")
def route(type: str, id: str) -> Response:
    """As many bytes as the resource that the gateway is asked for, about."""
    return Response(BODY, mimetype="application/fhir+json")
