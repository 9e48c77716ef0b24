"""Bundles, references and contained resources."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json, profile

Faults = Callable[..., list[tuple[str | None, str | None]]]
P, O = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873d-ec9a-4326-a141-556f43239521"  # noqa: E741


def entry(url: str | None, resource: Json, **more: Any) -> Json:
    return ({"fullUrl": url} if url else {}) | {"resource": {"text": NARRATIVE, **resource}, **more}


def bundle(kind: str, *entries: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": kind, **more} | ({"entry": list(entries)} if entries else {})


def asked(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    """An entry that asks something of a server."""
    held = {} if resource is None else entry(None, resource)
    return {**held, "request": {"method": method, "url": url}, **more}


def watched(subject: str) -> Json:
    return {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": subject}}


PERSON: Json = {"resourceType": "Patient", "managingOrganization": {"reference": O}}
ORGANIZATION: Json = {"resourceType": "Organization", "name": "A plan"}
SELF = {"relation": "self", "url": "https://a.example/fhir/Organization?name=x"}


def test_a_collection_with_references_inside(faults: Faults) -> None:
    assert faults(bundle("collection", entry(P, PERSON), entry(O, ORGANIZATION))) == []


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (bundle("collection", entry(None, ORGANIZATION)), "bundle-fullurl"),
        (bundle("collection", entry("Organization/1", ORGANIZATION)), "bundle-fullurl"),
        (bundle("collection", entry("http://a.example/Organization/1", ORGANIZATION)), "bundle-fullurl"),
        (bundle("collection", entry("http://a.example/Patient/1", {**ORGANIZATION, "id": "1"})), "bundle-fullurl"),
        (bundle("collection", entry(P, PERSON), entry(O, {"resourceType": "Device"})), "reference-target"),
        (bundle("collection", entry(P, PERSON), entry(O, ORGANIZATION), entry(O, ORGANIZATION)), "bdl-7"),
        (bundle("transaction", entry(O, ORGANIZATION)), "bdl-3"),
        (bundle("collection", entry(O, ORGANIZATION), total=1), "bdl-1"),
        (bundle("document", entry(O, ORGANIZATION)), "bdl-11"),
        (bundle("message", entry(O, ORGANIZATION)), "bdl-12"),
        (
            bundle("searchset", entry(O, ORGANIZATION, search={"mode": "outcome"})),
            "search-outcome",
        ),
        (bundle("searchset", entry(O, ORGANIZATION, search={"mode": "match"})), "search-id"),
        (
            bundle(
                "searchset",
                entry("http://a.example/Organization/1", {**ORGANIZATION, "id": "1"}, search={"mode": "match"}),
                link=[{"relation": "self", "url": "http://a.example/Patient?name=x"}],
            ),
            "search-type",
        ),
        (bundle("nonsense", entry(O, ORGANIZATION)), "binding-required"),
        (bundle("searchset", link=[SELF, SELF]), "bundle-link"),
        (bundle("history", asked("DELETE", "Patient/1", response={"status": "204"})), "bundle-fullurl"),
        (bundle("collection", entry(P, watched("Patient?identifier=a|b"))), "reference-form"),
        (bundle("transaction", asked("POST", "Patient")), "request-resource"),
        (bundle("batch", asked("PUT", "Patient/1")), "request-resource"),
        (bundle("transaction", asked("PATCH", "Patient/1")), "request-resource"),
        (bundle("transaction", asked("POST", "Observation", PERSON)), "request-url"),
        (bundle("transaction", asked("PUT", "Observation?code=x", PERSON)), "request-url"),
        (bundle("batch", asked("PUT", "Patient/2", {**PERSON, "id": "1"})), "request-url"),
        (bundle("batch-response", {"response": {"status": "OK"}}), "response-status"),
        (bundle("batch-response", {"response": {"status": "2000"}}), "response-status"),
        (bundle("searchset", entry(O, {"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "exception"}]}, search={"mode": "match"})), "search-id"),
    ],
)  # fmt: skip
def test_what_breaks_a_bundle(faults: Faults, made: Json, rule: str) -> None:
    assert rule in [found for found, _ in faults(made)]


@pytest.mark.parametrize(
    "made",
    [
        bundle("searchset", link=[SELF]),
        bundle("searchset", entry(O, ORGANIZATION)),
        bundle("transaction", asked("POST", "Patient", PERSON), asked("PUT", "Patient?identifier=a|b", PERSON)),
        bundle("transaction", entry(P, watched("Patient?identifier=a|b"), request={"method": "POST", "url": "Basic"})),
        bundle("batch", asked("PUT", "/Patient/1", {**PERSON, "id": "1"}), asked("PUT", "Patient/1", PERSON)),
        bundle("batch", asked("POST", "Patient/$match"), asked("POST", "Patient/_search?name=x"), asked("GET", "x")),
        bundle("batch", asked("POST", "Binary", PERSON), asked("DELETE", "Patient/1"), asked("HEAD", "Patient/1")),
        bundle("batch", {**asked("PATCH", "Patient/1"), "resource": {"resourceType": "Parameters"}}),
        bundle("batch-response", {"response": {"status": "200"}}, {"response": {"status": "404 Not Found"}}),
        bundle("history", {"fullUrl": P, **asked("POST", "Patient", response={"status": "201"})}),
    ],
)
def test_what_bundles_may_have(faults: Faults, made: Json) -> None:
    assert faults(made) == []


def test_entries_are_checked_each_by_their_own_profiles(faults: Faults, patient: Json) -> None:
    del patient["gender"]
    patient["managingOrganization"] = {"reference": O}
    found = faults(bundle("collection", entry(P, patient), entry(O, ORGANIZATION)))
    assert found == [("card-min", "Bundle.entry[0].resource")]


DOCUMENT = bundle(
    "document",
    entry(
        "http://a.example/Composition/1",
        {
            "resourceType": "Composition",
            "id": "1",
            "status": "final",
            "type": {"text": "Care plan"},
            "date": "2026-03-02",
            "title": "Care plan",
            "author": [{"reference": "Organization/1"}],
            "section": [{"title": "Who", "entry": [{"reference": "Organization/1"}]}],
        },
    ),
    entry("http://a.example/Organization/1", {**ORGANIZATION, "id": "1"}),
    identifier={"system": "urn:ietf:rfc:3986", "value": P},
    timestamp="2026-03-02T09:30:00-08:00",
)


def test_a_document_holds_what_it_refers_to(faults: Faults) -> None:
    assert faults(DOCUMENT) == []
    broken = copy.deepcopy(DOCUMENT)
    broken["entry"][0]["resource"]["section"][0]["entry"][0]["reference"] = "Organization/2"
    assert faults(broken) == [("document-reference", "Bundle.entry[0].resource.section[0].entry[0]")]


def test_a_document_has_no_entry_that_nothing_leads_to(faults: Faults) -> None:
    stray = copy.deepcopy(DOCUMENT)
    stray["entry"].append(entry(O, ORGANIZATION))
    assert faults(stray) == [("bundle-unreachable", "Bundle.entry[2]")]


def test_a_thousand_entries_cost_a_thousand_entries(validator: Validator) -> None:
    def made(count: int) -> Json:
        people = [entry(f"urn:uuid:00000000-0000-0000-0000-{n:012}", PERSON) for n in range(count)]
        return bundle("collection", *people, entry(O, ORGANIZATION))

    def seconds(resource: Json) -> float:
        best = 9.0
        for _ in range(3):
            started = time.thread_time()
            assert [i for i in validator.check(resource) if i.is_error] == []
            best = min(best, time.thread_time() - started)
        return best

    small, large = made(100), made(1000)
    seconds(small)
    assert seconds(large) < 30 * seconds(small)


@pytest.mark.parametrize(
    ("contained", "rule"),
    [
        ([{"resourceType": "Practitioner", "id": "other"}], "ref-1"),
        ([{"resourceType": "Practitioner", "name": [{"text": "x"}]}], "contained-id"),
        ([{"resourceType": "Practitioner", "id": "dr", "meta": {"versionId": "1"}}], "dom-4"),
        ([{"resourceType": "Practitioner", "id": "dr", "meta": {"security": [{"code": "R"}]}}], "dom-5"),
        (
            [{"resourceType": "Practitioner", "id": "dr", "contained": [{"resourceType": "Group", "id": "g"}]}],
            "dom-2",
        ),
        ([{"resourceType": "Practitioner", "id": "dr"}, {"resourceType": "Patient", "id": "p"}], "dom-3"),
        ([{"resourceType": "Practitioner", "id": "dr"}, {"resourceType": "Patient", "id": "dr"}], "contained-id"),
        ([{"resourceType": "Medication", "id": "dr"}], "reference-target"),
        ([{"id": "dr"}], "resource-type"),
    ],
)
def test_contained_resources(faults: Faults, service_request: Json, contained: list[Json], rule: str) -> None:
    del service_request["meta"]
    service_request["contained"] = contained
    assert rule in [found for found, _ in faults(service_request)]


@pytest.mark.parametrize(
    ("contained", "rule"),
    [
        ([{"resourceType": "Practitioner"}], "contained-id"),
        ([{"resourceType": "Zebra", "id": "dr"}], "resource-type"),
        ([{"id": "dr"}], "resource-type"),
        ({"resourceType": "Practitioner", "id": "dr"}, "json-array"),
        ([{"resourceType": "Practitioner", "id": "dr", "qualification": [{"code": {"text": "x"}, "issuer": {
            "reference": "#o"}}], "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}]}], "dom-2"),
    ],
)  # fmt: skip
def test_a_fault_of_a_contained_resource_is_told_once(
    faults: Faults, service_request: Json, contained: Any, rule: str
) -> None:
    del service_request["meta"]
    service_request["contained"] = contained
    assert [found for found, _ in faults(service_request)] == [rule]


def test_contained_resources_that_refer_to_each_other_end(faults: Faults) -> None:
    looped = {
        "resourceType": "Patient", "link": [{"other": {"reference": "#a"}, "type": "seealso"}],
        "contained": [
            {"resourceType": "Patient", "id": "a", "link": [{"other": {"reference": "#b"}, "type": "seealso"}]},
            {"resourceType": "Patient", "id": "b", "link": [{"other": {"reference": "#a"}, "type": "seealso"}]},
        ],
    }  # fmt: skip
    me = profile("Patient", [{"id": "Patient.link", "path": "Patient.link", "min": 1}, {
        "id": "Patient.link.other", "path": "Patient.link.other",
        "type": [{"code": "Reference", "targetProfile": ["https://ecm-gateway.example/fhir/StructureDefinition/loop"]}],
    }], name="loop")  # fmt: skip
    validator = Validator.load([], resources=[me])
    assert [i for i in validator.check(looped, profiles=[me["url"]]) if i.is_error] == []


@pytest.mark.parametrize(
    ("manner", "reference", "rules"),
    [
        (["contained"], "#dr", []),
        (["contained"], "Practitioner/1", ["reference-aggregation"]),
        (["referenced"], "#dr", ["reference-aggregation"]),
        (["referenced"], "Practitioner/1", []),
    ],
)
def test_aggregation(service_request: Json, manner: list[str], reference: str, rules: list[str]) -> None:
    del service_request["meta"]
    service_request["requester"] = {"reference": reference}
    if reference[0] != "#":
        del service_request["contained"]
    definition = profile("ServiceRequest", [{
        "id": "ServiceRequest.requester", "path": "ServiceRequest.requester",
        "type": [{"code": "Reference", "aggregation": manner,
                  "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Practitioner"]}],
    }])  # fmt: skip
    validator = Validator.load([], resources=[definition])
    found = validator.check(service_request, profiles=[definition["url"]])
    assert [i.rule for i in found if i.is_error] == rules


@pytest.mark.parametrize(
    ("kind", "relations", "expected"),
    [
        ("searchset", ["self", "next"], []),
        ("searchset", ["self", "next", "next"], ["bundle-link"]),
        ("searchset", ["self", "self"], ["bundle-link"]),
        ("searchset", ["self", "related", "related"], []),
        ("collection", ["self", "self"], ["bundle-link"]),
    ],
)
def test_links_of_a_bundle_are_not_repeated(kind: str, relations: list[str], expected: list[str]) -> None:
    url = "http://a.example/fhir/Patient"
    entry = {"fullUrl": f"{url}/1", "resource": {"resourceType": "Patient", "id": "1", "text": NARRATIVE}}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry],
              "link": [{"relation": relation, "url": url} for relation in relations]}  # fmt: skip
    assert [one.rule for one in Validator.load().check(bundle) if one.is_error] == expected


@pytest.mark.parametrize(
    ("score", "expected"), [(0, []), (1, []), (0.5, []), (1.5, ["search-score"]), (-1, ["search-score"])]
)
def test_the_score_of_a_match_is_between_none_and_all(score: float, expected: list[str]) -> None:
    url = "http://a.example/fhir/Patient"
    entry = {"fullUrl": f"{url}/1", "resource": {"resourceType": "Patient", "id": "1", "text": NARRATIVE},
             "search": {"mode": "match", "score": score}}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "self", "url": url}],
              "entry": [entry]}  # fmt: skip
    assert [one.rule for one in Validator.load().check(bundle) if one.is_error] == expected
