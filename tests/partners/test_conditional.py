"""Servers that give out their own ids: what is sent again is found again, and references lead to what is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.fhir import codec
from gateway.partners import FhirServer
from gateway.partners.conditional import conditional
from gateway.partners.settings import PartnerSettings
from gateway.simulators.fhir import Capabilities, FhirMemory
from gateway.simulators.server import Simulator
from tests.contracts.test_partner import PATIENT, TASK, message

OWN = "https://gateway.example/fhir"
ANSWERS = {"resourceType": "QuestionnaireResponse", "id": "q1", "subject": {"reference": "Patient/p1/_history/3"}}
PROVENANCE = {"resourceType": "Provenance", "id": "v1", "target": [{"reference": "Task/t1"}]}


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(memory=FhirMemory(Capabilities(sender_ids=False))) as running:
        yield running


@pytest.fixture
def partner(server: Simulator) -> Iterator[FhirServer]:
    adapter = FhirServer(PartnerSettings("p", "fhir_server", server.url, exchange="conditional", seconds=60))
    yield adapter
    adapter.close()


def test_such_a_server_refuses_our_ids(server: Simulator) -> None:
    adapter = FhirServer(PartnerSettings("p", "fhir_server", server.url, seconds=60))
    assert adapter.send(message()).reason == "http 405"
    adapter.close()


def test_a_repeat_and_a_new_version_find_what_is_there(server: Simulator, partner: FhirServer) -> None:
    everything = (PATIENT, TASK, ANSWERS, PROVENANCE)
    for _ in range(2):
        assert partner.send(message(*everything)).accepted
    there = dict(server.memory.resources)
    assert sorted(place.partition("/")[0] for place in there) == [
        "Patient",
        "Provenance",
        "QuestionnaireResponse",
        "Task",
    ]
    assert partner.send(message(PATIENT, {**TASK, "status": "accepted"})).accepted
    assert server.memory.resources.keys() == there.keys()
    (task,) = (one for one in server.memory.resources.values() if one["resourceType"] == "Task")
    assert task["status"] == "accepted"
    assert task["for"]["reference"] in there, "the reference is the server's own"
    assert task["identifier"] == [{"system": OWN, "value": "Task/t1"}]


def test_identifiers_of_its_own_stay_and_lead_where_there_is_but_one() -> None:
    own = {"system": "urn:q", "value": "7"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"{OWN}/{one['resourceType']}/{one['id']}",
                "resource": one,
                "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
            }
            for one in (
                {**PATIENT, "identifier": [{"system": "urn:cin", "value": "91234567A"}]},
                {**ANSWERS, "identifier": own},
                {**ANSWERS, "id": "q2", "identifier": {"value": "loose"}},
                PROVENANCE,
            )
        ],
    }
    patient, answers, loose, provenance = conditional(bundle)["entry"]
    assert [i["value"] for i in patient["resource"]["identifier"]] == ["91234567A", "Patient/p1"]
    assert patient["request"]["url"] == f"Patient?identifier={OWN}|Patient/p1"
    assert "id" not in patient["resource"]
    assert "meta" not in patient["resource"]
    assert (answers["resource"]["identifier"], answers["request"]["url"]) == (
        own,
        "QuestionnaireResponse?identifier=urn:q|7",
    )
    assert answers["resource"]["subject"]["reference"] == patient["fullUrl"]
    assert loose["request"]["url"] == f"QuestionnaireResponse?_tag={OWN}|QuestionnaireResponse/q2"
    assert provenance["resource"]["meta"]["tag"] == [{"system": OWN, "code": "Provenance/v1"}]


def test_a_deletion_is_left_to_a_person(partner: FhirServer) -> None:

    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": "Task/t1"}}],
    }
    gone = message().__class__("d2", "changed", "Task/t1/_history/2", codec.write(bundle))
    receipt = partner.send(gone)
    assert (receipt.accepted, receipt.retry) == (False, False)
