"""$convert: map and validate, keep nothing. docs/api.md"""

from __future__ import annotations

from flask import Response

from gateway.errors import BadRequest, Issue, UnsupportedMedia
from gateway.fhir import codec
from gateway.usecases.convert import convert_document, convert_file
from gateway.usecases.intake import KINDS
from gateway.web import answers
from gateway.web.body import body, media_type
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.parameters import named


def convert(web: Web) -> View:
    """POST [base]/$convert?kind=referral&partner=...: JSON of the gateway's own schema, or a partner's CSV."""
    services = web.services

    def view() -> Response:
        wanted()
        asked = named("kind", "partner")
        kind, partner = asked.get("kind", "referral"), asked.get("partner")
        if kind not in KINDS:
            raise BadRequest(issues=[Issue("error", "value", f"kind is not one of {', '.join(KINDS)}.")])
        media = media_type()
        if media == "application/json":
            if partner is not None:
                raise BadRequest(issues=[Issue("error", "value", "A partner's file is text/csv: JSON has one schema.")])
            source = body(web)
            return answers.disclosed(
                convert_document(
                    codec.read(source), caller(web), kind=kind, source=source, services=services, base=web.base
                )
            )
        if media == "text/csv":
            if partner is None:
                raise BadRequest(issues=[Issue("error", "required", "Name the partner whose file this is: ?partner=")])
            return answers.disclosed(
                convert_file(body(web), caller(web), partner=partner, kind=kind, services=services, base=web.base)
            )
        raise UnsupportedMedia("Send application/json or text/csv.")

    return view
