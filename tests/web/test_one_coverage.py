"""A member has one Coverage by a plan, whatever documents speak of it; each says what it knows."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import a_referral
from tests.web.sent import send, total

Json = dict[str, Any]
COUNTY, AID, MEDICARE = (
    f"https://ecm-gateway.example/fhir/StructureDefinition/ecm-{one}" for one in ("county", "aid-code", "medicare")
)


def refer(client: FlaskClient, id: str, **coverage: Any) -> Json:
    sent = a_referral() | {"key": {"source": "harbor-clinic", "id": id}, "coverage": {"plan": "la-care"} | coverage}
    answer = send(client, "POST", "/referrals", sent, Content_Type="application/json")
    assert answer.status_code in (200, 201), answer.data
    found: Json = client.get("/fhir/Coverage").get_json()["entry"][0]["resource"]
    return found


def said(coverage: Json) -> dict[str, Any]:
    return {one["url"]: one.get("valueString", one.get("valueBoolean")) for one in coverage.get("extension", ())}


def test_two_referrals_and_a_care_plan_share_it(client: FlaskClient) -> None:
    refer(client, "1", county="Los Angeles")
    shared = refer(client, "2", county="Los Angeles")
    plan = {
        "key": {"source": "harbor-clinic", "id": "P"},
        "member": a_referral()["member"],
        "status": "active",
        "coverage": {"plan": "la-care"},
    }
    answer = send(client, "POST", "/care-plans", plan, Content_Type="application/json")
    assert answer.status_code == 201, answer.data
    assert total(client, "Coverage") == 1
    asked = client.get("/fhir/ServiceRequest")
    insured = {entry["resource"]["insurance"][0]["reference"] for entry in asked.get_json()["entry"]}
    assert insured == {f"Coverage/{shared['id']}"}
    assert shared["meta"]["versionId"] == "1"


def test_another_plan_is_another_coverage(client: FlaskClient) -> None:
    refer(client, "1")
    refer(client, "2", plan="health-net")
    assert total(client, "Coverage") == 2
    assert total(client, "Patient") == 1


def test_what_a_document_leaves_unsaid_stays_and_what_it_says_is_newer(client: FlaskClient) -> None:
    refer(client, "1", county="Los Angeles", aid_code="M1", plan_code="304", period={"start": "2025-01-01"})
    now = refer(client, "2", aid_code="M3", medicare=True)
    assert said(now) == {COUNTY: "Los Angeles", AID: "M3", MEDICARE: True}
    assert now["class"][0]["value"] == "304"
    assert now["period"] == {"start": "2025-01-01"}
    assert now["subscriberId"] == "90000123A"
    assert now["meta"]["versionId"] == "2"
    before = client.get(f"/fhir/Coverage/{now['id']}/_history/1").get_json()
    assert said(before) == {COUNTY: "Los Angeles", AID: "M1"}


def test_a_new_period_takes_the_old_ones_place_whole(client: FlaskClient) -> None:
    refer(client, "1", period={"start": "2024-01-01", "end": "2024-12-31"})
    assert refer(client, "2", period={"start": "2025-06-01"})["period"] == {"start": "2025-06-01"}


@pytest.mark.parametrize("coverage", [{}, {"county": "Los Angeles"}])
def test_a_document_that_says_nothing_new_makes_no_version(client: FlaskClient, coverage: Json) -> None:
    refer(client, "1", county="Los Angeles", aid_code="M1")
    assert refer(client, "2", **coverage)["meta"]["versionId"] == "1"
