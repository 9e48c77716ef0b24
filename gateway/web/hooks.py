"""Webhooks of partners: verified, kept, answered. docs/subscriptions.md"""

from __future__ import annotations

from flask import Response, request

from gateway.errors import UnsupportedMedia
from gateway.usecases.empty_hook import CONTENT_TYPE as EMPTY
from gateway.usecases.receive_hook import receive_hook
from gateway.web import answers
from gateway.web.body import JSON_TYPES, XML_TYPES, body, media_type
from gateway.web.context import View, Web, request_id
from gateway.web.formats import wanted


def receive(web: Web) -> View:
    """POST /hooks/[partner] and PUT /hooks/[partner]/[type]/[id]: 200 once it is kept, for a repeat as well; it is
    applied later, by what the body says.

    A FHIR server that notifies by Subscription writes as if this were a server: it PUTs the resource, or POSTs nothing,
    and reads the answer as a resource. https://hl7.org/fhir/R4/subscription.html
    """

    def view(partner: str, type: str = "", id: str = "") -> Response:
        fhir = wanted() if "fhir" in request.headers.get("Accept", "").lower() else None
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
        said = "kept" if new else "known"
        if fhir is None:
            return answers.status_line({"status": said})
        issue = {"severity": "information", "code": "informational", "diagnostics": said}
        return answers.public({"resourceType": "OperationOutcome", "issue": [issue]}, format=fhir)

    return view
