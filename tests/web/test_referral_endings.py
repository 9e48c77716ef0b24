"""How referrals end whatever the order of the news: five updates, races, and what is told after the end."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import loop
from tests.web.conftest import a_referral
from tests.web.news import FIVE, REFERRAL, at, hear, kept, rules

Json = dict[str, Any]


@pytest.fixture
def referred(client: FlaskClient) -> FlaskClient:
    assert client.post("/referrals", json=a_referral()).status_code == 201
    return client


def test_five_updates_end_in_one_state_in_all_120_orders(client: FlaskClient) -> None:
    ends = set()
    for number, order in enumerate(permutations(enumerate(FIVE))):
        referral = a_referral() | {"key": {"source": "harbor-clinic", "id": f"R-{number}"}, "replaces": REFERRAL}
        referral["member"] = referral["member"] | {"cin": f"9{number:07}A"}
        assert client.post("/referrals", json=referral).status_code == 201
        for which, said in order:
            answer = hear(client, number * 10 + which, **{"referral": referral["key"], **said})
            assert answer.status_code == 200, (order, answer.data)
        task = client.get(f"/fhir/Task?identifier=R-{number}").get_json()["entry"][0]["resource"]
        ends.add((task["status"], task["lastModified"], task["statusReason"]["text"]))
    assert len(ends) == 1
    assert next(iter(ends))[0] == "completed"


NOON = at(12)
CANCEL = {"at": at(10), "status": "cancelled", "reason": "moved away"}
RACES: list[tuple[list[Json], set[str]]] = [
    ([CANCEL | {"party": "requester"}, CANCEL | {"at": at(11)}], {"cancelled"}),
    ([CANCEL | {"party": "requester"}, {"at": at(11), "status": "completed"}], {"cancelled", "completed"}),
    ([CANCEL | {"party": "requester"}, {"at": at(11), "status": "in-progress"}], {"cancelled"}),
    ([CANCEL, {"at": at(10), "status": "completed"}], {"cancelled", "completed"}),
]


@pytest.mark.parametrize(("race", "ends"), RACES)
def test_races_end_as_documented_in_either_order(client: FlaskClient, race: list[Json], ends: set[str]) -> None:
    seen = set()
    for number, order in enumerate(permutations(race)):
        referral = a_referral() | {"key": {"source": "harbor-clinic", "id": f"R-{number}"}}
        referral["member"] = referral["member"] | {"cin": f"9{number:07}A"}
        client.post("/referrals", json=referral)
        statuses = [
            hear(client, number * 10 + at, **{"referral": referral["key"], **said}).status_code
            for at, said in enumerate(order)
        ]
        assert statuses[0] == 200
        task = client.get(f"/fhir/Task?identifier=R-{number}").get_json()["entry"][0]["resource"]
        seen.add(task["status"])
        if task["status"] in ("cancelled", "completed"):
            assert hear(
                client, number * 10 + 5, referral=referral["key"], at=NOON, status="in-progress"
            ).status_code == (422)
    assert seen == ends


LATER = [
    {"status": "failed", "reason": "no answer"},
    {"status": "cancelled", "reason": "moved"},
    {"status": "rejected", "reason": "no room"},
    {"referral_status": "loop-closed", "closure_reason": "unable-to-reach"},
    {"state": "denied"},
    {"party": "requester", "status": "cancelled", "reason": "moved"},
]


@pytest.mark.parametrize("said", LATER)
def test_another_ending_told_after_services_were_received_is_refused_and_never_called_known(
    referred: FlaskClient, said: Json
) -> None:
    hear(referred, 1, at=at(9), status="completed")
    answer = hear(referred, 2, at=at(10), **said)
    assert (answer.status_code, rules(answer)) == (422, ["loop-move"]), answer.data
    assert hear(referred, 3, at=at(8), **said).status_code == 200, "what is older is recorded and changes nothing"
    task = kept(referred, "Task")
    assert (task["status"], code_of(task["statusReason"], loop.CLOSURE)) == ("completed", "services-received")


def test_the_requester_takes_a_mistake_back_after_services_were_received(referred: FlaskClient) -> None:
    hear(referred, 1, at=at(9), status="completed")
    assert hear(referred, 2, at=at(10), party="requester", status="entered-in-error").status_code == 200
    assert kept(referred, "Task")["status"] == kept(referred, "ServiceRequest")["status"] == "entered-in-error"


def test_both_cancel_ends_in_one_state_of_task_and_request_in_either_order(client: FlaskClient) -> None:
    ends = set()
    for number, order in enumerate(permutations([CANCEL | {"party": "requester"}, CANCEL | {"at": at(11)}])):
        referral = a_referral() | {"key": {"source": "harbor-clinic", "id": f"R-{number}"}}
        referral["member"] = referral["member"] | {"cin": f"9{number:07}A"}
        client.post("/referrals", json=referral)
        for which, said in enumerate(order):
            hear(client, number * 10 + which, **{"referral": referral["key"], **said})
        task = client.get(f"/fhir/Task?identifier=R-{number}").get_json()["entry"][0]["resource"]
        request = client.get(f"/fhir/{task['focus']['reference']}").get_json()
        ends.add((task["status"], request["status"]))
    assert ends == {("cancelled", "revoked")}, "the order is the requester's, who has withdrawn it"
