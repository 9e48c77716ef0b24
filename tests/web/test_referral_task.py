"""A referral's Task moves as the closed loop allows, whoever writes it and by whichever interaction."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import a_referral


@pytest.fixture
def task(client: FlaskClient) -> dict[str, Any]:
    """The Task of a referral that has just come in."""
    assert client.post("/referrals", json=a_referral()).status_code == 201
    found = client.get("/fhir/Task").json
    assert found is not None
    resource: dict[str, Any] = found["entry"][0]["resource"]
    return resource


def put(client: FlaskClient, task: dict[str, Any], **changes: Any) -> Any:
    changed = {k: v for k, v in (task | changes).items() if v is not None}
    return client.put(f"/fhir/Task/{task['id']}", json=changed)


def rules(answer: Any) -> list[str]:
    return [issue["details"]["coding"][0]["code"] for issue in answer.json["issue"]]


def test_a_loop_runs_from_requested_to_completed(client: FlaskClient, task: dict[str, Any]) -> None:
    for number, status in enumerate(["accepted", "in-progress", "completed"], 3):
        answer = put(client, task, status=status, lastModified=ahead(minutes=number))
        assert (answer.status_code, answer.json["status"]) == (200, status)


def test_a_move_that_is_not_open_is_refused_with_those_that_are(client: FlaskClient, task: dict[str, Any]) -> None:
    answer = put(client, task, status="on-hold")
    assert answer.status_code == 422
    assert rules(answer) == ["loop-move", "loop-reason"]
    assert "cancelled, entered-in-error, accepted, rejected" in answer.json["issue"][0]["diagnostics"]
    assert client.get(f"/fhir/Task/{task['id']}").json["status"] == "requested"


def test_a_closed_loop_never_reopens(client: FlaskClient, task: dict[str, Any]) -> None:
    reason = {"text": "no capacity before summer"}
    assert put(client, task, status="rejected", statusReason=reason).status_code == 200
    for status in ("requested", "accepted", "completed"):
        answer = put(client, task, status=status, statusReason=reason)
        assert (answer.status_code, rules(answer)) == (422, ["loop-move"])


def test_time_does_not_run_backwards(client: FlaskClient, task: dict[str, Any]) -> None:
    assert put(client, task, status="accepted", lastModified=ahead(minutes=6)).status_code == 200
    answer = put(client, task, status="in-progress", lastModified=ahead(minutes=5))
    assert (answer.status_code, rules(answer)) == (422, ["loop-time"])


def test_a_transaction_is_no_way_round(client: FlaskClient, task: dict[str, Any]) -> None:
    entry = {"resource": task | {"status": "in-progress"}, "request": {"method": "PUT", "url": f"Task/{task['id']}"}}
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert (answer.status_code, rules(answer)) == (422, ["loop-move"])


def test_cancel_against_complete_is_won_by_the_first_that_saw_the_present(
    client: FlaskClient, task: dict[str, Any]
) -> None:
    put(client, task, status="accepted")
    cancel = task | {"status": "cancelled", "statusReason": {"text": "moved away"}}
    complete = task | {"status": "completed"}
    address, seen = f"/fhir/Task/{task['id']}", {"If-Match": 'W/"2"'}
    assert client.put(address, json=complete, headers=seen).status_code == 200
    assert client.put(address, json=cancel, headers=seen).status_code == 412
    assert client.put(address, json=cancel).status_code == 422


def bare(task: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The Task of a referral as FHIR lets it be posted, with no date of its own and no identifier."""
    names = ("resourceType", "status", "intent", "code", "for", "owner", "focus")
    return {name: task[name] for name in names if name in task} | changes


def test_a_task_that_says_no_date_is_a_loop_like_any_other(client: FlaskClient, task: dict[str, Any]) -> None:
    put(client, task, status="rejected", statusReason={"text": "no capacity before summer"})
    posted = client.post("/fhir/Task", json=bare(task))
    assert posted.status_code == 201
    another = a_referral() | {"key": {"source": "harbor-clinic", "id": "R-2026-0002"}}
    assert client.post("/referrals", json=another).status_code == 201
    listed = client.get("/loops")
    assert listed.status_code == 200
    assert f"Task/{posted.json['id']}" in [name for one in listed.json["loops"] for name in (one["task"], *one["also"])]
    news = {"key": {"source": "x", "id": "n1"}, "party": "target", "task": posted.json["id"], "status": "accepted"}
    assert client.post("/referral-changes", json=news | {"at": "2099-01-01T10:00:00Z"}).status_code == 422
    assert put(client, posted.json, status="accepted").status_code == 200
    assert put(client, posted.json, status="requested").status_code == 422


@pytest.mark.parametrize("status", ["received", "ready"])
def test_a_status_that_no_referral_uses_is_refused_from_the_first_version(
    client: FlaskClient, task: dict[str, Any], status: str
) -> None:
    answer = client.post("/fhir/Task", json=bare(task, status=status))
    assert (answer.status_code, rules(answer)) == (422, ["loop-status"])
    entry = {"resource": bare(task, status=status, id="new"), "request": {"method": "PUT", "url": "Task/new"}}
    answer = client.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert (answer.status_code, rules(answer)) == (422, ["loop-status"])


ODD_TIMES = [
    *("0001-01-01T00:00:00Z", "0001-01-01", "0001", "9999-12-31T23:59:59-12:00", "9999-12", "1582-10-10"),
    *("2016-12-31T23:59:60Z", "2026-03", "2026-03-01", "2026-03-08T02:30:00-08:00"),
]


