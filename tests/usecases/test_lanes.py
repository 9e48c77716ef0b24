"""In which lane a change is delivered: versions of one resource never overtake each other, whatever they came with."""

from __future__ import annotations

from typing import Any

from gateway.ports import Caller
from gateway.store import SqlStore
from gateway.usecases.services import Services
from gateway.usecases.transaction import transaction
from gateway.usecases.update import update

Json = dict[str, Any]
BASE = "http://127.0.0.1:8080/fhir"


def patient(id: str) -> Json:
    return {"resourceType": "Patient", "id": id, "name": [{"family": "Zanzibarovna"}], "gender": "female"}


def request(id: str, member: str, **more: Any) -> Json:
    head = {"resourceType": "ServiceRequest", "id": id, "status": "active", "intent": "order"}
    return {**head, "code": {"text": "ECM"}, "subject": {"reference": f"Patient/{member}"}, **more}


def keep(services: Services, caller: Caller, *resources: Json) -> None:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    transaction({"resourceType": "Bundle", "entry": entries}, caller, services=services, base=BASE)


def lanes(services: Services, caller: Caller) -> dict[str, set[str]]:
    """Resource -> the lanes of all its versions."""
    assert isinstance(services.store, SqlStore)
    found: dict[str, set[str]] = {}
    for one in services.store.outbox.list(caller):
        found.setdefault(f"{one.owed.type}/{one.owed.id}", set()).add(one.owed.member)
    return found


def test_two_members_in_one_transaction_have_a_lane_each(services: Services, caller: Caller) -> None:
    keep(services, caller, patient("a"), patient("b"), request("ra", "a"), request("rb", "b"))
    update(request("rb", "b", priority="urgent"), caller, type="ServiceRequest", id="rb", services=services)
    assert lanes(services, caller) == {
        "Patient/a": {"Patient/a"},
        "Patient/b": {"Patient/b"},
        "ServiceRequest/ra": {"Patient/a"},
        "ServiceRequest/rb": {"Patient/b"},
    }
