"""What profiles ask of narratives by extensions: sections by language, parts that say where they are from."""

from __future__ import annotations

import pytest

from gateway.validation import Validator
from tests.validation.conftest import Json, profile

CORE = "http://hl7.org/fhir/StructureDefinition/"
EN, DE = '<div xml:lang="en" lang="en"><p>Home</p></div>', '<div xml:lang="de" lang="de"><p>Heim</p></div>'


def controlled(name: str, value: str) -> Json:
    extension = [{"url": f"{CORE}narrative-{name}-control", "valueCode": value}]
    return profile("Patient", [{"id": "Patient.text", "path": "Patient.text", "extension": extension}])


def told(definition: Json, inside: str, **members: str) -> list[tuple[str, str | None]]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'
    patient = {"resourceType": "Patient", "text": {"status": "additional", "div": div}, **members}
    validator = Validator.load(resources=[definition])
    issues = validator.check(patient, profiles=[definition["url"]])
    assert validator.is_valid(patient, profiles=[definition["url"]]) is not any(one.is_error for one in issues)
    return [(one.severity, one.rule) for one in issues if str(one.rule).startswith("narrative-")]


ERROR, WARNING = [("error", "narrative-language")], [("warning", "narrative-language")]


@pytest.mark.parametrize(
    ("value", "inside", "language", "expected"),
    [
        ("_no", "<p>x</p>", "en", []), ("_no", EN, "en", ERROR),
        ("_yes", "<p>x</p>", "en", ERROR), ("_yes", DE, "en", []),
        ("_resource", EN + DE, "en", []), ("_resource", DE, "en", ERROR), ("_rl", DE, "en", ERROR),
        ("_resource", "<p>x</p>", "en", WARNING), ("_resource", EN, "", WARNING),
        ("de", EN + DE, "en", []), ("de", EN, "en", ERROR), ("de", "<p>x</p>", "en", WARNING),
    ],
)  # fmt: skip
def test_sections_by_language(value: str, inside: str, language: str, expected: list[tuple[str, str]]) -> None:
    members = {"language": language} if language else {}
    assert told(controlled("language", value), inside, **members) == expected


@pytest.mark.parametrize(
    ("inside", "labelled"),
    [
        ('<h1 class="boilerplate">Patient</h1><p class="generated">x</p>', True),
        ('<p class="note additional">x</p><p/><!-- x -->\n', True),
        ('<div class="extension"><p>x</p><p>y</p></div>', True),
        ("<p>x</p>", False),
        ('<p class="generated">x</p><p class="note">y</p>', False),
        ('<p class="generated">x</p>y', False),
        ('<div><p class="generated">x</p></div>', False),
    ],
)
@pytest.mark.parametrize(
    ("level", "severity"),
    [("error", "error"), ("warning", "warning"), ("hint", "information"), ("information", "information")],
)
def test_parts_say_where_they_are_from(inside: str, *, labelled: bool, level: str, severity: str) -> None:
    assert told(controlled("source", level), inside) == ([] if labelled else [(severity, "narrative-source")])
