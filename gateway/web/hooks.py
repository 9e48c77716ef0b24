"""Webhooks of partners: verified, kept, answered. docs/subscriptions.md"""

from __future__ import annotations

from flask import Response, request

from gateway.errors import UnsupportedMedia
from gateway.usecases.receive_hook import receive_hook
from gateway.web import answers
from gateway.web.body import JSON_TYPES, XML_TYPES, body, media_type
from gateway.web.context import View, Web, request_id


def receive(web: Web) -> View:
    """POST /hooks/[partner]: 200 once it is kept, for a repeat as well; it is applied later."""

    def view(partner: str) -> Response:
        kind = media_type()
        if kind not in JSON_TYPES and not (web.xml.read and kind in XML_TYPES):
            raise UnsupportedMedia(f"Send {', '.join(('application/json', *web.reads))}.")
        sent = body(web)
        headers = {name.lower(): value for name, value in request.headers.items()}
        new = receive_hook(
            sent,
            headers,
            partner=partner,
            content_type=kind,
            services=web.services,
            request_id=request_id(web),
        )
        return answers.status_line({"status": "kept" if new else "known"})

    return view
