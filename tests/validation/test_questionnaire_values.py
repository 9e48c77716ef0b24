"""Values in Questionnaires, and answers within what their questions say: types, texts, bounds, contained value sets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

URL = "https://ecm-gateway.example/fhir/Questionnaire/values"
CORE = "http://hl7.org/fhir/StructureDefinition/"
GENDER = "http://hl7.org/fhir/administrative-gender"


def asking(*items: Json, **members: Any) -> Json:
    return {"resourceType": "Questionnaire", "url": URL, "status": "active", "text": NARRATIVE, "item": list(items),
            **members}  # fmt: skip


def answered(*items: Json, **members: Any) -> Json:
    listed = {"item": list(items)} if items else {}
    return {"resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": "completed", "text": NARRATIVE,
            **listed, **members}  # fmt: skip


def item(kind: str, **members: Any) -> Json:
    return {"linkId": "1", "type": kind, **members}


def bounded(kind: str, name: str, **bound: Any) -> Json:
    return item(kind, extension=[{"url": CORE + name, **bound}])


def faults(validator: Validator, resource: Json) -> list[str | None]:
    issues = validator.check(resource)
    assert issues == validator.explain(resource)
    assert validator.is_valid(resource) is not any(one.is_error for one in issues)
    return [one.rule for one in issues if one.is_error]


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ("questionnaire-option", item("integer", answerOption=[{"valueString": "1"}])),
        ("questionnaire-option", item("string", answerOption=[{"valueCoding": {"system": GENDER, "code": "male"}}])),
        ("questionnaire-option", item("date", answerOption=[{"valueDate": "2026"}, {"valueTime": "10:00:00"}])),
        ("questionnaire-initial", item("boolean", initial=[{"valueString": "yes"}])),
        ("questionnaire-initial", item("date", initial=[{"valueDateTime": "2026"}])),
        ("questionnaire-length", item("string", maxLength=0)),
        (None, item("integer", answerOption=[{"valueInteger": 1}])),
        (None, item("string", answerOption=[{"valueString": "1"}], maxLength=1)),
        (None, item("choice", answerOption=[{"valueString": "1"}, {"valueInteger": 1}])),
        (None, item("url", initial=[{"valueUri": "https://a.example"}])),
        (None, item("boolean", initial=[{"valueBoolean": False}])),
    ],
)
def test_options_and_first_values_are_of_the_items_type(rule: str | None, asked: Json) -> None:
    assert faults(Validator.load(), asking(asked)) == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("asked", "good", "bad"),
    [
        (bounded("integer", "minValue", valueInteger=1), {"valueInteger": 1}, {"valueInteger": 0}),
        (bounded("integer", "maxValue", valueInteger=9), {"valueInteger": 9}, {"valueInteger": 10}),
        (bounded("decimal", "maxValue", valueDecimal=Decimal("1.5")), {"valueDecimal": Decimal("1.50")},
         {"valueDecimal": Decimal("1.51")}),
        (bounded("decimal", "maxDecimalPlaces", valueInteger=2), {"valueDecimal": Decimal("1.25")},
         {"valueDecimal": Decimal("1.250")}),
        (bounded("date", "minValue", valueDate="2026-01-01"), {"valueDate": "2026-01-01"}, {"valueDate": "2025-12-31"}),
        (bounded("date", "minValue", valueDate="2026-01-01"), {"valueDate": "2025"}, None),
        (bounded("string", "minLength", valueInteger=2), {"valueString": "ab"}, {"valueString": "a"}),
    ],
)  # fmt: skip
def test_answers_are_within_the_bounds_that_extensions_set(asked: Json, good: Json, bad: Json | None) -> None:
    validator = Validator.load(resources=[asking(asked)])
    assert faults(validator, answered({"linkId": "1", "answer": [good]})) == []
    if bad is not None:
        assert faults(validator, answered({"linkId": "1", "answer": [bad]})) == ["answer-bound"]


def test_a_text_that_is_said_again_is_the_questions() -> None:
    validator = Validator.load(resources=[asking(item("boolean", text="Do you have a home?"))])
    said = {"Do you have a home?": [], "Do you  have a home?": [], "Do you own a home?": ["answer-text"]}
    answers = {text: answered({"linkId": "1", "text": text, "answer": [{"valueBoolean": True}]}) for text in said}
    assert {text: faults(validator, response) for text, response in answers.items()} == said


def test_a_value_set_may_be_contained_in_the_questionnaire() -> None:
    include = {"system": GENDER, "concept": [{"code": "male"}, {"code": "female"}]}
    chosen = {"resourceType": "ValueSet", "id": "vs", "status": "active", "compose": {"include": [include]}}
    validator = Validator.load(resources=[asking(item("choice", answerValueSet="#vs"), contained=[chosen])])
    codes = {
        ("female", GENDER): [],
        ("other", GENDER): ["answer-option"],
        ("male", "https://a.example"): ["answer-option"],
    }
    given = {(code, system): [{"valueCoding": {"system": system, "code": code}}] for code, system in codes}
    assert {key: faults(validator, answered({"linkId": "1", "answer": one})) for key, one in given.items()} == codes


def test_a_finished_response_without_any_item_lacks_what_is_required() -> None:
    validator = Validator.load(resources=[asking(item("string", required=True))])
    assert faults(validator, answered()) == ["answer-required"]
    assert faults(validator, answered(status="in-progress")) == []
    assert faults(Validator.load(), answered()) == []


def test_odd_bounds_and_value_sets_are_survived() -> None:
    for odd in (None, 1, "x", [], {}, [None], [{"url": CORE + "minValue"}], [{"url": 1}]):
        questionnaire = {**asking({**item("choice", answerValueSet="#vs"), "extension": odd}), "id": "q",
                         "contained": [{"resourceType": "ValueSet", "id": "vs", "compose": odd}]}  # fmt: skip
        coding = {"valueCoding": {"system": GENDER, "code": "male"}}
        Validator.load().check(
            {**answered({"linkId": "1", "answer": [coding]}), "questionnaire": "#q", "contained": [questionnaire]}
        )
