"""A FHIR server that notifies by R4 Subscription writes to our webhook as if it were a server, and shows a token."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway.ports import Caller
from gateway.settings import Settings
from gateway.usecases.poll_partner import CONTENT_TYPE, bundle_of
from tests.subscriptions.conftest import SECRET, WEBHOOKS, Rig
from tests.subscriptions.inbound.conftest import CALLER, Desk, notification, task

TOKEN, OLD = "county-" + "t" * 32, "county-" + "o" * 32
JSON = "application/fhir+json"
POLLER = Caller("system:poll")
BASE = "https://county.example/r4"
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    token = f'tokens = ["{TOKEN}", "{OLD}"]'
    hooks = "".join(f"[hooks.{name}]\n{token}\n" for name in ("silent", "both"))
    hooks += f'secrets = ["{SECRET}"]\n[hooks.county]\n{token}\naccepts = ["Task", "Patient"]\n'
    (tmp_path / "webhooks.toml").write_text(WEBHOOKS + hooks)
    polled = f'[county]\nkind = "fhir_server"\nbase_url = "{BASE}"\npoll = ["Task"]\n'
    (tmp_path / "partners.toml").write_text(polled)
    return replace(settings, partners=tmp_path / "partners.toml")


@pytest.fixture
def desk(rig: Rig) -> Desk:
    made = Desk(rig)
    made.partner.bases["county"] = BASE
    return made


def told(desk: Desk, resource: dict[str, Any], *, token: str = TOKEN, **headers: str) -> TestResponse:
    """An update at the service base that our webhook is taken for."""
    shown = {"Authorization": f"Bearer {token}", "Accept": f"{JSON};q=1.0, application/json+fhir;q=0.9"} | headers
    path = f"/hooks/county/{resource['resourceType']}/{resource['id']}"
    return desk.rig.client.put(path, data=json.dumps(resource), headers=shown, content_type=f"{JSON}; charset=UTF-8")


def found(desk: Desk, resource: dict[str, Any]) -> None:
    """What a poll finds."""
    whole = [desk.partner.resources["Patient/p9"], resource]
    body = json.dumps(bundle_of(whole, base=BASE, our_ids=False, tasks=True)).encode()
    key, now = f"poll:{resource['meta']['versionId']}", desk.rig.now()
    assert desk.rig.store.inbox.keep(CALLER, partner="county", key=key, content_type=CONTENT_TYPE, body=body, now=now)


def kept(desk: Desk) -> list[Any]:
    """The Task that the partner calls k1."""
    found = desk.rig.get(f"Task?identifier={BASE}|Task/k1")
    return [one["resource"] for one in found.get("entry", [])]


def pinged(desk: Desk, partner: str = "county") -> TestResponse:
    form = "application/x-www-form-urlencoded; charset=UTF-8"  # what HAPI says of no body
    return desk.rig.client.post(
        f"/hooks/{partner}", headers={"Authorization": f"Bearer {TOKEN}", "Accept": JSON}, content_type=form
    )


def test_an_update_is_kept_and_applied_like_a_webhook_and_answered_without_a_body(desk: Desk) -> None:
    """A body would be read as that of a server's answer: what it is, depends on how the sender sent it."""
    for _ in range(2):
        answer = told(desk, task(1))
        assert (answer.status_code, answer.data, answer.content_type) == (204, b"", None)
    assert desk.states() == ["waiting"]
    desk.apply()
    assert [one["description"] for one in kept(desk)] == ["version 1"]


def test_told_and_asked_it_is_one_copy_whichever_came_first(desk: Desk) -> None:
    """The poll keeps what it finds under ids of ours: what the webhook tells must be known for the same."""
    desk.partner.resources["Patient/p9"] = {"resourceType": "Patient", "id": "p9", "gender": "female"}
    theirs: dict[str, Any] = {"for": {"reference": "Patient/p9"}}
    for number, way in enumerate([told, found, told, found], 1):
        way(desk, task(number, **theirs))
        desk.apply()
        assert [one["description"] for one in kept(desk)] == [f"version {number}"]
    told(desk, task(3, **theirs, note=[{"text": "late"}]))
    desk.apply()
    assert [one["description"] for one in kept(desk)] == ["version 4"]
    assert {ending for ending, _ in desk.ended} == {"applied"}
    assert desk.rig.get(f"Patient?identifier={BASE}|Patient/p9")["total"] == 1


def test_who_asks_for_nothing_of_fhir_is_told_what_came_of_it(desk: Desk) -> None:
    said = [told(desk, task(1), Accept=wanted).get_json() for wanted in ("*/*", "application/json", "")]
    assert said == [{"status": "kept"}, {"status": "known"}, {"status": "known"}]


