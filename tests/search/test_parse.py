"""Requests into queries: what US Core and Gravity name is understood, all that is wrong is said at once."""

from __future__ import annotations

import pytest

from gateway.errors import BadRequest
from gateway.search.dates import interval
from gateway.search.query import (
    MAX_COUNT,
    Chain,
    Ids,
    Include,
    Is,
    Missing,
    Query,
    Reverse,
    Span,
    Target,
    Text,
    Token,
)
from gateway.search.rules import Search

NAMED = {
    "CarePlan": ["patient", "category", "date", "status", "subject", "identifier", "care-team"],
    "CareTeam": ["patient", "status", "role", "participant", "identifier", "date"],
    "ServiceRequest": ["patient", "_id", "status", "category", "code", "authored", "intent", "occurrence", "performer",
                       "requester", "supporting-info", "identifier", "based-on"],
    "Patient": ["_id", "identifier", "name", "birthdate", "death-date", "family", "gender", "given"],
    "Coverage": ["patient", "identifier", "beneficiary", "payor", "status", "type"],
    "Goal": ["patient", "lifecycle-status", "target-date", "description", "category"],
    "Task": ["_id", "code", "patient", "requester", "status", "focus", "_lastUpdated", "owner", "output", "identifier",
             "based-on", "part-of", "intent", "priority", "authored-on", "modified"],
}  # fmt: skip
"""What US Core 6.1.0 and 7.0.0 and Gravity's SDOHCC 3.0.0 search by, and what the gateway itself needs."""


@pytest.mark.parametrize(("type", "param"), [(type, param) for type, params in NAMED.items() for param in params])
def test_what_the_guides_name_is_a_parameter(rules: Search, type: str, param: str) -> None:
    assert param in rules.parameters.of(type)
    assert param in [listed["name"] for listed in rules.capabilities(type)["searchParam"]]


def only(query: Query) -> object:
    (condition,) = query.where
    return condition


@pytest.mark.parametrize(
    ("type", "name", "value", "condition"),
    [
        ("CarePlan", "patient", "p1", Is("patient", (Target(("Patient/p1",)),))),
        ("CarePlan", "patient", "Patient/p1", Is("patient", (Target(("Patient/p1",)),))),
        ("CarePlan", "subject", "p1", Is("subject", (Target(("Group/p1", "Patient/p1")),))),
        ("CarePlan", "subject:Patient", "p1", Is("subject", (Target(("Patient/p1",)),))),
        ("Task", "owner", "https://gateway.example/fhir/Organization/o", Is("owner", (Target(("Organization/o",)),))),
        ("Task", "owner", "https://x.example/Organization/o", Is("owner", (Target(("https://x.example/Organization/o",)),))),
        ("Task", "patient:identifier", "urn:cin|9", Is("patient:identifier", (Token("urn:cin", "9"),))),
        ("Task", "status", "draft,requested", Is("status", (Token(None, "draft"), Token(None, "requested")))),
        ("Task", "status", "http://hl7.org/fhir/task-status|draft", Is("status", (Token(None, "draft"),))),
        ("Patient", "gender", "http://hl7.org/fhir/administrative-gender|male", Is("gender", (Token(None, "male"),))),
        ("Task", "status:not", "draft", Is("status", (Token(None, "draft"),), negated=True)),
        ("Task", "owner:missing", "true", Missing("owner", True)),
        ("Task", "_id", "a,b", Ids(("a", "b"))),
        ("Task", "code", "|fulfill", Is("code", (Token("", "fulfill"),))),
        ("Task", "code", "urn:x|", Is("code", (Token("urn:x", None),))),
        ("Task", "code", r"a\,b\|c\\d", Is("code", (Token(None, r"a,b|c\d"),))),
        ("Patient", "name", "Žán  Zi", Is("name", (Text("zan zi"),))),
        ("Patient", "name:exact", "Ana", Is("name", (Text("ana", "exact", "Ana"),))),
        ("Patient", "name:contains", "NZ", Is("name", (Text("nz", "contains"),))),
        ("Patient", "birthdate", "ge1980", Is("birthdate", (Span("ge", *interval("1980")),))),
        ("ServiceRequest", "patient.identifier", "9",
         Chain("patient", (("Patient", Is("identifier", (Token(None, "9"),))),))),
        ("ServiceRequest", "subject:Patient.birthdate", "1980",
         Chain("subject", (("Patient", Is("birthdate", (Span("eq", *interval("1980")),))),))),
        ("ServiceRequest", "_has:Task:focus:status", "requested",
         Reverse("Task", "focus", Is("status", (Token(None, "requested"),)))),
    ],
)  # fmt: skip
def test_a_condition_means(rules: Search, type: str, name: str, value: str, condition: object) -> None:
    assert only(rules.parse(type, [(name, value)])) == condition


