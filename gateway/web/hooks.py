"""Webhooks of partners: verified, kept, answered. docs/subscriptions.md"""

from __future__ import annotations

from flask import Response, request

from gateway.errors import UnsupportedMedia
from gateway.usecases.empty_hook import CONTENT_TYPE as EMPTY
from gateway.usecases.receive_hook import receive_hook
from gateway.web import answers
from gateway.web.body import JSON_TYPES, XML_TYPES, body, media_type
from gateway.web.context import View, Web, request_id


def receive(web: Web) -> View:
    """POST /hooks/[partner] and PUT /hooks/[partner]/[type]/[id]: 200 once it is kept, for a repeat as well; it is
    applied later, by what the body says.

    A FHIR server that notifies by Subscription writes as if this were a server: it PUTs the resource, or POSTs nothing
    or a Bundle, and reads any body of the answer as what such a server would answer (HAPI: a transaction-response, or
    it tries again for a minute). So it gets none: 204. https://hl7.org/fhir/R4/subscription.html
    """

    def view(partner: str, type: str = "", id: str = "") -> Response:
        sent = body(web)
        kind = media_type() if sent or type else EMPTY
        if kind not in JSON_TYPES and kind != EMPTY and not (web.xml.read and kind in XML_TYPES):
            raise UnsupportedMedia(f"Send {', '.join(('application/json', *web.reads))}.")
        new = receive_hook(
            sent,
            {name.lower(): value for name, value in request.headers.items()},
            partner=partner,
            content_type=kind,
            services=web.services,
            request_id=request_id(web),
        )
        if "fhir" in request.headers.get("Accept", "").lower():
            return answers.empty(204)
        return answers.status_line({"status": "kept" if new else "known"})

    return view