@pytest.mark.parametrize("name", ["authoredOn", "lastModified"])
@pytest.mark.parametrize("time", ODD_TIMES)
def test_any_time_that_fhir_has_is_a_time_of_a_loop(client: FlaskClient, name: str, time: str) -> None:
    """One Task with an odd time must not take the list of all loops away."""
    assert client.post("/referrals", json=a_referral()).status_code == 201
    first = client.get("/fhir/Task").json["entry"][0]["resource"]
    posted = client.post("/fhir/Task", json=bare(first, **{name: time}))
    if time.startswith("9999") and name == "lastModified":
        assert (posted.status_code, rules(posted)) == (422, ["change-time-future"])
        return
    assert posted.status_code == 201
    assert client.get("/loops").status_code == 200
    news = {"key": {"source": "x", "id": "n1"}, "party": "target", "task": posted.json["id"], "status": "accepted"}
    assert client.post("/referral-changes", json=news | {"at": "2026-03-01T10:00:00Z"}).status_code == 200
    assert put(client, posted.json, status="accepted").status_code in (200, 422)
    another = a_referral() | {"key": {"source": "harbor-clinic", "id": "R-2026-0002"}}
    assert client.post("/referrals", json=another).status_code == 201


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2016-12-31T23:59:60Z"])
def test_news_is_dated_with_a_moment_that_can_be(client: FlaskClient, task: dict[str, Any], at: str) -> None:
    news = {"key": {"source": "x", "id": "n1"}, "party": "target", "task": task["id"], "status": "accepted"}
    assert client.post("/referral-changes", json=news | {"at": at}).status_code == 422
    assert client.post("/referrals", json=a_referral() | {"authored": at}).status_code in (201, 422)


@pytest.mark.parametrize("end", ["2025", "2025-03", "2099", "9999-12-31", "0001-01-01T00:00:00Z"])
def test_a_membership_may_end_in_a_month_or_a_year(client: FlaskClient, task: dict[str, Any], end: str) -> None:
    news = {"key": {"source": "x", "id": "n1"}, "party": "target", "task": task["id"], "status": "accepted"}
    who = {
        "provider": {"name": "Alder", "npi": "1234567893"},
        "lead": {"name": {"first": "Ida", "last": "Zanzibarovna"}},
    }
    assert client.post("/referral-changes", json=news | who | {"at": "2026-03-02T10:00:00Z"}).status_code == 200
    team = client.get("/fhir/CareTeam").json["entry"][0]["resource"]
    for one in team["participant"]:
        one["period"] = {"end": end}
    answer = client.put(f"/fhir/CareTeam/{team['id']}", json=team)
    assert answer.status_code in (200, 422)
    assert client.get("/loops").status_code == 200


def ahead(**by: int) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat(timespec="seconds")


@pytest.mark.parametrize("future", ["2099", "2099-01", "2099-01-01", "2099-01-01T00:00:00Z", "11 minutes"])
def test_a_task_that_was_modified_in_the_future_is_refused(
    client: FlaskClient, task: dict[str, Any], future: str
) -> None:
    """By whatever interaction: it would make all later news of its referral stale."""
    future = ahead(minutes=11) if future.endswith("minutes") else future
    kept = client.get(f"/fhir/Task/{task['id']}").json
    moved = kept | {"status": "accepted", "lastModified": future}
    still = kept | {"lastModified": future}
    new = bare(task, lastModified=future)
    put_it = {"method": "PUT", "url": f"Task/{task['id']}"}
    answers = [
        client.put(f"/fhir/Task/{task['id']}", json=moved),
        client.put(f"/fhir/Task/{task['id']}", json=still),
        client.put(f"/fhir/Task?_id={task['id']}", json=moved),
        client.post("/fhir/Task", json=new),
        client.put("/fhir/Task/a-new-one", json=new | {"id": "a-new-one"}),
        transaction(client, moved, put_it),
        transaction(client, new, {"method": "POST", "url": "Task"}),
    ]
    assert [(one.status_code, rules(one)) for one in answers] == 7 * [(422, ["change-time-future"])]
    entry = {"resource": moved, "request": put_it}
    batch = client.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json
    assert batch["entry"][0]["response"]["status"].startswith("422")
    assert client.get(f"/fhir/Task/{task['id']}").json == kept
    assert len(client.get("/fhir/Task").json["entry"]) == 1


def transaction(client: FlaskClient, resource: dict[str, Any], request: dict[str, str]) -> Any:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": resource, "request": request}]}
    return client.post("/fhir", json=bundle)


def test_clocks_may_differ_a_little(client: FlaskClient, task: dict[str, Any]) -> None:
    assert put(client, task, status="accepted", lastModified=ahead(minutes=5)).status_code == 200
    kept = client.get(f"/fhir/Task/{task['id']}").json
    assert client.put(f"/fhir/Task/{task['id']}", json=kept | {"note": [{"text": "told"}]}).status_code == 200


def test_a_task_of_the_future_that_is_kept_already_does_not_make_all_news_stale(
    client: FlaskClient, task: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:  # a version kept before such were refused
        before.setattr("gateway.usecases.written_loop.require_task_past", lambda *_, **__: None)
        assert put(client, task, status="accepted", lastModified="2099-01-01T00:00:00Z").status_code == 200
    news = {"key": {"source": "x", "id": "n1"}, "party": "target", "task": task["id"], "status": "in-progress"}
    time.sleep(1)  # news has whole seconds, versions have milliseconds
    assert client.post("/referral-changes", json=news | {"at": ahead()}).status_code == 200
    kept = client.get(f"/fhir/Task/{task['id']}").json
    assert (kept["status"], kept["lastModified"] < "2099") == ("in-progress", True)