@pytest.mark.parametrize(
    ("type", "name", "value", "code"),
    [
        ("Patient", "nickname", "x", "not-supported"),
        ("Patient", "phonetic", "x", "not-supported"),
        ("Patient", "_filter", "name eq x", "not-supported"),
        ("Patient", "_content", "x", "not-supported"),
        ("Patient", "name:soundex", "x", "not-supported"),
        ("Patient", "identifier:of-type", "a|b|c", "not-supported"),
        ("Patient", "identifier", "a|b|c", "value"),
        ("Patient", "identifier", "|", "value"),
        ("Patient", "name", "", "value"),
        ("Patient", "name", "a,,b", "value"),
        ("Patient", "name", r"a\b", "value"),
        ("Patient", "birthdate", "2024-02-30", "value"),
        ("Patient", "birthdate", "xx2024", "value"),
        ("Patient", "gender", "http://hl7.org/fhir/task-status|male", "value"),
        ("Patient", "gender", "http://hl7.org/fhir/administrative-gender|", "value"),
        ("Patient", "active:missing", "yes", "value"),
        ("Patient", "_id", "a b", "value"),
        ("Observation", "code-value-quantity", "x", "value"),
        ("Observation", "code-value-quantity", "x$y", "value"),
        ("Observation", "code-value-quantity", "x$", "value"),
        ("Observation", "code-value-quantity:not", "x$1", "not-supported"),
        ("Observation", "_sort", "code-value-quantity", "value"),
        ("Patient", "_id:not", "a", "not-supported"),
        ("Patient", "name.family", "x", "not-supported"),
        ("Patient", "_count", "many", "value"),
        ("Patient", "_count", "-1", "value"),
        ("Patient", "_sort", "nickname", "value"),
        ("Patient", "_include", "*", "value"),
        ("Patient", "_include", "Task:owner", "value"),
        ("Patient", "_revinclude", "Provenance:activity", "value"),
        ("Patient", "_summary", "all", "value"),
        ("Task", "focus.status", "active", "not-supported"),
        ("Task", "owner:Patient.owner", "x", "not-supported"),
        ("Task", "output", "p1", "value"),
        ("Task", "patient", "Patient/1/2", "value"),
        ("Task", "subject:Group", "Patient/1", "value"),
        ("CarePlan", "_has:Nothing:x:y", "1", "not-supported"),
        ("CarePlan", "part-of.part-of.part-of.part-of.status", "active", "too-costly"),
    ],
)
def test_what_is_not_understood_is_refused(rules: Search, type: str, name: str, value: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rules.parse(type, [(name, value)])
    (issue,) = refused.value.issues
    assert (issue.code, issue.severity) == (code, "error")
    assert len(value) < 4 or value not in issue.message


def test_everything_wrong_is_said_at_once(rules: Search) -> None:
    with pytest.raises(BadRequest) as refused:
        rules.parse("Patient", [("nick", "1"), ("birthdate", "soon"), ("_count", "x"), ("name:foo", "x")])
    assert len(refused.value.issues) == 4


def test_lenient_leaves_out_unknown_names_and_says_so(rules: Search) -> None:
    query = rules.parse("Patient", [("name", "x"), ("nick", "1")], lenient=True)
    assert query.used == (("name", "x"),)
    assert [(w.severity, "parameter 2" in w.message) for w in query.warnings] == [("warning", True)]
    with pytest.raises(BadRequest):
        rules.parse("Patient", [("birthdate", "soon")], lenient=True)


def test_controls_shape_the_answer(rules: Search) -> None:
    pairs = [
        ("_count", "9999"), ("_sort", "-birthdate,_lastUpdated"), ("_revinclude", "Provenance:target"),
        ("_include:iterate", "Patient:organization"), ("_total", "accurate"), ("_elements", "id,name"),
    ]  # fmt: skip
    query = rules.parse("Patient", pairs)
    assert query.count == MAX_COUNT
    assert [(s.param, s.column, s.descending) for s in query.sort] == [
        ("birthdate", "low", True),
        ("_lastUpdated", "at", False),
    ]
    assert query.includes == (
        Include("Provenance", "target", reverse=True),
        Include("Patient", "organization", iterate=True),
    )
    assert (query.total, query.elements) == ("accurate", ("id", "name"))
    assert rules.parse("Patient", [("_summary", "count")]).counts_only
    assert rules.parse("Patient", [("_count", "0")]).counts_only


def test_a_flood_of_parameters_is_refused(rules: Search) -> None:
    with pytest.raises(BadRequest):
        rules.parse("Patient", [("name", "x")] * 101)
    with pytest.raises(BadRequest):
        rules.parse("Patient", [("gender", ",".join(["male"] * 501))])


def test_what_a_client_may_include_is_listed(rules: Search) -> None:
    told = rules.capabilities("ServiceRequest")
    assert "ServiceRequest:requester" in told["searchInclude"]
    assert "Task:focus" in told["searchRevInclude"]


def test_a_name_that_could_be_a_persons_is_not_repeated(rules: Search) -> None:
    with pytest.raises(BadRequest) as refused:
        rules.parse("Patient", [("Zanzibarovna", "x"), ("90000123A", "x")])
    told = [f"'?' (parameter {number}) is not a search parameter of Patient." for number in (1, 2)]
    assert [issue.message for issue in refused.value.issues] == told


@pytest.mark.parametrize(
    ("type", "name", "told"),
    [
        ("Patient", "brithdate", "'?' (parameter 1) is not a search parameter of Patient. Did you mean birthdate?"),
        ("Patient", "name:zanzibarovna", "'name:?' (parameter 1) has a modifier that a string parameter does not have"),
        ("Patient", "gender:exact", "'gender:exact' has a modifier that a token parameter does not have here."),
        ("Task", "patient.zanzibarovna", "'patient.?' (parameter 1) chains to a parameter that none of the types"),
        ("Task", "patient.name:zanzibarovna", "'patient.name:?' (parameter 1) has a modifier"),
        ("Task", "patient:zanzibarovna.name", "'patient:?.?' (parameter 1) chains to a type"),
        ("Patient", "_has:zanzibarovna:a:b", "'_has:?:?:?' (parameter 1) is not _has:Type:reference:parameter."),
        ("Patient", "_has:Task:zanzibarovna:status", "'_has:Task:?:?' (parameter 1) is not a search parameter of"),
        ("Patient", "_has:Task:patient:zanzibarovna", "'_has:Task:patient:?' (parameter 1) is not a search parameter"),
        ("Patient", "phonetic", "'phonetic' cannot be searched here"),
    ],
)
def test_of_a_name_only_the_words_that_are_ours_are_repeated(rules: Search, type: str, name: str, told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        rules.parse(type, [(name, "x")])
    assert refused.value.issues[0].message.startswith(told)
