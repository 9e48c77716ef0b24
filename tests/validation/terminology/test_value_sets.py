"""Value sets offline: member, not member, or unknown and why."""

from __future__ import annotations

import pytest

from gateway.packages import Definitions
from gateway.validation.terminology import Membership, Terminology
from tests.validation.terminology.conftest import (
    ALL,
    LOINC,
    SET,
    SNOMED,
    SYSTEM,
    Json,
    code_system,
    filtered,
    members,
    terminology,
    value_set,
)


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
    assert known.membership(SET, SNOMED, "404684003").verdict == "unknown"
    assert "snomed" in known.membership(SET, SNOMED, "404684003").reason
    assert known.membership(SET, "http://example.org/other", "1").verdict == "not-member"
    assert known.membership(SET, None, "404684003").verdict == "unknown"


def test_an_unknown_exclude_leaves_members_unknown() -> None:
    known = terminology(value_set({"system": SYSTEM}, exclude=[{"valueSet": ["http://example.org/none"]}]))
    assert known.membership(SET, SYSTEM, "cat").verdict == "unknown"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "not-member"


def test_an_expansion_serves_where_there_is_nothing_else() -> None:
    listed = [{"system": SYSTEM, "code": "cat", "contains": [{"system": SYSTEM, "code": "lion"}]}]
    expanded = {"resourceType": "ValueSet", "url": SET, "expansion": {"contains": listed}}
    known = terminology(expanded)
    assert known.codes(SET) == {(SYSTEM, "cat"), (SYSTEM, "lion")}
    assert known.membership(SET, None, "lion").verdict == "member"
    partial = {**expanded, "expansion": {"total": 9, "contains": listed}}
    assert terminology(partial).membership(SET, SYSTEM, "x").verdict == "unknown"


def test_member_of_takes_codes_codings_and_concepts() -> None:
    known = terminology(value_set({"system": SYSTEM}, {"system": SNOMED}))
    assert known.member_of("cat", SET, type="code") is True
    assert known.member_of({"system": SYSTEM, "code": "cat"}, SET, type="Coding") is True
    assert known.member_of({"system": SYSTEM, "code": "dragon"}, SET) is False
    assert (
        known.member_of({"coding": [{"system": SYSTEM, "code": "dragon"}, {"system": SYSTEM, "code": "cat"}]}, SET)
        is True
    )
    assert known.member_of({"coding": [{"system": SNOMED, "code": "404684003"}]}, SET) is None
    assert known.member_of({"text": "cat"}, SET, type="CodeableConcept") is False


class Server:
    def membership(self, value_set: str, system: str, code: str) -> Membership:
        return Membership("member" if code == "404684003" else "not-member")


def test_a_server_is_asked_only_what_is_unknown_here() -> None:
    definitions = Definitions.load(resources=[code_system(), value_set({"system": SYSTEM}, {"system": SNOMED})])
    known = Terminology(definitions, server=Server())
    assert known.membership(SET, SNOMED, "404684003").verdict == "member"
    assert known.membership(SET, SNOMED, "71388002").verdict == "not-member"
    assert known.membership(SET, SYSTEM, "dragon").verdict == "not-member"


def test_a_code_that_no_version_can_have_is_in_no_set() -> None:
    known = terminology(value_set({"system": SNOMED, "filter": [{"property": "concept", "op": "is-a", "value": "x"}]}))
    assert known.membership(SET, SNOMED, "404684003").verdict == "unknown"
    assert known.membership(SET, SNOMED, "404684004").verdict == "not-member"
    assert known.membership(SET, SNOMED, "finding").verdict == "not-member"


def test_a_code_system_with_a_grammar_is_never_wholly_at_hand() -> None:
    loose = [code_system(compositional=True), value_set({"system": SYSTEM})]
    known = Terminology(Definitions.load(resources=loose))
    assert known.membership(SET, SYSTEM, "cat").verdict == "member"
    assert known.membership(SET, SYSTEM, "cat:tame").verdict == "unknown"
    assert known.code_known(SYSTEM, "cat:tame") is None
