"""News of a referral, from outside: five ways to say it, twice is once, late news changes nothing, all hear of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import loop, systems
from tests.web.conftest import a_referral
from tests.web.news import at, hear, kept, rules

Json = dict[str, Any]


@pytest.fixture
def referred(client: FlaskClient) -> FlaskClient:
    assert client.post("/referrals", json=a_referral()).status_code == 201
    return client


SAYINGS: list[tuple[Json, str, str, str | None, str]] = [
    ({"status": "accepted"}, "accepted", "accepted", None, "active"),
    ({"referral_status": "Outreach Initiated"}, "in-progress", "outreach-initiated", None, "active"),
    ({"referral_status": "declined"}, "rejected", "declined", "provider-declined", "active"),
    (
        {"referral_status": "loop-closed", "closure_reason": "Services Received"},
        "completed",
        "loop-closed",
        "services-received",
        "completed",
    ),
    ({"status": "completed"}, "completed", "loop-closed", "services-received", "completed"),
    ({"status": "failed", "reason": "three letters"}, "failed", "loop-closed", None, "revoked"),
    ({"state": "authorized"}, "accepted", "accepted", None, "active"),
    ({"discontinuation": "3"}, "cancelled", "loop-closed", "no-longer-needed", "revoked"),
    ({"discontinuation": "Met all care plan goals"}, "completed", "loop-closed", "services-received", "completed"),
]


@pytest.mark.parametrize(("said", "status", "reported", "reason", "order"), SAYINGS, ids=lambda one: str(one)[:40])
def test_each_way_of_saying_it_moves_task_and_request(
    referred: FlaskClient, said: Json, status: str, reported: str, reason: str | None, order: str
) -> None:
    answer = hear(referred, 1, at=at(9), **said)
    assert answer.status_code == 200, answer.data
    task, request = kept(referred, "Task"), kept(referred, "ServiceRequest")
    assert (task["status"], task["lastModified"]) == (status, at(9))
    assert code_of(task["businessStatus"], systems.REFERRAL_STATUS) == reported
    assert code_of(task.get("statusReason"), loop.CLOSURE) == reason
    assert request["status"] == order
    told = [entry["response"]["location"].split("/")[0] for entry in answer.get_json()["entry"]]
    assert told[0] == "Task"
    assert "Provenance" in told


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"word": "all good"}, "loop-word-partner"),
        ({"referral_status": "somewhere"}, "concept-referral-status"),
        ({"referral_status": "loop-closed"}, "change-closure-due"),
        ({"referral_status": "loop-closed", "closure_reason": "other"}, "loop-closure-text"),
        ({"status": "accepted", "state": "authorized"}, "change-one-saying"),
        ({"discontinuation": "16"}, "concept-discontinuation-reason"),
        ({"status": "rejected", "task": "x"}, "change-referral"),
        ({}, "change-says-nothing"),
        ({"status": "on-hold"}, "loop-reason"),
        ({"status": "accepted", "on": "2026-03-03"}, "change-time"),
        ({"status": "accepted", "at": "2999-01-01T00:00:00Z"}, "change-time-future"),
    ],
)
def test_what_means_nothing_or_two_things_is_refused(referred: FlaskClient, said: Json, rule: str) -> None:
    answer = hear(referred, 1, **({"at": at(9)} | said))
    assert answer.status_code == 422, answer.data
    assert rule in rules(answer)
    assert kept(referred, "Task")["meta"]["versionId"] == "1"


def test_the_same_news_twice_is_once(referred: FlaskClient) -> None:
    assert hear(referred, 1, at=at(9), status="accepted").status_code == 200
    assert hear(referred, 2, at=at(10), status="in-progress").status_code == 200
    again = hear(referred, 1, at=at(9), status="accepted")
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"3"')
    told = again.get_json()["entry"][0]["response"]["outcome"]["issue"][0]
    assert told["details"]["coding"][0]["code"] == "change-same"
    assert kept(referred, "Task")["status"] == "in-progress"


def test_older_news_is_recorded_and_changes_nothing(referred: FlaskClient) -> None:
    hear(referred, 1, at=at(10), status="in-progress")
    late = hear(referred, 2, at=at(9), status="accepted")
    assert late.status_code == 200
    assert late.get_json()["entry"][0]["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == (
        "change-stale"
    )
    assert (kept(referred, "Task")["status"], kept(referred, "Task")["meta"]["versionId"]) == ("in-progress", "2")


def test_a_move_that_cannot_have_happened_names_those_that_can(referred: FlaskClient) -> None:
    hear(referred, 1, at=at(9), status="in-progress")
    answer = hear(referred, 2, at=at(10), status="rejected", reason="no room")
    assert (answer.status_code, rules(answer)) == (422, ["loop-move"])
    assert "on-hold, completed, failed, cancelled" in answer.json["issue"][0]["diagnostics"]
    requester = hear(referred, 3, at=at(10), party="requester", status="completed")
    assert (requester.status_code, rules(requester)) == (422, ["loop-move"])


def test_a_member_with_one_open_referral_is_name_enough(referred: FlaskClient) -> None:
    body: Json = {"key": {"source": "la-care", "id": "1"}, "party": "target", "cin": "90000123A", "plan": "la-care"}
    answer = referred.post("/referral-changes", json=body | {"on": "2026-03-03", "status": "accepted"})
    assert answer.status_code == 200, answer.data
    other = a_referral() | {"key": {"source": "shelter", "id": "2"}, "coverage": {"plan": "health-net"}}
    assert referred.post("/referrals", json=other).status_code == 201
    same = referred.post(
        "/referral-changes",
        json=body | {"key": {"source": "x", "id": "2"}, "on": "2026-03-04", "status": "in-progress"},
    )
    assert same.status_code == 200
    del body["plan"]
    many = referred.post(
        "/referral-changes", json=body | {"key": {"source": "x", "id": "3"}, "on": "2026-03-05", "status": "completed"}
    )
    assert (many.status_code, rules(many)) == (409, ["change-referral-many"])
    none = referred.post(
        "/referral-changes", json=body | {"cin": "91234567C", "on": "2026-03-05", "status": "completed"}
    )
    assert (none.status_code, rules(none)) == (404, ["change-referral-unknown"])


def test_states_of_ecm_pass_through_those_nobody_told(referred: FlaskClient) -> None:
    for number, (hour, state) in enumerate(
        [(9, "screened"), (10, "authorized"), (11, "assigned"), (12, "active-care")]
    ):
        assert hear(referred, number, at=at(hour), state=state).status_code == 200
        assert loop.state_of(kept(referred, "Task")) == state
    back = hear(referred, 8, at=at(13), state="screened")
    assert (back.status_code, rules(back)) == (422, ["life-cycle"])
    assert "discontinued, renewal-due" in back.json["issue"][0]["diagnostics"]
    late = hear(referred, 9, at=at(10), state="screened")
    assert late.status_code == 200
    assert loop.state_of(kept(referred, "Task")) == "active-care"


RETURN = Path(__file__).parents[2] / "fixtures" / "referral-changes" / "csv-eldermark-return" / "file.csv"


def test_a_return_file_moves_each_member_s_loop(referred: FlaskClient) -> None:
    other = a_referral() | {"key": {"source": "harbor-clinic", "id": "R-2"}}
    other["member"] = other["member"] | {"cin": "90000124B", "name": {"first": "Anton", "last": "Zanzibarovna"}}
    assert referred.post("/referrals", json=other).status_code == 201
    first, again = (
        referred.post("/files/eldermark/referral-change", data=RETURN.read_bytes(), content_type="text/csv")
        for _ in range(2)
    )
    assert [first.headers[f"X-Rows-{name}"] for name in ("Read", "Kept", "Same", "Refused")] == ["3", "2", "0", "1"]
    assert [again.headers[f"X-Rows-{name}"] for name in ("Read", "Kept", "Same", "Refused")] == ["3", "0", "2", "1"]
    ended = referred.get("/fhir/Task?identifier=R-2026-0001").get_json()["entry"][0]["resource"]
    under_way = referred.get("/fhir/Task?identifier=R-2").get_json()["entry"][0]["resource"]
    assert (ended["status"], ended["lastModified"]) == ("completed", "2026-02-27T00:00:00-08:00")
    assert code_of(ended["statusReason"], loop.DISCONTINUATION) == "1"
    assert loop.state_of(ended) == "discontinued"
    assert under_way["status"] == "in-progress"


def test_a_partner_s_own_word_is_read_by_its_table(referred: FlaskClient) -> None:
    key = {"source": "eldermark", "id": "1"}
    unknown = hear(referred, 0, key=key, at=at(9), word="On the way")
    assert (unknown.status_code, rules(unknown)) == (422, ["loop-word"])
    assert hear(referred, 0, key=key, at=at(9), word="unable to CONTACT").status_code == 200
    task = kept(referred, "Task")
    assert (task["status"], code_of(task["statusReason"], loop.CLOSURE)) == ("failed", "unable-to-reach")


def test_care_may_end_after_its_loop_was_closed(referred: FlaskClient) -> None:
    hear(referred, 1, at=at(9), referral_status="loop-closed", closure_reason="services-received")
    assert hear(referred, 2, at=at(10), discontinuation="3").status_code == 200
    task = kept(referred, "Task")
    assert (task["status"], task["lastModified"], loop.state_of(task)) == ("completed", at(9), "discontinued")


def test_a_referral_is_forwarded_once_and_its_part_moves_it(referred: FlaskClient) -> None:
    path = f"/referrals/{kept(referred, 'ServiceRequest')['id']}/forward"
    first = referred.post(path, json={"to": {"name": "Alder ECM", "npi": "1245319599"}})
    again = referred.post(path, json={"to": {"name": "Alder ECM", "npi": "1245319599"}})
    assert (first.status_code, again.status_code) == (201, 200), first.data
    part = first.headers["Location"].split("/Task/")[1].split("/")[0]
    found = referred.get("/fhir/Task?intent=order").get_json()
    assert found["total"] == 2
    news = {"key": {"source": "alder", "id": "1"}, "party": "target", "task": part, "at": at(9), "status": "completed"}
    assert referred.post("/referral-changes", json=news).status_code == 200
    statuses = [entry["resource"]["status"] for entry in referred.get("/fhir/Task").get_json()["entry"]]
    assert statuses == ["completed", "completed"]


@pytest.mark.parametrize("body", [{"to": {"npi": "1245319599"}}, {"to": {"name": "A", "npi": "12"}}, {"name": "A"}, []])
def test_a_provider_that_cannot_be_read_is_refused(referred: FlaskClient, body: Any) -> None:
    answer = referred.post(f"/referrals/{kept(referred, 'ServiceRequest')['id']}/forward", json=body)
    assert answer.status_code == 422
    assert referred.post("/referrals/none/forward", json={"to": {"name": "A"}}).status_code == 404


def test_a_streamlined_start_is_followed_by_the_authorization(referred: FlaskClient) -> None:
    for number, (hour, state, status) in enumerate(
        [
            (9, "streamlined", "in-progress"),
            (10, "authorized", "in-progress"),
            (11, "assigned", "in-progress"),
            (12, "enrolled", "in-progress"),
        ]
    ):
        answer = hear(referred, number, at=at(hour), state=state)
        assert answer.status_code == 200, answer.data
        task = kept(referred, "Task")
        assert (loop.state_of(task), task["status"]) == (state, status)
    clocks = referred.get("/loops").get_json()["loops"]
    assert clocks[0]["status"] == "in-progress"


def test_a_key_of_other_news_is_refused_and_not_called_known(referred: FlaskClient) -> None:
    assert hear(referred, 1, at=at(9), status="accepted").status_code == 200
    other = hear(referred, 1, at=at(10), status="completed")
    assert (other.status_code, rules(other)) == (409, ["change-key-reused"])
    assert kept(referred, "Task")["status"] == "accepted"
    again = hear(referred, 1, at="2026-03-03T17:00:00Z", status="accepted")
    assert again.status_code == 200, "the same news, written otherwise"
    assert "change-same" in again.get_data(as_text=True)
    stamped = hear(referred, 1, at=at(11), status="accepted")
    assert "change-same" in stamped.get_data(as_text=True), "a sender may stamp each attempt"
