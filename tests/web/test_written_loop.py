"""A Task or ServiceRequest written as FHIR has the consequences of the news by the doors, in one transaction."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.fhir.element import code_of
from gateway.mapping import loop, systems
from tests.web.news import hear
from tests.web.sent import send, total
from tests.web.test_join_loop import HOSPITAL, SHELTER, refer
from tests.web.test_team_rules import ALDER, ODESSA, day, people, team

Json = dict[str, Any]


def tasks(client: FlaskClient) -> list[Json]:
    return [entry["resource"] for entry in client.get("/fhir/Task?_sort=_id").get_json().get("entry", ())]


def request_of(client: FlaskClient, task: Json) -> Json:
    found: Json = client.get(f"/fhir/{task['focus']['reference']}").get_json()
    return found


def write(client: FlaskClient, task: Json, **changes: Any) -> Any:
    """Read the Task, change it, put it: as a client does."""
    present = client.get(f"/fhir/Task/{task['id']}").get_json()
    return send(client, "PUT", f"/fhir/Task/{task['id']}", present | changes)


def bundle(*resources: Json) -> Json:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.fixture
def task(client: FlaskClient) -> Json:
    refer(client)
    return tasks(client)[0]


@pytest.fixture
def three(client: FlaskClient) -> list[Json]:
    for key in (None, SHELTER, HOSPITAL):
        refer(client, key)
    return tasks(client)


REASON = {"text": "moved away"}
ENDINGS = [
    ([("rejected", REASON)], "active", "declined", "provider-declined"),
    ([("cancelled", REASON)], "revoked", "loop-closed", None),
    ([("accepted", None), ("completed", None)], "completed", "loop-closed", "services-received"),
    ([("accepted", None), ("failed", REASON)], "revoked", "loop-closed", None),
    ([("accepted", None), ("on-hold", REASON)], "on-hold", "accepted", None),
    ([("accepted", None), ("on-hold", REASON), ("in-progress", None)], "active", "outreach-initiated", None),
]


ENDED_WAYS = [
    ("rejected", ["rejected"]),
    ("completed", ["accepted", "completed"]),
    ("failed", ["accepted", "failed"]),
    ("cancelled", ["cancelled"]),
]


def close(client: FlaskClient, task: Json, ended: str) -> None:
    for status in dict(ENDED_WAYS)[ended]:
        answer = write(client, task, status=status, statusReason=REASON)
        assert answer.status_code == 200, answer.data


@pytest.mark.parametrize(("steps", "request_status", "reported", "closure"), ENDINGS)
def test_the_request_and_the_report_follow_the_task(
    client: FlaskClient, task: Json, steps: list[Any], request_status: str, reported: str, closure: str | None
) -> None:
    for status, reason in steps:
        answer = write(client, task, status=status, **({"statusReason": reason} if reason else {}))
        assert answer.status_code == 200, answer.data
    kept = tasks(client)[0]
    assert request_of(client, task)["status"] == request_status
    assert code_of(kept["businessStatus"], systems.REFERRAL_STATUS) == reported
    assert code_of(kept.get("statusReason"), loop.CLOSURE) == closure
    assert kept["lastModified"] != task["authoredOn"]


def test_the_same_task_written_again_is_the_same(client: FlaskClient, task: Json) -> None:
    moved = {k: v for k, v in task.items() if k != "lastModified"} | {"status": "rejected", "statusReason": REASON}
    address = f"/fhir/Task/{task['id']}"
    first = send(client, "PUT", address, moved)
    again = send(client, "PUT", address, moved)
    assert (first.headers["ETag"], again.headers["ETag"]) == ('W/"2"', 'W/"2"')
    noted = moved | {"note": [{"text": "by telephone"}]}
    kept = send(client, "PUT", address, noted).get_json()
    assert kept["note"] == noted["note"]
    assert kept["statusReason"] == first.get_json()["statusReason"]
    assert kept["lastModified"] == first.get_json()["lastModified"]


def test_the_tasks_of_all_senders_move_alike_and_one_that_is_withdrawn_moves_alone(
    client: FlaskClient, three: list[Json]
) -> None:
    assert write(client, three[1], status="accepted").status_code == 200
    assert [one["status"] for one in tasks(client)] == ["accepted"] * 3
    write(client, three[0], status="cancelled", statusReason=REASON)
    assert [one["status"] for one in tasks(client)] == ["cancelled", "accepted", "accepted"]
    ineligible = {"coding": [{"system": loop.CLOSURE, "code": "no-longer-eligible"}], "text": "lost coverage"}
    write(client, three[2], status="cancelled", statusReason=ineligible)
    assert [one["status"] for one in tasks(client)] == ["cancelled"] * 3, "what became of the member ends the loop"
    assert [request_of(client, one)["status"] for one in three] == ["revoked"] * 3


def test_the_team_follows(client: FlaskClient, task: Json) -> None:
    hear(client, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    write(client, task, status="failed", statusReason=REASON)
    assert team(client)["status"] == "inactive"
    assert all(end is not None for _, _, end in people(client))


def test_one_senders_withdrawal_leaves_the_team(client: FlaskClient, three: list[Json]) -> None:
    hear(client, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    write(client, three[0], status="cancelled", statusReason=REASON)
    withdrawn = {"referral": HOSPITAL, "party": "requester", "at": day(4), "status": "cancelled", "reason": "in error"}
    assert hear(client, 2, **withdrawn).status_code == 200
    open_ = [one for one in tasks(client) if one["status"] == "in-progress"]
    assert len(open_) in (1, 2)
    assert team(client)["status"] == "active"
    for one in open_:
        write(client, one, status="cancelled", statusReason=REASON)
    assert team(client)["status"] == "inactive"


def test_who_owns_an_accepted_task_joins_the_team_unless_it_is_the_plan(client: FlaskClient, task: Json) -> None:
    write(client, task, status="accepted")
    assert total(client, "CareTeam") == 0, "the plan owns it"
    provider = {
        "resourceType": "Organization",
        "active": True,
        "name": "Alder ECM",
        "identifier": [{"system": systems.NPI, "value": "1245319599"}],
    }
    made = send(client, "POST", "/fhir/Organization", provider).get_json()
    owner = {"reference": f"Organization/{made['id']}"}
    assert write(client, task, status="in-progress", owner=owner).status_code == 200
    assert [(role, end) for role, _, end in people(client)] == [("ecm-provider", None)]


def test_a_referral_that_is_not_for_ecm_moves_no_ecm_team(client: FlaskClient, task: Json) -> None:
    hear(client, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    other = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Food pantry"},
        "subject": task["for"],
    }
    order = send(client, "POST", "/fhir/ServiceRequest", other).get_json()
    food = {k: task[k] for k in ("resourceType", "intent", "code", "for", "authoredOn", "requester")}
    posted = food | {"status": "requested", "focus": {"reference": f"ServiceRequest/{order['id']}"}}
    made = send(client, "POST", "/fhir/Task", posted).get_json()
    assert write(client, made, status="rejected", statusReason=REASON).status_code == 200
    assert team(client)["status"] == "active"
    assert request_of(client, made)["status"] == "active"


def test_a_refusal_keeps_nothing_of_the_bundle_and_names_the_moves(client: FlaskClient, task: Json) -> None:
    order = request_of(client, task)
    answer = send(client, "POST", "/fhir", bundle(order | {"note": [{"text": "x"}]}, task | {"status": "in-progress"}))
    assert answer.status_code == 422
    (issue,) = answer.get_json()["issue"]
    assert (issue["details"]["coding"][0]["code"], issue["expression"]) == ("loop-move", ["Bundle.entry[1]"])
    assert "accepted, rejected" in issue["diagnostics"]
    assert request_of(client, task)["meta"]["versionId"] == "1"


def test_a_state_of_ecm_that_may_not_follow_is_refused_with_those_that_may(client: FlaskClient, task: Json) -> None:
    write(client, task, status="accepted")
    kept = tasks(client)[0]
    codings = kept["businessStatus"]["coding"]

    def stating(state: str) -> Any:
        said = {"coding": [*codings, {"system": loop.LIFE_CYCLE, "code": state}]}
        return write(client, task, businessStatus=said)

    assert stating("pending-auth").status_code == 200
    refused = stating("screened")
    assert refused.status_code == 422
    assert "authorized, denied" in refused.get_json()["issue"][0]["diagnostics"]
    assert stating("authorized").status_code == 200
    assert loop.state_of(tasks(client)[0]) == "authorized"
    said = {"coding": [*codings, {"system": loop.LIFE_CYCLE, "code": "streamlined"}]}
    assert write(client, task, status="in-progress", businessStatus=said).status_code == 422
    said = {"coding": [*codings, {"system": loop.LIFE_CYCLE, "code": "outreach"}]}
    assert write(client, task, status="in-progress", businessStatus=said).status_code == 200
    assert code_of(tasks(client)[0]["businessStatus"], systems.REFERRAL_STATUS) == "outreach-initiated"


def test_a_transaction_of_both_says_what_it_says(client: FlaskClient, task: Json) -> None:
    order = request_of(client, task) | {"performer": [{"display": "another provider"}]}
    cancelled = task | {"status": "cancelled", "statusReason": REASON}
    assert send(client, "POST", "/fhir", bundle(cancelled, order)).status_code == 200
    kept = request_of(client, task)
    assert (kept["status"], kept["meta"]["versionId"]) == ("active", "2"), "the requester asks another"


def test_a_reason_of_closure_that_nobody_uses_is_refused(client: FlaskClient, task: Json) -> None:
    unknown = {"coding": [{"system": loop.CLOSURE, "code": "tired-of-it"}], "text": "x"}
    answer = write(client, task, status="cancelled", statusReason=unknown)
    assert answer.status_code == 422
    assert tasks(client)[0]["status"] == "requested"


@pytest.mark.parametrize(("status", "becomes"), [("revoked", "cancelled"), ("entered-in-error", "entered-in-error")])
def test_a_request_that_is_withdrawn_withdraws_its_tasks(
    client: FlaskClient, task: Json, status: str, becomes: str
) -> None:
    order = request_of(client, task)
    assert send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", order | {"status": status}).status_code == 200
    kept = tasks(client)[0]
    assert (kept["status"], kept["statusReason"]["text"]) == (becomes, "the request was withdrawn")
    assert request_of(client, task)["status"] == status
    late = send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", order | {"note": [{"text": "late"}]})
    assert (late.status_code, late.get_json()["status"]) == (200, status), "as it was before sets nothing back"
    reopened = send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", late.get_json() | {"status": "active"})
    assert reopened.status_code == 422
    assert "replaces" in reopened.get_json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("status", ["on-hold", "completed"])
def test_a_request_that_is_held_or_completed_leaves_its_task_to_the_target(
    client: FlaskClient, task: Json, status: str
) -> None:
    order = request_of(client, task)
    held = send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", order | {"status": status})
    assert (held.status_code, tasks(client)[0]["status"]) == (200, "requested")
    write(client, task, status="accepted")
    write(client, task, status="completed")
    assert request_of(client, task)["status"] == "completed"


def test_what_ended_before_its_request_was_withdrawn_keeps_its_own_ending(client: FlaskClient, task: Json) -> None:
    """Who mirrors both sends the request first."""
    accepted = write(client, task, status="accepted").get_json()["lastModified"]
    order = request_of(client, task)
    send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", order | {"status": "revoked"})
    assert tasks(client)[0]["status"] == "cancelled"
    later = write(client, task, status="completed")
    assert later.status_code == 422, "a withdrawal holds"
    failed = write(client, task, status="failed", statusReason=REASON, lastModified=accepted)
    assert (failed.status_code, failed.get_json()["status"]) == (200, "failed")
    assert request_of(client, task)["status"] == "revoked"


def test_what_is_imported_whole_has_no_consequences(client: FlaskClient) -> None:
    refer(client)
    made = tasks(client)[0] | {"id": "old", "status": "completed", "statusReason": REASON}
    made["businessStatus"] = {"coding": [{"system": systems.REFERRAL_STATUS, "code": "loop-closed"}]}
    assert send(client, "PUT", "/fhir/Task/old", made).status_code == 201
    assert request_of(client, made)["status"] == "active"


@pytest.mark.parametrize("ended", [one for one, _ in ENDED_WAYS])
def test_a_mistake_can_be_taken_back_after_the_loop_was_closed(client: FlaskClient, task: Json, ended: str) -> None:
    close(client, task, ended)
    reported = tasks(client)[0]["businessStatus"]
    present = {k: v for k, v in tasks(client)[0].items() if k != "statusReason"}
    answer = send(client, "PUT", f"/fhir/Task/{task['id']}", present | {"status": "entered-in-error"})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "entered-in-error"), answer.data
    assert tasks(client)[0]["businessStatus"] == reported, "a mistake is not reported: it keeps what was said last"
    assert request_of(client, task)["status"] == "entered-in-error"


@pytest.mark.parametrize("ended", [one for one, _ in ENDED_WAYS])
def test_a_request_entered_in_error_takes_its_closed_task_with_it(client: FlaskClient, task: Json, ended: str) -> None:
    close(client, task, ended)
    order = request_of(client, task)
    answer = send(client, "PUT", f"/fhir/ServiceRequest/{order['id']}", order | {"status": "entered-in-error"})
    assert answer.status_code == 200, answer.data
    assert tasks(client)[0]["status"] == "entered-in-error"
