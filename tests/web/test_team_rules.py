"""The care team follows the referral: who serves the member joins, follows another, leaves; one lead, or an alarm."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import systems
from tests.web.conftest import a_referral
from tests.web.news import FIVE, hear

Json = dict[str, Any]
ALDER = {"name": "Alder ECM", "npi": "1245319599"}
BIRCH = {"name": "Birch ECM", "npi": "1992999791"}
ODESSA = {"name": {"first": "Odessa", "last": "Zanzibarovna"}, "phones": [{"number": "+12135550177"}]}
RITA = {"name": {"first": "Rita", "last": "Zanzibarovna"}, "phones": [{"number": "+12135550178"}]}


def day(number: int) -> str:
    return f"2026-03-{number:02}T09:00:00-08:00"


@pytest.fixture
def referred(client: FlaskClient) -> FlaskClient:
    assert client.post("/referrals", json=a_referral()).status_code == 201
    return client


def team(client: FlaskClient) -> Json:
    found = client.get("/fhir/CareTeam").get_json()
    assert found["total"] == 1
    resource: Json = found["entry"][0]["resource"]
    return resource


def people(client: FlaskClient) -> list[tuple[str | None, str, str | None]]:
    """Role, first day, last day of every membership there was."""
    return [
        (code_of(one["role"][0], systems.TEAM_ROLE), one["period"]["start"], one["period"].get("end"))
        for one in team(client).get("participant", ())
    ]


def told(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.data
    outcome = answer.get_json()["entry"][0]["response"].get("outcome", {"issue": []})
    return [one["details"]["coding"][0]["code"] for one in outcome["issue"]]


def alarms(client: FlaskClient) -> int:
    return len(client.get("/loops").get_json()["teams_without_lead"])


def test_acceptance_brings_the_provider_and_a_lead_makes_the_team_active(referred: FlaskClient) -> None:
    assert told(hear(referred, 1, at=day(3), status="accepted", provider=ALDER)) == []
    assert people(referred) == [("ecm-provider", "2026-03-03", None)]
    assert (team(referred)["status"], alarms(referred)) == ("proposed", 0)
    hear(referred, 2, at=day(5), status="in-progress", provider=ALDER, lead=ODESSA)
    assert people(referred) == [("ecm-provider", "2026-03-03", None), ("lead-care-manager", "2026-03-05", None)]
    assert (team(referred)["status"], alarms(referred)) == ("active", 0)


def test_another_lead_follows_the_first_with_history(referred: FlaskClient) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    assert told(hear(referred, 2, at=day(9), provider=ALDER, lead=RITA)) == []
    assert people(referred)[1:] == [
        ("lead-care-manager", "2026-03-03", "2026-03-08"),
        ("lead-care-manager", "2026-03-09", None),
    ]
    assert team(referred)["status"] == "active"
    again = hear(referred, 3, at=day(9), provider=ALDER, lead=RITA)
    assert told(again) == ["change-same"]


def test_another_provider_ends_the_lead_and_raises_an_alarm(referred: FlaskClient) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    assert "team-one-lead" in told(hear(referred, 2, at=day(9), provider=BIRCH))
    assert sorted(people(referred), key=str) == [
        ("ecm-provider", "2026-03-03", "2026-03-08"),
        ("ecm-provider", "2026-03-09", None),
        ("lead-care-manager", "2026-03-03", "2026-03-08"),
    ]
    assert (team(referred)["status"], alarms(referred)) == ("suspended", 1)
    organization = referred.get(f"/fhir/{team(referred)['managingOrganization'][0]['reference']}").get_json()
    assert organization["name"] == "Birch ECM"
    hear(referred, 3, at=day(10), lead=RITA)
    assert (team(referred)["status"], alarms(referred)) == ("active", 0)


@pytest.mark.parametrize(
    "ending",
    [
        {"discontinuation": "1"},
        {"referral_status": "loop-closed", "closure_reason": "no-longer-needed"},
        {"status": "cancelled", "reason": "opted out"},
        {"state": "unreachable"},
    ],
)
def test_opting_out_and_discontinuation_end_every_membership(referred: FlaskClient, ending: Json) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    if "state" in ending:
        hear(referred, 2, at=day(4), state="outreach")
    hear(referred, 3, at=day(9), **ending)
    assert [end for _, _, end in people(referred)] == ["2026-03-09", "2026-03-09"]
    assert (team(referred)["status"], alarms(referred)) == ("inactive", 0)


def test_services_received_leave_the_team_at_work(referred: FlaskClient) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    hear(referred, 2, at=day(9), referral_status="loop-closed", closure_reason="services-received")
    assert team(referred)["status"] == "active"
    hear(referred, 3, at=day(20), discontinuation="3")
    assert team(referred)["status"] == "inactive"


def test_older_news_of_a_lead_does_not_bring_the_old_one_back(referred: FlaskClient) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER)
    hear(referred, 2, at=day(9), lead=RITA)
    assert told(hear(referred, 3, at=day(5), lead=ODESSA)) == ["change-same"]
    assert people(referred)[1:] == [("lead-care-manager", "2026-03-09", None)]


def test_a_team_is_valid_and_kept_whole(referred: FlaskClient) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    hear(referred, 2, at=day(9), provider=BIRCH, lead=RITA)
    answer = referred.get(f"/fhir/CareTeam/{team(referred)['id']}/$validate")
    assert [one for one in answer.get_json()["issue"] if one["severity"] in ("error", "fatal")] == []


def test_the_order_of_five_updates_does_not_matter_to_the_team(client: FlaskClient) -> None:
    ends = set()
    for number, order in enumerate(list(permutations(enumerate(FIVE)))[::17]):
        referral = a_referral() | {"key": {"source": "harbor-clinic", "id": f"R-{number}"}}
        referral["member"] = referral["member"] | {"cin": f"9{number:07}A"}
        assert client.post("/referrals", json=referral).status_code == 201
        for which, said in order:
            told(hear(client, number * 10 + which, referral=referral["key"], provider=ALDER, lead=ODESSA, **said))
        found = client.get("/fhir/CareTeam?status=active").get_json()
        ends.add((found["total"] - number, len(found["entry"][0]["resource"]["participant"])))
    assert ends == {(1, 2)}


CARED_FOR: list[Json] = [
    {"state": "enrolled"},
    {"state": "active-care"},
    {"status": "completed"},
    {"referral_status": "loop-closed", "closure_reason": "services-received"},
]


@pytest.mark.parametrize("said", CARED_FOR)
def test_a_member_who_is_cared_for_without_a_lead_is_an_alarm_though_none_was_ever_named(
    referred: FlaskClient, said: Json
) -> None:
    assert told(hear(referred, 1, at=day(3), status="accepted", provider=ALDER)) == [], "nobody has been reached yet"
    assert referred.get("/loops").get_json()["teams_without_lead"] == []
    assert told(hear(referred, 2, at=day(4), **said)) == ["team-one-lead"]
    assert referred.get("/loops").get_json()["teams_without_lead"] == [f"CareTeam/{team(referred)['id']}"]
    assert told(hear(referred, 3, at=day(5), lead=ODESSA)) == []
    assert referred.get("/loops").get_json()["teams_without_lead"] == []


def test_a_member_who_is_cared_for_without_any_team_is_told_of(referred: FlaskClient) -> None:
    assert told(hear(referred, 1, at=day(4), state="enrolled")) == ["team-one-lead"]
    assert told(hear(referred, 2, at=day(5), state="active-care", provider=ALDER, lead=ODESSA)) == []
