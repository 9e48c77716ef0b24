"""A Community Support is referred, moved and closed by the same door and loop as ECM."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import labels, systems
from tests.web.conftest import a_referral
from tests.web.news import at, hear

Json = dict[str, Any]


def refer(client: FlaskClient, service: str | None, id: str = "R-2026-0001", **changes: Any) -> Any:
    referral = a_referral() | {"key": {"source": "harbor-clinic", "id": id}, "criteria": []} | changes
    return client.post("/referrals", json=referral | ({"service": service, "populations": []} if service else {}))


@pytest.mark.parametrize("service", labels.COMMUNITY_SUPPORT)
def test_each_of_the_fifteen_runs_through_the_loop(client: FlaskClient, service: str) -> None:
    assert refer(client, service).status_code == 201
    request = client.get("/fhir/ServiceRequest").get_json()["entry"][0]["resource"]
    assert code_of(request["code"], systems.COMMUNITY_SUPPORT) == service
    assert {code_of(one, systems.SERVICE) for one in request["category"]} - {None} == {"community-supports-referral"}
    found = client.get(f"/fhir/ServiceRequest/{request['id']}/$validate").get_json()["issue"]
    assert [one for one in found if one["severity"] in ("error", "fatal")] == []
    assert hear(client, 1, at=at(9), status="in-progress").status_code == 200
    assert hear(client, 2, at=at(10), status="completed").status_code == 200
    assert client.get("/fhir/ServiceRequest").get_json()["entry"][0]["resource"]["status"] == "completed"


def test_sobering_centers_are_not_reported(client: FlaskClient) -> None:
    refer(client, "sobering-centers", "1")
    refer(client, "recuperative-care", "2")
    for number, id in enumerate(("1", "2")):
        hear(client, number, referral={"source": "harbor-clinic", "id": id}, at=at(9), status="in-progress")
    clocks = {one["service"]: one["clock"] for one in client.get("/loops").get_json()["loops"]}
    assert clocks == {"sobering-centers": None, "recuperative-care": "R1"}


def test_ecm_and_a_community_support_are_two_loops_found_by_service(client: FlaskClient) -> None:
    refer(client, None, "1")
    refer(client, "housing-deposits", "2")
    assert len(client.get("/loops").get_json()["loops"]) == 2
    for number, service in enumerate(("housing-deposits", None)):
        said = {"cin": "90000123A", "referral": None, "at": at(9), "status": "accepted", "service": service}
        body = {"key": {"source": "x", "id": str(number)}, "party": "target"} | said
        answer = client.post("/referral-changes", json={k: v for k, v in body.items() if v is not None})
        assert answer.status_code == 200, answer.data


def test_ecm_still_needs_a_population_and_an_unknown_service_is_refused(client: FlaskClient) -> None:
    assert refer(client, None, populations=[]).status_code == 422
    assert refer(client, "gym").status_code == 422


def test_a_provider_of_a_community_support_leaves_ecm_alone(client: FlaskClient) -> None:
    refer(client, None, "1")
    refer(client, "housing-deposits", "2")
    ecm, support = ({"source": "harbor-clinic", "id": id} for id in "12")
    lead = {"name": {"first": "Odessa", "last": "Zanzibarovna"}}
    hear(client, 1, referral=ecm, at=at(9), status="in-progress", provider={"name": "Alder ECM"}, lead=lead)
    hear(client, 2, referral=support, at=at(10), status="in-progress", provider={"name": "Roof Trust"})
    hear(client, 3, referral=support, at="2026-03-09T09:00:00-08:00", status="failed", reason="no deposit needed")
    (entry,) = client.get("/fhir/CareTeam").get_json()["entry"]
    ends = {
        code_of(one["role"][0], systems.TEAM_ROLE): one["period"].get("end") for one in entry["resource"]["participant"]
    }
    assert ends == {"ecm-provider": None, "lead-care-manager": None, "community-supports-provider": "2026-03-09"}
    assert entry["resource"]["status"] == "active"