def test_either_token_opens_and_nothing_else_does(desk: Desk) -> None:
    assert told(desk, task(1), token=OLD).status_code == 204
    for header in ("", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", "Bearer ü"):
        answer = told(desk, task(2), Authorization=header)
        assert answer.status_code == 401, header
        assert TOKEN not in answer.text
    assert desk.states() == ["waiting"]
    assert "inbound.refused" in [row["event"] for row in desk.rig.store.audit(CALLER)]


def test_a_partner_with_both_may_show_either(desk: Desk) -> None:
    assert desk.send(task(1), partner="both").status_code == 200
    shown = {"Authorization": f"Bearer {TOKEN}"}
    path = "/hooks/both"
    assert desk.rig.client.post(path, data=json.dumps(task(2)), headers=shown, content_type=JSON).status_code == 200
    assert desk.rig.client.post(path, data=json.dumps(task(3)), content_type=JSON).status_code == 401


def test_a_token_is_no_signature_where_only_signatures_count(desk: Desk) -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    answer = desk.rig.client.post("/hooks/clinic", data=json.dumps(task(1)), headers=shown, content_type=JSON)
    assert answer.status_code == 401


def test_nothing_in_the_body_means_that_the_partner_is_asked_now(desk: Desk) -> None:
    cursors, now = desk.rig.store.cursors, desk.rig.now()
    asked = cursors.claim(POLLER, partner="county", name="Task", now=now, lease_seconds=60)
    assert asked is not None
    assert cursors.settle(asked, through=now, due=now + HOUR)
    for _ in range(2):
        assert pinged(desk).status_code == 204
    assert desk.states() == ["waiting"] * 2, "each may be another change"
    desk.apply()
    assert desk.ended == [("applied", "asked for")] * 2
    assert cursors.claim(POLLER, partner="county", name="Task", now=desk.rig.now(), lease_seconds=60) is not None


def test_while_the_partner_is_being_asked_it_waits(desk: Desk) -> None:
    """What is being read may be older than the change."""
    cursors, now = desk.rig.store.cursors, desk.rig.now()
    asked = cursors.claim(POLLER, partner="county", name="Task", now=now, lease_seconds=60)
    assert asked is not None
    pinged(desk)
    desk.apply()
    assert desk.ended == [("waiting", "transient")]
    assert cursors.settle(asked, through=now, due=now + HOUR)
    desk.rig.later(600)
    desk.apply()
    assert desk.ended[-1] == ("applied", "asked for")
    assert cursors.claim(POLLER, partner="county", name="Task", now=desk.rig.now(), lease_seconds=60) is not None


def test_nothing_from_a_partner_that_is_not_asked_is_parked_for_a_person(desk: Desk) -> None:
    pinged(desk, "silent")
    desk.apply()
    assert [ending for ending, _ in desk.ended] == ["parked"]


def test_an_update_without_a_body_is_no_webhook(desk: Desk) -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    answer = desk.rig.client.put("/hooks/county/Task/k1", headers=shown, content_type="text/plain")
    assert answer.status_code == 415


def notified(desk: Desk, bundle: dict[str, Any], *, partner: str = "county") -> list[tuple[str, str]]:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    answer = desk.rig.client.post(f"/hooks/{partner}", data=json.dumps(bundle), headers=shown, content_type=JSON)
    assert answer.status_code == 200
    desk.apply()
    return desk.ended


def test_a_notification_that_names_nothing_means_that_the_partner_is_asked_now(desk: Desk) -> None:
    bundle = notification("Task/k1")
    bundle["entry"][0]["resource"]["parameter"][-1]["part"].pop()
    assert notified(desk, bundle) == [("applied", "asked for")]
    desk.ended.clear()
    assert [ending for ending, _ in notified(desk, bundle, partner="silent")] == ["parked"]


def test_a_notification_that_names_only_some_of_what_changed_is_parked(desk: Desk) -> None:
    bundle = notification("Task/k1", "Task/k2", carried=(task(1),))
    bundle["entry"][0]["resource"]["parameter"][-1]["part"].pop()
    assert [ending for ending, _ in notified(desk, bundle)] == ["parked"]


def test_what_a_notification_carries_under_the_address_of_its_version_is_not_read_again(desk: Desk) -> None:
    bundle = notification("Task/k1", carried=(task(1),))
    bundle["entry"][1]["fullUrl"] = "Task/k1/_history/1"
    assert [ending for ending, _ in notified(desk, bundle)] == ["applied"]
    assert "Task/k1" not in desk.partner.read_
    assert [one["description"] for one in kept(desk)] == ["version 1"]
