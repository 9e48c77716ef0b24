"""News of a referral as the tests tell it, and what is kept then."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.web.sent import send

Json = dict[str, Any]
REFERRAL = {"source": "harbor-clinic", "id": "R-2026-0001"}


def hear(client: FlaskClient, number: int, **said: Any) -> Any:
    """Send one piece of news; `number` is its own key."""
    body = {"key": {"source": "alder-ecm", "id": str(number)}, "party": "target", "referral": REFERRAL, **said}
    return send(client, "POST", "/referral-changes", body, Content_Type="application/json")


def at(hour: int) -> str:
    return f"2026-03-03T{hour:02}:00:00-08:00"


def kept(client: FlaskClient, type: str) -> Json:
    found: Json = client.get(f"/fhir/{type}").get_json()["entry"][0]["resource"]
    return found


def rules(answer: Any) -> list[str]:
    return [issue["details"]["coding"][0]["code"] for issue in answer.json["issue"]]


FIVE: list[Json] = [
    {"at": at(9), "status": "accepted"},
    {"at": at(10), "status": "in-progress"},
    {"at": at(11), "status": "on-hold", "reason": "in hospital"},
    {"at": at(12), "referral_status": "outreach-initiated"},
    {"at": at(13), "referral_status": "loop-closed", "closure_reason": "services-received"},
]
