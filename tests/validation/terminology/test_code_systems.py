"""What a code system says of its codes: case, completeness, versions, displays, hierarchy."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
from tests.validation.terminology.conftest import (
    SET,
    SNOMED,
    SYSTEM,
    Json,
    code_system,
    filtered,
    terminology,
    value_set,
)


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


def test_hierarchies_may_be_stated_by_nesting_parent_child_or_subsumption_and_run_in_circles() -> None:
    def concept(code: str, name: str, *values: str) -> Json:
        return {"code": code, "property": [{"code": name, "valueCode": value} for value in values]}

    stated = [concept("a", "child", "b"), {"code": "b"}, concept("c", "subsumedBy", "b"), concept("d", "parent", "c")]
    known = terminology(code_system(concept=stated), value_set(filtered("concept", "descendent-of", "a")))
    assert known.codes(SET) == {(SYSTEM, code) for code in "bcd"}
    circle = [concept("a", "parent", "b"), concept("b", "parent", "a")]
    known = terminology(code_system(concept=circle), value_set(filtered("concept", "is-a", "a")))
    assert known.codes(SET) == {(SYSTEM, "a"), (SYSTEM, "b")}


def test_a_version_that_is_named_has_the_code() -> None:
    """Whichever was asked first: what is remembered of a coding without a version says nothing of one with it."""
    head = {"resourceType": "CodeSystem", "url": SYSTEM, "status": "active", "content": "complete"}
    loose = [
        {**head, "version": "1", "concept": [{"code": "a"}, {"code": "old"}]},
        {**head, "version": "2", "concept": [{"code": "a"}, {"code": "new"}]},
    ]
    validator = Validator.load([], resources=loose)
    good = [("new", None), ("old", None), ("a", "1"), ("a", "2"), ("new", "2"), ("new", "3"), ("old", "1")]
    for code, version in [*good, ("new", "1"), ("old", "2"), *good]:
        coding = {"system": SYSTEM, "code": code, **({} if version is None else {"version": version})}
        resource = {"resourceType": "Basic", "code": {"coding": [coding]}}
        errors = [issue.rule for issue in validator.check(resource) if issue.is_error]
        assert errors == ([] if (code, version) in good else ["code-unknown"]), (code, version)
        assert validator.is_valid(resource) == (not errors)
