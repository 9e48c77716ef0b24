"""What an address is asked for and nobody understands is refused, not passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import ROOT
from tests.web.sent import issues, send, total

REFERRAL = json.loads((ROOT / "fixtures" / "referrals" / "json-minimal" / "body.json").read_bytes())
CSV = (ROOT / "fixtures" / "referrals" / "csv-kaiser-clean" / "file.csv").read_bytes()
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p", "name": [{"family": "Zanzibarovna"}]}
BATCH = {"resourceType": "Bundle", "type": "batch", "entry": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "media"),
    [
        ("POST", "/referrals", REFERRAL, "application/json"),
        ("POST", "/care-plans", {}, "application/json"),
        ("POST", "/care-teams", {}, "application/json"),
        ("POST", "/referral-changes", {}, "application/json"),
        ("POST", "/referrals/x/forward", {}, "application/json"),
        ("POST", "/files/kaiser/referral", CSV, "text/csv"),
        ("POST", "/fhir", BATCH, "application/fhir+json"),
        ("POST", "/fhir/Patient", PATIENT, "application/fhir+json"),
        ("PUT", "/fhir/Patient/p", PATIENT, "application/fhir+json"),
        ("GET", "/fhir/Patient/p/_history", None, None),
        ("GET", "/outbox/1", None, None),
        ("POST", "/outbox/1/retry", None, None),
        ("POST", "/outbox/1/drop", {"reason": "sent by fax"}, "application/json"),
    ],
)
def test_at_an_address_that_takes_none(
    client: FlaskClient, method: str, path: str, body: Any, media: str | None
) -> None:
    send(client, "PUT", "/fhir/Patient/p", PATIENT)
    headers = {"Content_Type": media} if media else {}
    answer = send(client, method, f"{path}?dry-run=zanzibarovna", body, **headers)
    assert (answer.status_code, issues(answer)) == (400, [("value", None)]), answer.data
    assert "anzibar" not in answer.get_data(as_text=True)
    assert (total(client, "Patient"), total(client, "ServiceRequest")) == (1, 0)


def test_the_form_of_the_answer_may_be_asked_for_anywhere(client: FlaskClient) -> None:
    answer = send(client, "POST", "/fhir/Patient?_format=xml&_pretty=true", PATIENT)
    assert (answer.status_code, answer.mimetype) == (201, "application/fhir+xml")
