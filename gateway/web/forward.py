"""Forward a referral to a provider: this gateway as the platform between source and target. docs/closed-loop.md"""

from __future__ import annotations

from flask import Response

from gateway.fhir import codec
from gateway.usecases.forward_referral import forward_referral, provider_in
from gateway.web import answers
from gateway.web.body import own_json
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted


def forward(web: Web) -> View:
    """POST /referrals/{id}/forward with {"to": organization}: 201 with the sub-task's address, 200 if it was there."""
    services = web.services

    def view(id: str) -> Response:
        wanted()
        to = provider_in(codec.read(own_json(web)), services)
        done = forward_referral(id, caller(web), to=to, services=services, base=web.base)
        headers = answers.version_headers(done.part)
        headers["Location"] = f"{web.base}/{done.part.reference}/_history/{done.part.version}"
        return answers.disclosed(done.disclosed, status=201 if done.created else 200, headers=headers)

    return view
