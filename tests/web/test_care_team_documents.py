"""A care team sent again: who is left out has left, with history; one Lead Care Manager, or an alarm."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.domain.dates import PACIFIC
from gateway.wiring import now
from tests.conftest import ROOT
from tests.web.conftest import a_referral
from tests.web.news import hear
from tests.web.test_team_rules import ALDER, ODESSA, alarms, day

Json = dict[str, Any]
BODY: Path = ROOT / "fixtures" / "care-teams" / "minimal" / "body.json"


def today() -> date:
    return now().astimezone(PACIFIC).date()


def ago(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


def person(id: str, role: str, since: str, *, first: str = "Rita") -> Json:
    name = {"first": first, "last": "Zanzibarovna"}
    contact = {"phones": [{"number": "+12135550178"}], "email": "rita@alder.example"}
    return {"id": id, "role": role, "professional": {"name": name, **contact}, "period": {"start": since}}


LEAD = person("m-lead", "lead-care-manager", ago(30))
CHW = person("m-chw", "community-health-worker", ago(20), first="Ida")


def state(client: FlaskClient, *members: Json, **changes: Any) -> Json:
    body = json.loads(BODY.read_text()) | {"members": list(members)} | changes
    answer = client.post("/care-teams", json=body)
    assert answer.status_code in (200, 201), answer.data
    found: Json = answer.get_json()
    return found


def teams(client: FlaskClient) -> list[Json]:
    return [one["resource"] for one in client.get("/fhir/CareTeam").get_json()["entry"]]


def places(client: FlaskClient) -> dict[str, str | None]:
    """Membership id -> last day."""
    (team,) = teams(client)
    ids = [next(x["valueString"] for e in one["extension"] for x in e["extension"] if x["url"] == "id")
           for one in team["participant"]]  # fmt: skip
    return dict(zip(ids, [one["period"].get("end") for one in team["participant"]], strict=True))


def rules(answer: Json) -> list[str]:
    told = answer["entry"][0]["response"].get("outcome", {"issue": []})["issue"]
    return [one["details"]["coding"][0]["code"] for one in told]


def test_who_is_left_out_has_left_yesterday_and_stays_in_the_history(client: FlaskClient) -> None:
    state(client, LEAD, CHW)
    state(client, LEAD)
    assert places(client) == {"m-lead": None, "m-chw": ago(1)}
    again = state(client, LEAD)
    assert again["entry"][0]["response"]["etag"] == 'W/"2"', "the same again is the same"
    state(client, LEAD, person("m-nurse", "nurse-care-manager", ago(0)))
    assert places(client) == {"m-lead": None, "m-nurse": None, "m-chw": ago(1)}
    state(client, LEAD)
    assert places(client) == {"m-lead": None, "m-chw": ago(1)}, "a day that was none is none"


def test_a_lead_who_follows_begins_where_the_first_ends(client: FlaskClient) -> None:
    state(client, LEAD)
    state(client, person("m-next", "lead-care-manager", ago(5), first="Odessa"))
    assert places(client) == {"m-next": None, "m-lead": ago(6)}
    assert alarms(client) == 0


def test_who_comes_back_is_on_the_team_again(client: FlaskClient) -> None:
    state(client, LEAD, CHW)
    state(client, LEAD)
    state(client, LEAD, CHW)
    assert places(client) == {"m-lead": None, "m-chw": None}


def test_a_team_without_a_lead_is_an_alarm(client: FlaskClient) -> None:
    state(client, LEAD, CHW)
    told = state(client, CHW, status="suspended")
    assert "team-one-lead" in rules(told)
    assert alarms(client) == 1
    assert "team-one-lead" not in rules(state(client, LEAD, CHW))
    assert alarms(client) == 0


@pytest.fixture
def by_rule(client: FlaskClient) -> FlaskClient:
    """A team that this gateway began for the member of the document."""
    member = json.loads(BODY.read_text())["member"]
    known = a_referral()["member"] | {name: member[name] for name in ("name", "birth_date", "cin")}
    assert client.post("/referrals", json=a_referral() | {"member": known}).status_code == 201
    hear(client, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    return client


def test_a_stated_team_takes_the_place_of_the_one_begun_by_rule(by_rule: FlaskClient) -> None:
    state(by_rule, LEAD)
    assert sorted(one["status"] for one in teams(by_rule)) == ["active", "inactive"]
    over = next(one for one in teams(by_rule) if one["status"] == "inactive")
    assert {one["period"]["end"] for one in over["participant"]} == {ago(1)}
    hear(by_rule, 2, at=f"{ago(0)}T00:00:00-08:00", status="on-hold", reason="moving", provider=ALDER)
    assert sorted(one["status"] for one in teams(by_rule)) == ["active", "inactive"]


def test_two_teams_with_a_lead_are_an_alarm(client: FlaskClient) -> None:
    state(client, LEAD)
    other = state(client, LEAD, key={"source": "another-plan", "id": "T-9"})
    assert "team-one-lead" in rules(other)
