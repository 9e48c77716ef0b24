"""For every invariant of the types a value that meets it and the smallest change that breaks it alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.validation.conftest import NARRATIVE

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "https://ecm-gateway.example/fhir/StructureDefinition/"
ANYTHING = OWN + "test-anything"
UCUM = "http://unitsofmeasure.org"
GONE = object()
"""In a change: the member is left out."""


@dataclass(frozen=True)
class Case:
    """`control` is valid; with `change` laid over it just `key` is broken, at `place`. `profile` is checked beside the
    type; `source` is the definition whose invariant it is."""

    key: str
    source: str
    control: Json
    change: Json
    place: str
    profile: str | None = None

    @property
    def broken(self) -> Json:
        made: Json = laid(self.change, self.control)
        return made

    @property
    def name(self) -> str:
        return f"{self.key}-{self.source.rpartition('/')[2]}"


def laid(change: Any, value: Any) -> Any:
    """`value` with `change` laid over it: objects by member, lists by index ({0: ...}), the rest replaced."""
    if not isinstance(change, dict):
        return change
    made = copy.deepcopy(value) if isinstance(value, dict | list) else {}
    for name, inner in change.items():
        if inner is GONE:
            del made[name]
        elif isinstance(made, list) and name == len(made):
            made.append(inner)
        else:
            made[name] = laid(inner, made[name] if isinstance(made, list) or name in made else None)
    return made


# Data types, in an extension that may have any value

ANY_VALUE: Json = {
    "resourceType": "StructureDefinition", "url": ANYTHING, "name": "Anything", "status": "active",
    "kind": "complex-type", "abstract": False, "type": "Extension", "baseDefinition": CORE + "Extension",
    "derivation": "constraint", "context": [{"type": "element", "expression": "Element"}],
    "differential": {"element": [{"id": "Extension", "path": "Extension"},
                                 {"id": "Extension.url", "path": "Extension.url", "fixedUri": ANYTHING}]},
}  # fmt: skip
TODAY = "2026-03-02"
_DAYS = {"value": 2, "unit": "days", "system": UCUM, "code": "d"}
_PIECE = {"value": 2, "unit": "x", "system": UCUM, "code": "1"}
_TYPES: tuple[tuple[str, str, Json, Json, str], ...] = (
    ("age-1", "Age", {"value": 3, "system": UCUM, "code": "a"}, {"value": -3}, ""),
    ("att-1", "Attachment", {"contentType": "text/plain", "data": "YQ=="}, {"contentType": GONE}, ""),
    ("cnt-3", "Count", _PIECE, {"value": 2.5}, ""),
    ("cpt-2", "ContactPoint", {"system": "phone", "value": "555-0100"}, {"system": GONE}, ""),
    ("dis-1", "Distance", {"value": 2, "system": UCUM, "code": "km"}, {"system": "urn:oid:1.2.3"}, ""),
    ("drt-1", "Duration", _DAYS, {"system": "urn:oid:1.2.3"}, ""),
    ("qty-3", "Quantity", _DAYS, {"system": GONE}, ""),
    ("per-1", "Period", {"start": "2020", "end": "2021"}, {"end": "2019"}, ""),
    ("rat-1", "Ratio", {"numerator": _PIECE, "denominator": _PIECE}, {"denominator": GONE}, ""),
    ("rng-2", "Range", {"low": _PIECE, "high": _PIECE}, {"low": {"value": 3}}, ""),
    ("exp-1", "Expression", {"language": "text/fhirpath", "expression": "true"}, {"expression": GONE}, ""),
    ("ref-1", "Reference", {"reference": "Patient/1"}, {"reference": "#nobody"}, ""),
    ("drq-1", "DataRequirement", {"type": "Patient", "codeFilter": [{"path": "gender"}]},
     {"codeFilter": {0: {"searchParam": "gender"}}}, ".codeFilter[0]"),
    ("drq-2", "DataRequirement", {"type": "Patient", "dateFilter": [{"path": "birthDate"}]},
     {"dateFilter": {0: {"searchParam": "birthdate"}}}, ".dateFilter[0]"),
    ("trd-1", "TriggerDefinition", {"type": "data-added", "data": [{"type": "Task"}]}, {"timingDate": TODAY}, ""),
    ("trd-2", "TriggerDefinition", {"type": "named-event", "name": "x"},
     {"condition": {"language": "text/fhirpath", "expression": "true"}}, ""),
    ("trd-3", "TriggerDefinition", {"type": "named-event", "name": "x"}, {"name": GONE}, ""),
    *((key, "Timing", {"repeat": repeat}, {"repeat": change}, ".repeat") for key, repeat, change in (
        ("tim-1", {"duration": 1, "durationUnit": "h"}, {"durationUnit": GONE}),
        ("tim-2", {"period": 1, "periodUnit": "d"}, {"periodUnit": GONE}),
        ("tim-4", {"duration": 1, "durationUnit": "h"}, {"duration": -1}),
        ("tim-5", {"period": 1, "periodUnit": "d"}, {"period": -1}),
        ("tim-6", {"period": 1, "periodUnit": "d", "periodMax": 2}, {"period": GONE}),
        ("tim-7", {"duration": 1, "durationUnit": "h", "durationMax": 2}, {"duration": GONE}),
        ("tim-8", {"count": 1, "countMax": 2}, {"count": GONE}),
        ("tim-9", {"when": ["AC"], "offset": 10}, {"when": ["C"]}),
        ("tim-10", {"timeOfDay": ["10:00:00"]}, {"when": ["AC"]}),
    )),
)  # fmt: skip


def of_types() -> Iterator[Case]:
    for key, kind, value, change, place in _TYPES:
        name = "value" + kind
        control = {"resourceType": "Basic", "text": NARRATIVE, "code": {"text": "x"},
                   "extension": [{"url": ANYTHING, name: value}]}  # fmt: skip
        yield Case(key, CORE + kind, control, {"extension": {0: {name: change}}},
                   f"Basic.extension[0].value.ofType({kind}){place}")  # fmt: skip
    control = laid({"extension": [{"url": ANYTHING, "valueString": "x"}]}, control)
    yield Case("ext-1", CORE + "Extension", control,
               {"extension": {0: {"extension": control["extension"]}}}, "Basic.extension[0]")  # fmt: skip
    yield Case("ele-1", CORE + "Element", control, {"subject": {}}, "Basic.subject")
    for key, div in (("txt-1", "<script>x</script>"), ("txt-2", "")):
        change = {"text": {"div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}}
        yield Case(key, CORE + "Narrative", control, change, "Basic.text.div")


# Resource types

PERSON = {"reference": "Patient/p"}
_CODE = {"text": "x"}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


_CONDITION = {"resourceType": "Condition", "clinicalStatus": coded("condition-clinical", "resolved"),
              "verificationStatus": coded("condition-ver-status", "confirmed"), "code": _CODE, "subject": PERSON,
              "category": [coded("condition-category", "problem-list-item")]}  # fmt: skip
_ENTRY = {"fullUrl": "https://ecm-gateway.example/fhir/Basic/1",
          "resource": {"resourceType": "Basic", "id": "1", "text": NARRATIVE, "code": _CODE}}  # fmt: skip
_BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [_ENTRY]}
_SEARCHSET = {"resourceType": "Bundle", "type": "searchset", "total": 1,
              "entry": [{**_ENTRY, "search": {"mode": "match"}}],
              "link": [{"relation": "self", "url": "https://ecm-gateway.example/fhir/Basic"}]}  # fmt: skip
_BATCH = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Basic/1"}}]}
_ANSWERS = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "200"}}]}
_DOCUMENT = {
    "resourceType": "Bundle", "type": "document", "timestamp": "2026-03-02T09:30:00Z",
    "identifier": {"system": "https://ecm-gateway.example/documents", "value": "1"},
    "entry": [{"fullUrl": "https://ecm-gateway.example/fhir/Composition/1", "resource": {
        "resourceType": "Composition", "id": "1", "text": NARRATIVE, "status": "final", "type": _CODE, "date": TODAY,
        "title": "x", "author": [{"display": "x"}]}}],
}  # fmt: skip
_MESSAGE = {
    "resourceType": "Bundle", "type": "message",
    "entry": [{"fullUrl": "https://ecm-gateway.example/fhir/MessageHeader/1", "resource": {
        "resourceType": "MessageHeader", "id": "1", "text": NARRATIVE, "eventUri": "https://ecm-gateway.example/event",
        "source": {"endpoint": "https://ecm-gateway.example"}}}],
}  # fmt: skip
_CONTAINING = {"resourceType": "Basic", "code": _CODE, "author": {"reference": "#o"},
               "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}]}  # fmt: skip
_ORGANIZATION = {"resourceType": "Organization", "name": "x",
                 "telecom": [{"system": "phone", "value": "1", "use": "work"}],
                 "address": [{"use": "work", "text": "x"}]}  # fmt: skip
_TASK = {"resourceType": "Task", "status": "requested", "intent": "order", "authoredOn": "2026-03-02",
         "lastModified": "2026-03-03"}  # fmt: skip
_ORDER = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": PERSON, "code": _CODE,
          "orderDetail": [_CODE]}  # fmt: skip
_GOAL = {"resourceType": "Goal", "lifecycleStatus": "active", "description": _CODE, "subject": PERSON,
         "target": [{"measure": _CODE, "detailString": "x"}]}  # fmt: skip
_ANSWERED = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "https://e.example/q|1",
             "item": [{"linkId": "1", "answer": [{"valueString": "x"}]}]}  # fmt: skip
_TEAM = {"resourceType": "CareTeam", "contained": [{"resourceType": "Practitioner", "id": "p"},
                                                   {"resourceType": "Organization", "id": "o", "name": "x"}],
         "participant": [{"member": {"reference": "#p"}, "onBehalfOf": {"reference": "#o"}}]}  # fmt: skip
_PLAN = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": PERSON,
         "activity": [{"reference": {"reference": "Task/1"}}]}  # fmt: skip
_RESOURCES: tuple[tuple[str, Json, Json, str], ...] = (
    ("bdl-1", _BUNDLE, {"total": 1}, "Bundle"),
    ("bdl-2", _BUNDLE, {"entry": {0: {"search": {"mode": "match"}}}}, "Bundle"),
    ("bdl-3", _BATCH, {"entry": {0: {**_ENTRY, "request": GONE}}}, "Bundle"),
    ("bdl-4", _ANSWERS, {"entry": {0: {**_ENTRY, "response": GONE}}}, "Bundle"),
    ("bdl-5", _BUNDLE, {"entry": {0: {"resource": GONE}}}, "Bundle.entry[0]"),
    ("bdl-7", _BUNDLE, {"entry": {1: _ENTRY}}, "Bundle"),
    ("bdl-8", _SEARCHSET, {"entry": {0: {"fullUrl": "https://ecm-gateway.example/fhir/Basic/1/_history/1"}}},
     "Bundle.entry[0]"),
    ("bdl-9", _DOCUMENT, {"identifier": {"system": GONE}}, "Bundle"),
    ("bdl-10", _DOCUMENT, {"timestamp": GONE}, "Bundle"),
    ("bdl-11", _DOCUMENT, {"entry": [_ENTRY]}, "Bundle"),
    ("bdl-12", _MESSAGE, {"entry": [_ENTRY]}, "Bundle"),
    ("con-1", {**_CONDITION, "stage": [{"summary": _CODE, "type": _CODE}]}, {"stage": {0: {"summary": GONE}}},
     "Condition.stage[0]"),
    ("con-2", {**_CONDITION, "evidence": [{"code": [_CODE]}]},
     {"evidence": {0: {"code": GONE, "extension": [{"url": ANYTHING, "valueString": "x"}]}}}, "Condition.evidence[0]"),
    ("con-4", {**_CONDITION, "abatementDateTime": "2020"}, {"clinicalStatus": coded("condition-clinical", "active")},
     "Condition"),
    ("con-5", _CONDITION, {"verificationStatus": coded("condition-ver-status", "entered-in-error")}, "Condition"),
    ("cpl-3", _PLAN, {"activity": {0: {"detail": {"status": "scheduled"}}}}, "CarePlan.activity[0]"),
    ("ctm-1", _TEAM, {"participant": {0: {"member": {"reference": "#o"}}, 1: {"member": {"reference": "#p"}}}},
     "CareTeam.participant[0]"),
    ("dom-2", _CONTAINING, {"contained": {0: {
        "contained": [{"resourceType": "Organization", "id": "i", "name": "x"}]}}},
     "Basic.contained[0].contained[0]"),
    ("dom-3", _CONTAINING, {"author": {"reference": "Organization/o"}}, "Basic.contained[0]"),
    ("dom-4", _CONTAINING, {"contained": {0: {"meta": {"versionId": "1"}}}}, "Basic.contained[0]"),
    ("dom-5", _CONTAINING, {"contained": {0: {"meta": {"security": [{"display": "x"}]}}}}, "Basic.contained[0]"),
    ("gol-1", _GOAL, {"target": {0: {"measure": GONE}}}, "Goal.target[0]"),
    ("inv-1", _TASK, {"lastModified": "2026-03-01"}, "Task"),
    ("org-1", _ORGANIZATION, {"name": GONE}, "Organization"),
    ("org-2", _ORGANIZATION, {"address": {0: {"use": "home"}}}, "Organization.address[0]"),
    ("org-3", _ORGANIZATION, {"telecom": {0: {"use": "home"}}}, "Organization.telecom[0]"),
    ("pat-1", {"resourceType": "Patient", "contact": [{"name": {"text": "x"}, "gender": "female"}]},
     {"contact": {0: {"name": GONE}}}, "Patient.contact[0]"),
    ("prr-1", _ORDER, {"code": GONE}, "ServiceRequest"),
    ("qrs-1", _ANSWERED, {"item": {0: {"item": [{"linkId": "1.1"}]}}}, "QuestionnaireResponse.item[0]"),
)  # fmt: skip


def of_resources() -> Iterator[Case]:
    for key, control, change, place in _RESOURCES:
        kind = "DomainResource" if key.startswith("dom-") else control["resourceType"]
        if control["resourceType"] != "Bundle":
            control = {"text": NARRATIVE, **control}
        yield Case(key, CORE + kind, control, change, place)
