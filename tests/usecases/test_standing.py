"""Standing on a record, decision by decision: over the real store, without the web."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.ports import Caller
from gateway.usecases.parties import covers, member_in, parties
from gateway.usecases.services import Services, Subscriber
from gateway.usecases.standing import Outside, Standing

Json = dict[str, Any]
NPI = "http://hl7.org/fhir/sid/us-npi"
ALDER = Subscriber("alder", organizations=frozenset([f"{NPI}|1"]))
NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)
MEMBER = {"reference": "Patient/p"}
LOGICAL = {"identifier": {"system": NPI, "value": "1"}}
PLACES: list[tuple[str, Json]] = [
    ("by identifier", LOGICAL),
    ("an organization", {"reference": "Organization/o"}),
    ("a version of it", {"reference": "Organization/o/_history/1"}),
    ("a role there", {"reference": "PractitionerRole/r"}),
    ("a service of it", {"reference": "HealthcareService/h"}),
    ("a team that it manages", {"reference": "CareTeam/t"}),
]


def kept(services: Services, caller: Caller, *resources: Json) -> list[Any]:
    with services.store.begin(caller) as tx:
        return [tx.put(resource) for resource in resources]


def decide(services: Services, caller: Caller, one: Any, *, partner: Subscriber = ALDER, now: datetime = NOON) -> str:
    decision = Standing(Outside(services.store, caller), now).decide(partner, one)
    return decision.basis if decision.allowed else f"refused: {decision.basis}"


@pytest.fixture
def directory(services: Services, caller: Caller) -> None:
    where = {"reference": "Organization/o"}
    kept(
        services,
        caller,
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Organization", "id": "o", "identifier": [{"system": NPI, "value": "1"}]},
        {"resourceType": "PractitionerRole", "id": "r", "organization": where},
        {"resourceType": "HealthcareService", "id": "h", "providedBy": where},
        {"resourceType": "CareTeam", "id": "t", "status": "inactive", "managingOrganization": [where]},
    )


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("party", [party for _, party in PLACES], ids=[name for name, _ in PLACES])
def test_a_party_is_found_behind_any_reference(party: Json, services: Services, caller: Caller) -> None:
    task = {"resourceType": "Task", "id": "x", "status": "requested", "for": MEMBER, "owner": party}
    (one,) = kept(services, caller, task)
    assert decide(services, caller, one) == "standing: Task.owner"
    assert decide(services, caller, one, partner=Subscriber("b", organizations=frozenset([f"{NPI}|2"]))) == (
        "refused: no-standing"
    )


ON_RECORD: list[tuple[Json, bool]] = [
    ({"resourceType": "Task", "status": "accepted", "for": MEMBER, "owner": LOGICAL}, True),
    ({"resourceType": "Task", "status": "accepted", "for": MEMBER, "requester": LOGICAL}, True),
    ({"resourceType": "Task", "status": "completed", "for": MEMBER, "owner": LOGICAL}, False),
    ({"resourceType": "Task", "status": "draft", "for": MEMBER, "owner": LOGICAL}, False),
    ({"resourceType": "Task", "status": "accepted", "for": {"reference": "Patient/q"}, "owner": LOGICAL}, False),
    ({"resourceType": "ServiceRequest", "status": "active", "subject": MEMBER, "performer": [LOGICAL]}, True),
    ({"resourceType": "ServiceRequest", "status": "on-hold", "subject": MEMBER, "requester": LOGICAL}, True),
    ({"resourceType": "ServiceRequest", "status": "revoked", "subject": MEMBER, "requester": LOGICAL}, False),
    ({"resourceType": "Coverage", "status": "active", "beneficiary": MEMBER, "payor": [LOGICAL]}, True),
    ({"resourceType": "Coverage", "status": "active", "beneficiary": MEMBER, "payor": [LOGICAL],
      "period": {"end": "2026-03-02"}}, True),
    ({"resourceType": "Coverage", "status": "active", "beneficiary": MEMBER, "payor": [LOGICAL],
      "period": {"end": "2026-03-01"}}, False),
    ({"resourceType": "CareTeam", "status": "active", "subject": MEMBER, "participant": [{"member": LOGICAL}]}, True),
    ({"resourceType": "CareTeam", "status": "active", "subject": MEMBER,
      "participant": [{"member": {"display": "x"}, "onBehalfOf": LOGICAL}]}, True),
    ({"resourceType": "CareTeam", "status": "active", "subject": MEMBER,
      "participant": [{"member": LOGICAL, "period": {"start": "2026-03-03"}}]}, False),
    ({"resourceType": "CareTeam", "status": "active", "subject": MEMBER,
      "participant": [{"member": LOGICAL, "period": {"start": "2026-01-01", "end": "2026-02-28"}}]}, False),
    ({"resourceType": "CareTeam", "status": "inactive", "subject": MEMBER,
      "participant": [{"member": LOGICAL}]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("named", "stands"), ON_RECORD)
def test_what_gives_standing_on_the_rest_of_the_record(
    named: Json, stands: bool, services: Services, caller: Caller
) -> None:
    plan = {"resourceType": "CarePlan", "id": "c", "subject": MEMBER}
    _, one = kept(services, caller, named | {"id": "named"}, plan)
    assert decide(services, caller, one).startswith("standing: ") is stands


def test_what_belongs_to_nobodys_record_is_a_directory_and_what_cannot_be_placed_is_refused(
    services: Services, caller: Caller
) -> None:
    task = {"resourceType": "Task", "id": "t", "status": "accepted", "for": MEMBER, "owner": LOGICAL}
    trace = {"resourceType": "Provenance", "id": "v", "target": [{"reference": "Task/t"}]}
    lost = {"resourceType": "Provenance", "id": "w", "target": [{"reference": "Task/nowhere"}]}
    group = {"resourceType": "Group", "id": "g", "member": [{"entity": MEMBER}]}
    found = kept(services, caller, task, trace, lost, group, {"resourceType": "Location", "id": "l"})
    assert [decide(services, caller, one) for one in found] == [
        "standing: Task.owner", "standing: Task.owner", "refused: no-standing", "refused: no-standing", "directory",
    ]  # fmt: skip


OWN = {"source": "urn:ecm-gateway:source:alder:Task/t1:1#2026-03-02T20:00:00+00:00"}


def test_a_partner_hears_what_became_of_its_own_task_though_that_names_no_organization(
    services: Services, caller: Caller
) -> None:
    task = {"resourceType": "Task", "id": "x", "meta": OWN, "status": "requested", "for": MEMBER}
    moved = {name: value for name, value in task.items() if name != "meta"} | {"status": "accepted"}
    patient = {"resourceType": "Patient", "id": "p", "meta": OWN}
    first, person, second = kept(services, caller, task, patient, moved)
    assert decide(services, caller, first) == "standing: its own"
    assert decide(services, caller, second) == "standing: its own", "whoever writes it next"
    assert decide(services, caller, person) == "refused: no-standing", "a member's record is more than a conversation"
    other = Subscriber("alder:Task", organizations=ALDER.organizations)
    assert decide(services, caller, first, partner=other) == "refused: no-standing"


def test_a_partner_is_not_told_of_other_types_and_one_that_says_nothing_is_told_nothing(
    services: Services, caller: Caller
) -> None:
    (one,) = kept(services, caller, {"resourceType": "Organization", "id": "o"})
    types = frozenset(["Task"])
    assert decide(services, caller, one, partner=Subscriber("a", types, everyone=True)) == (
        "refused: not-told-of-this-type"
    )
    (member,) = kept(services, caller, {"resourceType": "Patient", "id": "p"})
    assert decide(services, caller, member, partner=Subscriber("a")) == "refused: no-standing"
    assert decide(services, caller, member, partner=Subscriber("a", everyone=True)) == "everyone"


@pytest.mark.parametrize(
    ("period", "held"),
    [(None, True), ({"start": "2026-03"}, True), ({"start": "2026-03-02T23:00:00-08:00"}, True),
     ({"end": "2025"}, False), ({"end": "2026"}, True), ({"start": "2026-03-03"}, False),
     ({"end": "2026-03-01T10:00:00Z"}, False)],
)  # fmt: skip
def test_both_ends_of_a_period_count(period: Json | None, held: bool) -> None:
    assert covers(period, date(2026, 3, 2)) is held


def test_a_member_may_be_named_by_an_address_elsewhere() -> None:
    there = "https://ehr.example/fhir/Patient/7"
    assert member_in({"resourceType": "Task", "for": {"reference": there}}) == there
    assert member_in({"resourceType": "Group"}) is None
    assert member_in({"resourceType": "Observation", "subject": {"reference": "Location/l"}}) is None
    assert list(parties({"resourceType": "Basic"}, on=date(2026, 3, 2))) == []
