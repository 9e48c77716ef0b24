"""Transactions and batches with faults: each is told with its place, and nothing of the whole is kept."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.sent import issues, send, total

Json = dict[str, Any]


def _no_request(entry: Json) -> None:
    del entry["request"]


def _method(entry: Json) -> None:
    entry["request"]["method"] = "DELETE"


def _elsewhere(entry: Json) -> None:
    entry["request"]["url"] = "http://elsewhere.example/fhir/ServiceRequest"


def _up(entry: Json) -> None:
    entry["request"]["url"] = "../health/live"


def _operation(entry: Json) -> None:
    entry["request"]["url"] = "$export"


def _bundle(entry: Json) -> None:
    entry["request"]["url"] = "Bundle"
    entry["resource"] = {"resourceType": "Bundle", "type": "batch"}


def _other_type(entry: Json) -> None:
    entry["request"]["url"] = "CarePlan"


def _no_resource(entry: Json) -> None:
    del entry["resource"]


def _unknown_urn(entry: Json) -> None:
    entry["resource"]["subject"] = {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}


def _nobody(entry: Json) -> None:
    entry["resource"]["subject"] = {"reference": "Patient/nobody"}


def _broken(entry: Json) -> None:
    entry["resource"]["status"] = "bogus"


def _stale(entry: Json) -> None:
    entry["request"] |= {"method": "PUT", "url": "ServiceRequest/x", "ifMatch": 'W/"4"'}
    entry["resource"]["id"] = "x"


def _misspelt_condition(entry: Json) -> None:
    entry["request"]["ifNoneExists"] = "identifier=http://hospital.example/mrn|MRN-7"


def _strange_member(entry: Json) -> None:
    entry["Zanzibarovna"] = True


def _of_a_search(entry: Json) -> None:
    entry["search"] = {"mode": "match"}


def _id_and_search(entry: Json) -> None:
    entry["request"] |= {"method": "PUT", "url": "ServiceRequest/x?status=active"}
    entry["resource"]["id"] = "x"


FAULTS = {
    _misspelt_condition: (400, "Bundle.entry[{k}].request"),
    _strange_member: (400, "Bundle.entry[{k}]"),
    _of_a_search: (400, "Bundle.entry[{k}]"),
    _id_and_search: (400, "Bundle.entry[{k}].request.url"),
    _no_request: (400, "Bundle.entry[{k}]"),
    _method: (400, "Bundle.entry[{k}].request.method"),
    _elsewhere: (400, "Bundle.entry[{k}].request.url"),
    _up: (400, "Bundle.entry[{k}].request.url"),
    _operation: (400, "Bundle.entry[{k}].request.url"),
    _bundle: (400, "Bundle.entry[{k}].request.url"),
    _other_type: (400, "Bundle.entry[{k}].resource.resourceType"),
    _no_resource: (400, "Bundle.entry[{k}].resource"),
    _unknown_urn: (422, "Bundle.entry[{k}].resource.subject.reference"),
    _nobody: (422, "Bundle.entry[{k}].resource.subject.reference"),
    _broken: (422, "Bundle.entry[{k}].resource.status"),
    _stale: (412, "Bundle.entry[{k}]"),
}


@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_fault_in_entry_k_keeps_nothing_of_n(client: FlaskClient, transaction: Json, fault: Any, k: int) -> None:
    for at in range(2, 5):
        entry = deepcopy(transaction["entry"][1])
        entry["fullUrl"] = f"urn:uuid:9a2f3c60-3c4c-4d1a-8f5e-0d6c1c7d0b0{at}"
        transaction["entry"].append(entry)
    fault(transaction["entry"][k])
    answer = send(client, "POST", "/fhir", transaction)
    status, place = FAULTS[fault]
    assert answer.status_code == status, answer.data
    assert place.format(k=k) in [where for _, where in issues(answer)]
    assert (total(client, "Patient"), total(client, "ServiceRequest")) == (0, 0)


@pytest.mark.parametrize(
    "more", [{"foo": 1}, {"total": 1}, {"implicitRules": "http://x.example/rules"}, {"entries": []}]
)
@pytest.mark.parametrize("type", ["batch", "transaction"])
def test_what_a_bundle_does_not_have_is_refused(client: FlaskClient, transaction: Json, type: str, more: Json) -> None:
    answer = send(client, "POST", "/fhir", {**transaction, "type": type, **more})
    assert (answer.status_code, issues(answer)) == (400, [("structure", "Bundle")])
    assert total(client, "Patient") == 0


def test_a_misspelt_condition_is_recognised(client: FlaskClient, transaction: Json) -> None:
    _misspelt_condition(transaction["entry"][0])
    answer = send(client, "POST", "/fhir", {**transaction, "type": "batch"})
    refused, _ = (entry["response"] for entry in answer.get_json()["entry"])
    assert refused["status"] == "400 Bad Request"
    assert "Did you mean ifNoneExist?" in refused["outcome"]["issue"][0]["details"]["text"]


def test_every_problem_is_listed_at_once(client: FlaskClient, transaction: Json) -> None:
    transaction["entry"].append(deepcopy(transaction["entry"][1]) | {"fullUrl": "urn:uuid:x"})
    _broken(transaction["entry"][1])
    _nobody(transaction["entry"][2])
    _broken(transaction["entry"][2])
    places = [where for _, where in issues(send(client, "POST", "/fhir", transaction))]
    for place in ("[1].resource.status", "[2].resource.status", "[2].resource.subject.reference"):
        assert f"Bundle.entry{place}" in places
