"""Who is owed a change: those with standing on the member's record, when it is owed and again when it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

import gateway.store
from gateway import wiring, wiring_webhooks
from gateway.cli import cli
from gateway.ports import Caller, Message, Owed, Receipt
from gateway.settings import Settings
from gateway.store import SqlStore
from gateway.usecases.deliver import Delivering, deliver
from tests.web.conftest import a_referral
from tests.web.news import hear
from tests.web.sent import send
from tests.web.test_team_rules import ALDER, BIRCH, ODESSA, day

Json = dict[str, Any]
SPEAK = {
    "clinic": 'organizations = ["npi|1234567893"]',
    "plan": 'organizations = ["plan|la-care"]',
    "alder": 'organizations = ["npi|1245319599"]',
    "birch": 'organizations = ["npi|1992999791"]',
    "stranger": 'organizations = ["npi|1679576722", "plan|health-net"]',
    "archive": "everyone = true",
}
TYPES = ["CarePlan", "CareTeam", "Coverage", "Patient", "ServiceRequest", "Task"]
CALLER = Caller("tester")


def listed(**changed: str) -> str:
    speak = SPEAK | changed
    return "".join(f'[{name}]\nkind = "console"\nsend = {json.dumps(TYPES)}\n{how}\n' for name, how in speak.items())


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    settings.partners.write_text(listed())
    with ExitStack() as stack:
        yield stack.enter_context(wiring.running(settings)).test_client()


@pytest.fixture
def store(settings: Settings, client: FlaskClient) -> Iterator[SqlStore]:
    with closing(gateway.store.open(settings.database, clock=wiring.now)) as opened:
        yield opened


@pytest.fixture
def referred(client: FlaskClient) -> FlaskClient:
    assert client.post("/referrals", json=a_referral()).status_code == 201
    return client


def owed(store: SqlStore) -> dict[str, set[str]]:
    """Which types each partner is owed, all told."""
    found: dict[str, set[str]] = {}
    for one in store.outbox.list(CALLER, limit=10_000):
        found.setdefault(one.owed.partner, set()).add(one.owed.type)
    return found


def count(store: SqlStore) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in store.outbox.list(CALLER, limit=10_000):
        found[one.owed.partner] = found.get(one.owed.partner, 0) + 1
    return found


class Recipient:
    def __init__(self, name: str) -> None:
        self.name, self.got = name, list[Json]()

    def send(self, message: Message) -> Receipt:
        self.got.append(json.loads(message.body))
        return Receipt(True)


def sent(store: SqlStore, settings: Settings, *, names: list[str] | None = None) -> dict[str, Recipient]:
    """Deliver all that is owed now; the partners with what they got."""
    told = {name: Recipient(name) for name in SPEAK}
    using = Delivering(
        store, store.outbox, wiring.now, wiring.base_url(settings), wiring_webhooks.subscribers(settings)
    )
    without = [name for name in SPEAK if names is not None and name not in names]
    claim = lambda: store.outbox.claim("w", now=wiring.now(), limit=50, lease_seconds=60, without=without)  # noqa: E731
    while deliveries := claim():
        for one in deliveries:
            deliver(one, partner=told[one.owed.partner], using=using)
    return told


def refused(store: SqlStore, partner: str) -> list[str]:
    found = store.outbox.list(CALLER, state="dropped", limit=1000)
    return [f"{one.owed.type}: {one.reason}" for one in found if one.owed.partner == partner]


def test_a_referral_is_told_to_its_referrer_its_plan_and_nobody_else(referred: FlaskClient, store: SqlStore) -> None:
    assert owed(store).keys() == {"clinic", "plan", "archive"}
    assert owed(store)["clinic"] == owed(store)["archive"] == {"Patient", "Coverage", "ServiceRequest", "Task"}


def test_who_is_named_to_serve_hears_from_then_on_and_of_what_is_open(referred: FlaskClient, store: SqlStore) -> None:
    hear(referred, 1, at=day(3), status="accepted", provider=ALDER)
    assert owed(store)["alder"] == {"CareTeam", "Task", "ServiceRequest", "Coverage", "Patient"}
    assert "birch" not in owed(store)
    before = count(store)["alder"]
    hear(referred, 2, at=day(4), status="in-progress", provider=ALDER, lead=ODESSA)
    assert count(store)["alder"] > before


def test_who_has_left_the_team_is_told_that_and_then_nothing(referred: FlaskClient, store: SqlStore) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    before = count(store)
    hear(referred, 2, at=day(9), provider=BIRCH)
    after = count(store)
    assert after["alder"] == before["alder"] + 1, "the team that it has left"
    assert {"CareTeam", "Task"} <= owed(store)["birch"]
    hear(referred, 3, at=day(12), status="on-hold", reason="moved")
    hear(referred, 4, at=day(13), status="in-progress", provider=BIRCH, lead=ODESSA)
    assert count(store)["alder"] == after["alder"]


def test_a_referrer_whose_referral_is_over_hears_its_end_and_nothing_of_the_rest(
    referred: FlaskClient, store: SqlStore
) -> None:
    before = count(store)["clinic"]
    hear(referred, 1, at=day(3), status="completed")
    assert count(store)["clinic"] == before + 2, "Task and ServiceRequest"
    patient = referred.get("/fhir/Patient").get_json()["entry"][0]["resource"]
    send(referred, "PUT", f"/fhir/Patient/{patient['id']}", patient | {"active": False})
    assert count(store)["clinic"] == before + 2
    assert count(store)["plan"] > before + 2, "the Coverage is in force"


def test_a_plan_that_no_longer_covers_the_member_hears_no_more(referred: FlaskClient, store: SqlStore) -> None:
    coverage = referred.get("/fhir/Coverage").get_json()["entry"][0]["resource"]
    over = coverage | {"period": {"start": "2025-01-01", "end": "2026-01-31"}}
    hear(referred, 1, at=day(3), status="completed")
    send(referred, "PUT", f"/fhir/Coverage/{coverage['id']}", over)
    before = count(store)["plan"]
    patient = referred.get("/fhir/Patient").get_json()["entry"][0]["resource"]
    send(referred, "PUT", f"/fhir/Patient/{patient['id']}", patient | {"active": False})
    assert count(store)["plan"] == before
    assert count(store)["archive"] > before


def test_it_is_decided_again_when_it_is_sent(referred: FlaskClient, store: SqlStore, settings: Settings) -> None:
    hear(referred, 1, at=day(3), status="in-progress", provider=ALDER, lead=ODESSA)
    patient = referred.get("/fhir/Patient").get_json()["entry"][0]["resource"]
    send(referred, "PUT", f"/fhir/Patient/{patient['id']}", patient | {"active": False})
    hear(referred, 2, at=day(9), provider=BIRCH)
    told = sent(store, settings)
    got = [entry["resource"]["resourceType"] for bundle in told["alder"].got for entry in bundle["entry"][-1:]]
    assert set(got) == {"CareTeam"}, "each team that names it, and the one that it has left"
    reasons = refused(store, "alder")
    assert len(reasons) == 5
    assert all("no standing" in reason for reason in reasons)
    assert not refused(store, "birch")
    assert not refused(store, "plan")
    audit = [dict(row) for row in store.audit(CALLER, limit=1000)]
    refusals = [row for row in audit if row["event"] == "deliver" and row["outcome"] == "refused"]
    assert {(row["recipient"], row["basis"]) for row in refusals} == {("alder", "no-standing")}
    grounds = {row["basis"] for row in audit if row["event"] == "deliver" and row["recipient"] == "birch"}
    assert grounds == {"standing: CareTeam.managingOrganization"}


def test_a_refusal_is_explained_in_the_outbox(
    referred: FlaskClient, store: SqlStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.partners.write_text(listed(clinic='organizations = ["npi|1679576722"]'))
    sent(store, settings)
    (first, *_) = [one for one in store.outbox.list(CALLER, state="dropped") if one.owed.partner == "clinic"]
    monkeypatch.setenv("ECM_DATABASE", settings.database)
    shown = CliRunner().invoke(cli, ["outbox", "show", first.id]).output
    assert "dropped" in shown
    assert "refused: no standing: none of the partner's organizations is a party to this" in shown


def test_a_partner_that_is_told_of_a_type_no_more_is_refused(
    referred: FlaskClient, store: SqlStore, settings: Settings
) -> None:
    settings.partners.write_text(listed().replace('"Task"', '"Goal"'))
    sent(store, settings)
    assert refused(store, "archive") == ["Task: refused: the partner is not told of this type any more"]


def test_another_members_record_never_comes_along(client: FlaskClient, store: SqlStore, settings: Settings) -> None:
    client.post("/referrals", json=a_referral())
    other = a_referral() | {
        "key": {"source": "elsewhere", "id": "1"},
        "member": {"name": {"first": "Anna", "last": "Zanzibarovna"}, "birth_date": "1990-01-01", "cin": "90000999B"},
        "referrer": {"name": {"first": "Ida", "last": "Zanzibarovna"}, "organization": {"name": "Elsewhere"}},
        "coverage": {"plan": "anthem"},
    }
    other["member"]["phones"] = [{"number": "+12135550111"}]
    assert client.post("/referrals", json=other).status_code == 201
    found = client.get("/fhir/ServiceRequest").get_json()["entry"]
    mine = next(e["resource"] for e in found if e["resource"]["identifier"][0]["value"] == "R-2026-0001")
    theirs = next(e["resource"] for e in found if e["resource"]["identifier"][0]["value"] == "1")
    changed = mine | {"basedOn": [{"reference": f"ServiceRequest/{theirs['id']}"}]}
    assert send(client, "PUT", f"/fhir/ServiceRequest/{mine['id']}", changed).status_code == 200
    told = sent(store, settings)
    assert b"90000999B" in json.dumps(told["archive"].got).encode()
    assert b"90000999B" not in json.dumps(told["clinic"].got).encode()


def test_a_deletion_is_told_to_those_who_knew(referred: FlaskClient, store: SqlStore, settings: Settings) -> None:
    task = referred.get("/fhir/Task").get_json()["entry"][0]["resource"]
    sent(store, settings)
    with store.begin(CALLER) as tx:
        gone = tx.delete("Task", task["id"])
        names = ("clinic", "stranger")
        tx.owe(Owed(name, task["for"]["reference"], "deleted", "Task", gone.id, gone.version) for name in names)
    told = sent(store, settings)
    assert told["clinic"].got[-1]["entry"] == [{"request": {"method": "DELETE", "url": f"Task/{task['id']}"}}]
    assert not told["stranger"].got


def test_a_fhir_referral_of_organizations_known_elsewhere_is_told(
    client: FlaskClient, store: SqlStore, settings: Settings
) -> None:
    """A party may be named by an identifier alone, or by an address elsewhere."""
    patient = {"resourceType": "Patient", "name": [{"family": "Zanzibarovna"}], "gender": "female"}
    made = send(client, "POST", "/fhir/Patient", patient)
    request = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Enhanced Care Management"},
        "subject": {"reference": made.headers["Location"].split("/fhir/")[1].split("/_history")[0]},
        "requester": {
            "type": "Organization",
            "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"},
        },
    }
    assert send(client, "POST", "/fhir/ServiceRequest", request).status_code == 201
    assert owed(store)["clinic"] == {"ServiceRequest"}
    draft = request | {"status": "draft", "performer": [{"identifier": {"system": "x:y", "value": "1"}}]}
    assert send(client, "POST", "/fhir/ServiceRequest", draft).status_code == 201
