"""What the fast way says of invariants in JSON Schema is what FHIRPath says of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from gateway import fhirpath
from gateway.validation import Validator
from gateway.validation.accept_quickly import QUICKLY
from gateway.validation.compiled import Shape
from gateway.validation.schema_enough import enough
from gateway.validation.schema_invariants import translated

TYPES = [
    "Patient", "Observation", "CareTeam", "Task", "Questionnaire", "Organization", "Condition", "Period", "Timing",
    "Identifier", "Age", "Duration", "ContactPoint", "Address", "Quantity", "Range", "Attachment", "Appointment",
]  # fmt: skip
MORE = {
    "Identifier": ["value.matches('^[0-9]{10}$')", "value.matches('^[0-9]{2}$') and system.exists()",
                   "system.exists() implies value.matches('^[0-9]{2}$')"],
    "Address": ["where(use = 'home').empty()", "line.count() + 0 > 1", "use='home' implies period.exists()"],
    "Period": ["$this is DateTime implies start.exists()", "(start.exists() and end.exists()).not()"],
    "Observation": [
        "value.ofType(Quantity).system.empty() or value.ofType(Quantity).system = 'http://unitsofmeasure.org'",
        "component.count() <= 1", "(component.count() + note.count()) > 0", "category.all(text.exists())",
        "category.exists() implies value.is(CodeableConcept)", "value.is(Quantity).not()",
    ],
    "Condition": ["extension('http://example.org/asserter').count() + asserter.count() <= 1",
                  "asserter.count() + recorder.count() <= 1", "asserter.count() + note.count() <= 2"],
    "Quantity": ["code.matches('^(?:[YZ]|da)?(?:x|12)+$')"],
}  # fmt: skip
TEXTS = ["home", "http://unitsofmeasure.org", "x", "12", "1234567890", "2020", "2020-02-03", "group", "display"]


def constraints(validator: Validator, type: str) -> Iterator[tuple[str, Shape]]:
    shape = validator.engine.shapes[type]
    backbones = [member.shape for member in shape.members.values() if member.shape is not None]
    for one in (shape, *backbones):
        for constraint in one.constraints:
            yield constraint.expression, one
    for expression in MORE.get(type, ()):
        yield expression, shape


def made(validator: Validator, shape: Shape, chance: random.Random, depth: int = 3) -> dict[str, Any]:
    """An object of the shape's form: each member by chance, no more than one type of a choice."""
    found: dict[str, Any] = {}
    groups: set[str] = set()
    for member in chance.sample(list(shape.members.values()), len(shape.members)):
        choice = member.group.endswith("[x]")
        if (choice and member.group in groups) or chance.random() > 4 / len(shape.members) or not depth:
            continue
        if member.name in ("resourceType", "contained", "extension", "modifierExtension", "meta", "text"):
            continue
        groups.add(member.group)
        value: Any
        if member.primitive:
            value = {"boolean": chance.random() < 0.5, "decimal": chance.randrange(-2, 3)}.get(member.type)
            if value is None:
                value = chance.randrange(3) if "nt" in member.type[-3:] else chance.choice(TEXTS)
        else:
            inner = member.shape or validator.engine.shapes[member.type]
            if inner.name in ("Resource", "DomainResource"):
                continue
            value = made(validator, inner, chance, depth - 1)
        found[member.name] = [value] * chance.randrange(1, 4) if member.many else value
    return found


@pytest.mark.parametrize("type", TYPES)
def test_a_schema_says_what_fhirpath_says(validator: Validator, type: str) -> None:
    chance = random.Random(type)
    model = validator.engine.model
    said = 0
    for expression, shape in constraints(validator, type):
        exact = translated(expression, model=model, type=shape.name)
        suffices = enough(expression, model=model, type=shape.name)
        if exact is None and suffices is None:
            continue
        code = fhirpath.compile(expression, model=model, type=shape.name)
        for _ in range(60):
            value = made(validator, shape, chance)
            try:
                truth = code.test(value, fhirpath.Env(value))
            except fhirpath.FhirPathError:
                continue
            said += 1
            if exact is not None:
                assert jsonschema_rs.is_valid(exact, value) == truth, (expression, value)
            if suffices is not None and jsonschema_rs.is_valid(suffices, value):
                assert truth, (expression, value)
    assert said


def test_codes_of_a_value_set_suffice(validator: Validator) -> None:
    model, concept = validator.engine.model, "category.where(coding.memberOf('http://example.org/vs')).exists()"
    known = {"http://example.org/vs": [("http://example.org/cs", "a"), ("http://example.org/cs", "b")]}
    suffices = enough(concept, model=model, type="Condition", codes=known.get)
    assert suffices is not None
    for codes, holds in ((["a"], True), (["x", "b"], True), (["x"], False), ([], False)):
        coded = [{"text": "x"}, {"coding": [{"system": "http://example.org/cs", "code": code} for code in codes]}]
        assert jsonschema_rs.is_valid(suffices, {"category": coded}) is holds, codes
    assert enough(concept, model=model, type="Condition") is None, "a value set that cannot be listed"


OBS_7 = "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()"


def test_what_is_said_quickly_of_components_is_what_fhirpath_says(validator: Validator) -> None:
    chance = random.Random(7)
    code = fhirpath.compile(OBS_7, model=validator.engine.model, type="Observation")

    def concept() -> dict[str, Any]:
        return {"coding": [{"system": chance.choice("st"), "code": chance.choice("abcdef")} for _ in range(2)]}

    said = set()
    for _ in range(300):
        value = {"code": concept(), "valueInteger": 1, "component": [{"code": concept()}, {"code": concept()}]}
        truth, quickly = code.test(value, fhirpath.Env(value)), QUICKLY[OBS_7](value)
        assert truth or not quickly
        said.add((truth, quickly))
    assert said == {(True, True), (True, False), (False, False)}
    assert not QUICKLY[OBS_7]({"code": {}, "component": [{}]})
