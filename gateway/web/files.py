"""A partner's file of rows. docs/api.md"""

from __future__ import annotations

from flask import Response

from gateway.errors import UnsupportedMedia
from gateway.usecases.receive_file import receive_file as receive
from gateway.web import answers
from gateway.web.body import body, media_type
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def receive_file(web: Web) -> View:
    """POST /files/{partner}/{kind}: CSV in, a batch-response out with one entry a row."""
    services = web.services

    def view(partner: str, kind: str) -> Response:
        wanted()
        if media_type() != "text/csv":
            raise UnsupportedMedia("Send text/csv.")
        report = receive(body(web), caller(web), partner=partner, kind=kind, services=services, base=web.base)
        counts = {
            "X-Rows-Read": str(report.rows),
            "X-Rows-Kept": str(report.kept),
            "X-Rows-Same": str(report.same),
            "X-Rows-Refused": str(report.refused),
        }
        return answers.disclosed(report.disclosed, headers=counts)

    return view
