"""Value sets offline: member, not member, or unknown and why."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.packages import Definitions
from gateway.validation import Validator
from gateway.validation.terminology import Membership, Terminology

Json = dict[str, Any]
SYSTEM, SET = "http://example.org/cs", "http://example.org/vs"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
US_CORE = "hl7.fhir.us.core#6.1.0"


@pytest.fixture(scope="module")
def published() -> Terminology:
    return Terminology(Definitions.load([US_CORE]))


def code_system(**changes: Any) -> Json:
    animals = {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "version": "1",
        "content": "complete",
        "caseSensitive": True,
        "property": [{"code": "legs", "type": "integer"}, {"code": "parent", "type": "code"}],
        "concept": [
            {
                "code": "mammal",
                "display": "A  mammal",
                "concept": [
                    {"code": "cat", "display": "Cat", "property": [{"code": "legs", "valueInteger": 4}]},
                    {"code": "whale", "property": [{"code": "status", "valueCode": "retired"}]},
                ],
            },
            {
                "code": "bird",
                "designation": [{"language": "de", "value": "Vogel"}],
                "property": [{"code": "legs", "valueInteger": 2}],
            },
            {"code": "bat", "property": [{"code": "parent", "valueCode": "mammal"}]},
        ],
    }
    return animals | changes


def value_set(*include: Json, url: str = SET, **changes: Any) -> Json:
    compose = {"include": list(include)} | changes
    return {"resourceType": "ValueSet", "url": url, "compose": compose}


def terminology(*resources: Json) -> Terminology:
    return Terminology(Definitions.load(resources=[code_system(), *resources]))


def members(*include: Json, **changes: Any) -> set[str]:
    known = terminology(value_set(*include, **changes))
    every = {"mammal", "cat", "whale", "bird", "bat", "dragon"}
    found = {code for code in every if known.membership(SET, SYSTEM, code).verdict == "member"}
    listed = known.codes(SET)
    assert listed == {(SYSTEM, code) for code in found}, "listing and asking agree"
    assert all(known.membership(SET, "http://example.org/other", code).verdict == "not-member" for code in every)
    return found


def filtered(prop: str, op: str, value: str) -> Json:
    return {"system": SYSTEM, "filter": [{"property": prop, "op": op, "value": value}]}


ALL = {"mammal", "cat", "whale", "bird", "bat"}


def test_a_whole_system_and_a_list() -> None:
    assert members({"system": SYSTEM}) == ALL
    assert members({"system": SYSTEM, "concept": [{"code": "cat"}, {"code": "bird"}]}) == {"cat", "bird"}


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (filtered("concept", "is-a", "mammal"), {"mammal", "cat", "whale", "bat"}),
        (filtered("concept", "descendent-of", "mammal"), {"cat", "whale", "bat"}),
        (filtered("concept", "is-not-a", "mammal"), {"bird"}),
        (filtered("concept", "generalizes", "cat"), {"cat", "mammal"}),
        (filtered("legs", "=", "4"), {"cat"}),
        (filtered("legs", "exists", "true"), {"cat", "bird"}),
        (filtered("legs", "exists", "false"), ALL - {"cat", "bird"}),
        (filtered("code", "in", "cat, bat"), {"cat", "bat"}),
        (filtered("code", "not-in", "cat, bat"), ALL - {"cat", "bat"}),
        (filtered("code", "regex", "b.*"), {"bird", "bat"}),
        (filtered("parent", "=", "mammal"), {"cat", "whale", "bat"}),
        (filtered("concept", "descendent-leaf", "mammal"), {"cat", "whale", "bat"}),
    ],
)
def test_filters(include: Json, expected: set[str]) -> None:
    assert members(include) == expected


def test_all_filters_of_an_include_must_pass() -> None:
    both = {
        "system": SYSTEM,
        "filter": [*filtered("legs", "exists", "true")["filter"], *filtered("code", "regex", "c.*")["filter"]],
    }
    assert members(both) == {"cat"}


def test_excludes_and_inactive_codes() -> None:
    assert members({"system": SYSTEM}, exclude=[filtered("concept", "is-a", "mammal")]) == {"bird"}
    assert members({"system": SYSTEM}, inactive=False) == ALL - {"whale"}


def test_nested_value_sets_are_intersected() -> None:
    birds = value_set(filtered("code", "regex", "b.*"), url="http://example.org/b")
    known = terminology(
        birds, value_set({"system": SYSTEM, "valueSet": ["http://example.org/b"], **filtered("legs", "exists", "true")})
    )
    assert known.codes(SET) == {(SYSTEM, "bird")}
    assert known.membership(SET, SYSTEM, "bat").verdict == "not-member"


@pytest.mark.parametrize(
    "include",
    [
        filtered("wings", "=", "2"),
        filtered("concept", "is-a", "dragon"),
        filtered("legs", "made-up-op", "2"),
        filtered("code", "regex", "(?=cat)"),
        {"system": SYSTEM, "valueSet": ["http://example.org/none"]},
        {"concept": [{"code": "cat"}]},
        {},
    ],
)
def test_what_cannot_be_decided_is_unknown_with_a_reason(include: Json) -> None:
    known = terminology(value_set(include))
    answer = known.membership(SET, SYSTEM, "cat")
    assert answer.verdict == "unknown"
    assert answer.reason
    assert known.codes(SET) is None


def test_a_set_known_in_part_decides_its_known_parts() -> None:
    known = terminology(
        value_set(
            {"system": SNOMED},
            {"system": LOINC, "concept": [{"code": "1-8"}]},
            {"system": SYSTEM, "concept": [{"code": "cat"}]},
        )
    )
    assert known.membership(SET, SYSTEM, "cat").verdict == "member"
    assert known.membership(SET, SYSTEM, "bat").verdict == "not-member"
    assert known.membership(SET, LOINC, "1-8").verdict == "member"
    assert known.membership(SET, LOINC, "2-6").verdict == "not-member"
    assert known.membership(SET, SNOMED, "1").verdict == "unknown"
    assert "snomed" in known.membership(SET, SNOMED, "1").reason
    assert known.membership(SET, "http://example.org/other", "1").verdict == "not-member"
    assert known.membership(SET, None, "anything").verdict == "unknown"


def test_an_unknown_exclude_leaves_members_unknown() -> None:
    known = terminology(value_set({"system": SYSTEM}, exclude=[{"valueSet": ["http://example.org/none"]}]))
    assert known.membership(SET, SYSTEM, "cat").verdict == "unknown"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "not-member"


def test_case_matters_only_where_the_system_says_so() -> None:
    other = code_system(url="http://example.org/soft", caseSensitive=False)
    soft = value_set(
        {"system": "http://example.org/soft", "concept": [{"code": "cat"}]}, url="http://example.org/softly"
    )
    known = terminology(other, soft, value_set({"system": SYSTEM}))
    assert known.membership(SET, SYSTEM, "CAT").verdict == "not-member"
    assert known.membership("http://example.org/softly", "http://example.org/soft", "CAT").verdict == "member"
    assert known.codes("http://example.org/softly") is None, "a list of spellings would not be exact"


@pytest.mark.parametrize("content", ["fragment", "example", "not-present"])
def test_a_system_that_is_not_complete_leaves_other_codes_unknown(content: str) -> None:
    known = terminology(code_system(content=content), value_set({"system": SYSTEM}))
    assert known.membership(SET, SYSTEM, "cat").verdict == "member"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "unknown"
    assert known.code_known(SYSTEM, "dragon") is None


def test_another_version_of_a_system_confirms_but_does_not_deny() -> None:
    known = terminology(value_set({"system": SYSTEM, "version": "7"}))
    assert known.membership(SET, SYSTEM, "cat").verdict == "member"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "unknown"


def test_an_expansion_serves_where_there_is_nothing_else() -> None:
    listed = [{"system": SYSTEM, "code": "cat", "contains": [{"system": SYSTEM, "code": "lion"}]}]
    expanded = {"resourceType": "ValueSet", "url": SET, "expansion": {"contains": listed}}
    known = terminology(expanded)
    assert known.codes(SET) == {(SYSTEM, "cat"), (SYSTEM, "lion")}
    assert known.membership(SET, None, "lion").verdict == "member"
    partial = {**expanded, "expansion": {"total": 9, "contains": listed}}
    assert terminology(partial).membership(SET, SYSTEM, "x").verdict == "unknown"


def test_displays_and_supplements() -> None:
    supplement = {
        **{
            "resourceType": "CodeSystem",
            "url": "http://example.org/fr",
            "content": "supplement",
            "supplements": SYSTEM,
        },
        "concept": [{"code": "cat", "designation": [{"language": "fr", "value": "Chat"}]}],
    }
    known = terminology(supplement)
    assert known.display_fits(SYSTEM, "mammal", "a Mammal") is True
    assert known.display_fits(SYSTEM, "bird", "vogel") is True
    assert known.display_fits(SYSTEM, "cat", "chat") is True
    assert known.display_fits(SYSTEM, "cat", "dog") is False
    assert known.display_fits(SYSTEM, "bat", "anything") is None
    assert known.display_fits(SNOMED, "1", "anything") is None
    whale = known.concept(SYSTEM, "whale")
    assert whale is not None
    assert whale.inactive


def test_member_of_takes_codes_codings_and_concepts() -> None:
    known = terminology(value_set({"system": SYSTEM}, {"system": SNOMED}))
    assert known.member_of("cat", SET, type="code") is True
    assert known.member_of({"system": SYSTEM, "code": "cat"}, SET, type="Coding") is True
    assert known.member_of({"system": SYSTEM, "code": "dragon"}, SET) is False
    assert (
        known.member_of({"coding": [{"system": SYSTEM, "code": "dragon"}, {"system": SYSTEM, "code": "cat"}]}, SET)
        is True
    )
    assert known.member_of({"coding": [{"system": SNOMED, "code": "1"}]}, SET) is None
    assert known.member_of({"text": "cat"}, SET, type="CodeableConcept") is False


@pytest.mark.parametrize(
    ("url", "code", "verdict"),
    [
        ("http://hl7.org/fhir/ValueSet/request-status|4.0.1", "active", "member"),
        ("http://hl7.org/fhir/ValueSet/request-status|4.0.1", "Active", "not-member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text/plain; charset=utf-8", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "application/fhir+json", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "json", "member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text", "not-member"),
        ("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1", "text/", "not-member"),
        ("http://hl7.org/fhir/ValueSet/all-languages|4.0.1", "zh-Hant-TW", "member"),
        ("http://hl7.org/fhir/ValueSet/all-languages|4.0.1", "english", "not-member"),
        ("http://hl7.org/fhir/us/core/ValueSet/simple-language", "es", "member"),
        ("http://hl7.org/fhir/us/core/ValueSet/simple-language", "es-Latn", "not-member"),
        ("http://hl7.org/fhir/ValueSet/currencies|4.0.1", "USD", "member"),
        ("http://hl7.org/fhir/ValueSet/currencies|4.0.1", "USX", "not-member"),
        ("http://hl7.org/fhir/ValueSet/timezones|4.0.1", "America/Los_Angeles", "member"),
        ("http://hl7.org/fhir/ValueSet/timezones|4.0.1", "Mars/Olympus", "not-member"),
        ("http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", "mm[Hg]", "member"),
        ("http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", "mmHg", "not-member"),
        ("http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state", "CA", "member"),
        ("http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state", "California", "not-member"),
        ("http://hl7.org/fhir/ValueSet/all-types|4.0.1", "CarePlan", "member"),
        ("http://hl7.org/fhir/ValueSet/resource-types|4.0.1", "HumanName", "not-member"),
        ("http://terminology.hl7.org/ValueSet/v3-NullFlavor|4.0.1", "UNK", "member"),
        ("http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113762.1.4.1240.3", "x", "unknown"),
    ],
)
def test_published_value_sets(published: Terminology, url: str, code: str, verdict: str) -> None:
    assert published.membership(url, None, code, scope=US_CORE).verdict == verdict


def test_cycles_chains_and_lattices_are_bounded() -> None:
    def named(number: int) -> str:
        return f"http://example.org/{number}"

    cycle = [value_set({"valueSet": [named(1)]}, url=named(0)), value_set({"valueSet": [named(0)]}, url=named(1))]
    chain = [value_set({"valueSet": [named(n + 1)]}, url=named(n)) for n in range(10, 5_010)]
    lattice = [
        value_set({"valueSet": [named(n + 1)]}, {"valueSet": [named(n + 1)]}, url=named(n)) for n in range(6_000, 6_100)
    ]
    known = terminology(*cycle, *chain, *lattice, value_set({"system": SYSTEM}, url=named(6_100)))
    started = time.thread_time()
    assert known.membership(named(0), SYSTEM, "cat").verdict == "unknown"
    assert known.membership(named(10), SYSTEM, "cat").verdict == "unknown"
    assert known.membership(named(6_000), SYSTEM, "cat").verdict == "member"
    assert known.membership(named(6_000), SYSTEM, "dragon").verdict == "not-member"
    assert (known.codes(named(0)), known.codes(named(10))) == (None, None)
    assert known.codes(named(6_000)) == {(SYSTEM, code) for code in ALL}
    assert time.thread_time() - started < 5


def test_big_sets_are_not_listed() -> None:
    big = code_system(concept=[{"code": f"c{number}"} for number in range(20_000)])
    known = terminology(big, value_set({"system": SYSTEM}))
    assert known.codes(SET) is None
    assert known.membership(SET, SYSTEM, "c19999").verdict == "member"


def test_hierarchies_may_be_stated_by_nesting_parent_child_or_subsumption_and_run_in_circles() -> None:
    def concept(code: str, name: str, *values: str) -> Json:
        return {"code": code, "property": [{"code": name, "valueCode": value} for value in values]}

    stated = [concept("a", "child", "b"), {"code": "b"}, concept("c", "subsumedBy", "b"), concept("d", "parent", "c")]
    known = terminology(code_system(concept=stated), value_set(filtered("concept", "descendent-of", "a")))
    assert known.codes(SET) == {(SYSTEM, code) for code in "bcd"}
    circle = [concept("a", "parent", "b"), concept("b", "parent", "a")]
    known = terminology(code_system(concept=circle), value_set(filtered("concept", "is-a", "a")))
    assert known.codes(SET) == {(SYSTEM, "a"), (SYSTEM, "b")}


def test_a_chain_of_concepts_costs_its_length_once() -> None:
    chain = [{"code": f"c{n}", "property": [{"code": "parent", "valueCode": f"c{n - 1}"}]} for n in range(60_000)]
    known = terminology(code_system(concept=chain), value_set(filtered("concept", "is-a", "c0")))
    started = time.thread_time()
    assert known.codes(SET) is None
    assert known.membership(SET, SYSTEM, "c59999").verdict == "member"
    assert time.thread_time() - started < 10


class Server:
    def membership(self, value_set: str, system: str, code: str) -> Membership:
        return Membership("member" if code == "1" else "not-member")


def test_a_server_is_asked_only_what_is_unknown_here() -> None:
    definitions = Definitions.load(resources=[code_system(), value_set({"system": SYSTEM}, {"system": SNOMED})])
    known = Terminology(definitions, server=Server())
    assert known.membership(SET, SNOMED, "1").verdict == "member"
    assert known.membership(SET, SNOMED, "2").verdict == "not-member"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "not-member"


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(published: Terminology, text: str) -> None:
    for url in ("mimetypes", "all-languages", "ucum-units", "currencies", "timezones", "v2-0203"):
        assert published.membership(f"http://hl7.org/fhir/ValueSet/{url}", None, text).verdict in (
            *("member", "not-member", "unknown"),
        )


def test_codes_that_a_value_set_was_published_with_stay_its_members() -> None:
    """R4's yesnodontknow names v2-0136, from which HL7 Terminology has since moved the codes away."""
    engine = Validator.load([]).engine
    for code, belongs in (("Y", True), ("N", True), ("Z", False)):
        coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0136", "code": code}
        asked = "http://hl7.org/fhir/ValueSet/yesnodontknow"
        assert engine.bindings.member(asked, "Coding", coding, asked_in=None) is belongs
