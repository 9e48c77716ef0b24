"""What partners are owed is listed and decided on over HTTP, as by the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

import gateway.store
from gateway import wiring
from gateway.ports import Caller, Owed
from gateway.settings import Settings
from gateway.store import SqlStore
from tests.web.sent import issues

Json = dict[str, Any]
CALLER = Caller("test")
NOW = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)


@pytest.fixture
def store(settings: Settings, client: FlaskClient) -> Iterator[SqlStore]:
    """Two partners are owed something: of the first's, one delivery is parked and another waits behind it."""
    with ExitStack() as stack:
        store = gateway.store.open(settings.database, clock=wiring.now)
        stack.callback(store.close)
        with store.begin(CALLER) as tx:
            tx.owe([Owed("ehr", "Patient/1", "resource", "Task", name, 1) for name in ("a", "b")])
            tx.owe([Owed("plan", "Patient/1", "resource", "Task", "a", 1)])
        with store.begin(Caller("test", tenant="another")) as tx:
            tx.owe([Owed("ehr", "Patient/9", "resource", "Task", "z", 1)])
        for one in store.outbox.claim("w", now=wiring.now(), limit=9, lease_seconds=9):
            if (one.owed.partner, one.tenant) == ("ehr", "default"):
                store.outbox.park(one, now=NOW, reason="http-422")
        yield store


def get(client: FlaskClient, path: str) -> Json:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (200, "application/json"), answer.data
    found: Json = answer.get_json()
    return found


def test_it_is_listed_by_state_and_partner_of_ones_own_tenant(client: FlaskClient, store: SqlStore) -> None:
    every = get(client, "/outbox")
    assert [(one["partner"], one["reference"]) for one in every["deliveries"]] == [
        ("ehr", "Task/a/_history/1"),
        ("ehr", "Task/b/_history/1"),
        ("plan", "Task/a/_history/1"),
    ]
    assert every["counts"] == {"ehr": {"parked": 1, "waiting": 1}, "plan": {"sending": 1}}
    (parked,) = get(client, "/outbox?state=parked")["deliveries"]
    assert (parked["state"], parked["reason"], parked["attempts"]) == ("parked", "http-422", 1)
    assert get(client, f"/outbox/{parked['id']}") == parked
    theirs = get(client, "/outbox?partner=plan&count=1")
    assert [one["partner"] for one in theirs["deliveries"]] == ["plan"], "however many are owed to others before"
    assert theirs["counts"] == {"plan": {"sending": 1}}
    assert get(client, "/outbox?partner=nobody") == {"counts": {}, "deliveries": []}


def test_a_person_retries_what_is_parked_once(client: FlaskClient, store: SqlStore) -> None:
    (parked,) = get(client, "/outbox?state=parked")["deliveries"]
    answer = client.post(f"/outbox/{parked['id']}/retry")
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["attempts"]) == (200, "waiting", 0)
    again = client.post(f"/outbox/{parked['id']}/retry")
    assert (again.status_code, issues(again)) == (409, [("conflict", None)])
    assert [row["event"] for row in store.audit(CALLER)].count("outbox.release") == 1


def test_a_person_drops_it_with_a_reason(client: FlaskClient, store: SqlStore) -> None:
    (parked,) = get(client, "/outbox?state=parked")["deliveries"]
    path = f"/outbox/{parked['id']}/drop"
    for wrong in ({}, {"reason": ""}, {"reason": " "}, {"reason": 7}, {"reason": "x" * 501}, {"reason": "a\nb"}):
        answer = client.post(path, json=wrong)
        assert (answer.status_code, issues(answer)) == (400, [("required", "reason")]), wrong
    for wrong_shape in ([], {"reason": "x", "why": "y"}):
        assert client.post(path, json=wrong_shape).status_code == 400
    assert client.post(path, data="reason=x", content_type="text/plain").status_code == 415
    assert get(client, f"/outbox/{parked['id']}")["state"] == "parked"
    dropped = client.post(path, json={"reason": "sent by fax"}).get_json()
    assert (dropped["state"], dropped["reason"]) == ("dropped", "sent by fax")


@pytest.mark.parametrize("query", ["?state=lost", "?count=0", "?count=1001", "?count=many", "?color=blue"])
def test_a_parameter_that_cannot_be_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/outbox{query}").status_code == 400


def test_another_tenants_delivery_is_not_found(client: FlaskClient, store: SqlStore) -> None:
    (theirs,) = store.outbox.list(Caller("test", tenant="another"))
    assert client.get(f"/outbox/{theirs.id}").status_code == 404
    assert client.post(f"/outbox/{theirs.id}/retry").status_code == 404
    assert client.post(f"/outbox/{theirs.id}/drop", json={"reason": "x"}).status_code == 404
