"""The doors of the gateway's own schemas: a referral, a care plan, a care team as JSON. docs/api.md"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from gateway.fhir import codec
from gateway.usecases.change_care_team import change_care_team
from gateway.usecases.change_referral import change_referral
from gateway.usecases.keep_mapped import Received
from gateway.usecases.publish_care_plan import publish_care_plan
from gateway.usecases.receive_referral import receive_referral
from gateway.web import answers
from gateway.web.body import own_json
from gateway.web.context import View, Web, caller
from gateway.web.formats import wanted
from gateway.web.prefer import full


def referral(web: Web) -> View:
    """POST /referrals: 201 with the ServiceRequest's address, 200 if the same was here before."""
    return _door(web, receive_referral)


def care_plan(web: Web) -> View:
    """POST /care-plans: 201 with the CarePlan's address, 200 if it was here before."""
    return _door(web, publish_care_plan)


def care_team(web: Web) -> View:
    """POST /care-teams: 201 with the CareTeam's address, 200 if it was here before."""
    return _door(web, change_care_team)


def referral_change(web: Web) -> View:
    """POST /referral-changes: 200 with the Task's version; nothing changes for news that is known or older."""
    return _door(web, change_referral)


def _door(web: Web, take: Callable[..., Received]) -> View:
    services = web.services

    def view() -> Response:
        wanted()
        source = own_json(web)
        done = take(codec.read(source), caller(web), source=source, services=services, base=web.base, full=full())
        headers = answers.version_headers(done.main)
        headers["Location"] = f"{web.base}/{done.main.reference}/_history/{done.main.version}"
        return answers.disclosed(done.disclosed, status=201 if done.created else 200, headers=headers)

    return view
