"""What a question asks of its answers beside their type: options, how many, targets, units, subjects."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

CORE = "http://hl7.org/fhir/StructureDefinition/"
GENDER, UCUM = "http://hl7.org/fhir/administrative-gender", "http://unitsofmeasure.org"


def coding(code: str, system: str = "https://a.example/c") -> Json:
    return {"valueCoding": {"system": system, "code": code}}


def more(name: str, **value: Any) -> Json:
    return {"url": CORE + name, **value}


def quantity(code: str) -> Json:
    return {"valueQuantity": {"value": 1, "unit": code, "system": UCUM, "code": code}}


def responded(questions: list[Json], *items: Json, status: str = "completed", **members: Any) -> Json:
    asked = {"resourceType": "Questionnaire", "id": "q", "status": "draft", "subjectType": ["Patient"],
             "item": questions}  # fmt: skip
    return {"resourceType": "QuestionnaireResponse", "text": NARRATIVE, "contained": [asked], "questionnaire": "#q",
            "status": status, "item": list(items), **members}  # fmt: skip


def faults(validator: Validator, kind: str, members: Json, *values: Json) -> list[str]:
    question = {"linkId": "a", "type": kind, **members}
    given = responded([question], {"linkId": "a", "answer": list(values)})
    found = [str(issue.rule) for issue in validator.check(given) if issue.is_error]
    assert validator.is_valid(given) == (not found)
    return found


ALONE = {**coding("none"), "extension": [more("questionnaire-optionExclusive", valueBoolean=True)]}
TWICE = {"repeats": True, "extension": [more("questionnaire-minOccurs", valueInteger=2),
                                        more("questionnaire-maxOccurs", valueInteger=2)]}  # fmt: skip
CASES: list[tuple[str, Json, list[Json], list[Json], str]] = [
    ("integer", {"answerOption": [{"valueInteger": 1}]}, [{"valueInteger": 1}], [{"valueInteger": 2}], "option"),
    ("date", {"answerOption": [{"valueDate": "2026-03-02"}]}, [{"valueDate": "2026-03-02"}],
     [{"valueDate": "2026-03-03"}], "option"),
    ("time", {"answerOption": [{"valueTime": "10:00:00"}]}, [{"valueTime": "10:00:00"}], [{"valueTime": "11:00:00"}],
     "option"),
    ("string", {"answerOption": [{"valueString": "x"}]}, [{"valueString": "x"}], [{"valueString": "y"}], "option"),
    ("choice", {"answerValueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}, [coding("male", GENDER)],
     [{"valueString": "male"}], "option"),
    ("open-choice", {"answerOption": [coding("a")]}, [coding("a")], [coding("b")], "option"),
    ("open-choice", {"answerValueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}, [{"valueString": "x"}],
     [coding("male")], "option"),
    ("choice", {"repeats": True, "answerOption": [coding("a"), coding("b"), ALONE]}, [coding("a"), coding("b")],
     [coding("a"), coding("none")], "option"),
    ("string", TWICE, [{"valueString": "x"}, {"valueString": "y"}], [{"valueString": "x"}], "count"),
    ("string", TWICE, [{"valueString": "x"}, {"valueString": "y"}], [{"valueString": "x"}] * 3, "count"),
    ("reference", {"extension": [more("questionnaire-referenceResource", valueCode="Patient")]},
     [{"valueReference": {"reference": "https://a.example/fhir/Patient/1/_history/2"}}],
     [{"valueReference": {"reference": "Group/1"}}], "bound"),
    ("reference", {"extension": [more("questionnaire-referenceResource", valueCode="Patient")]},
     [{"valueReference": {"display": "x"}}], [{"valueReference": {"type": "Group", "display": "x"}}], "bound"),
    ("quantity", {"extension": [more("questionnaire-unitOption", valueCoding={"system": UCUM, "code": "kg"})]},
     [quantity("kg")], [quantity("g")], "bound"),
    ("time", {"extension": [more("minValue", valueTime="10:00:00")]}, [{"valueTime": "10:00:00"}],
     [{"valueTime": "09:59:59"}], "bound"),
]  # fmt: skip


@pytest.fixture(scope="module")
def core() -> Validator:
    return Validator.load([])


@pytest.mark.parametrize(("kind", "members", "good", "bad", "rule"), CASES)
def test_answers_are_what_the_question_asks(
    core: Validator, kind: str, members: Json, good: list[Json], bad: list[Json], rule: str
) -> None:
    assert faults(core, kind, members, *good) == []
    assert faults(core, kind, members, *bad) == [f"answer-{rule}"]


def test_groups_are_as_many_as_asked(core: Validator) -> None:
    group = {"linkId": "g", "type": "group", "item": [{"linkId": "a", "type": "string"}], **TWICE}
    one = {"linkId": "g", "item": [{"linkId": "a", "answer": [{"valueString": "x"}]}]}
    for number, good in ((1, False), (2, True), (3, False)):
        given = responded([group], *[one] * number)
        assert [i.rule for i in core.check(given) if i.is_error] == ([] if good else ["answer-count"])
    assert core.is_valid(responded([group], one, status="in-progress"))


def test_the_subject_is_one_that_the_questionnaire_is_for(core: Validator) -> None:
    item = {"linkId": "a", "type": "string"}
    for reference, good in (
        ("Patient/1", True),
        ("Group/1", False),
        ("urn:uuid:0f4e1a1c-9a5c-4a5e-8f0e-1d2c3b4a5f60", True),
    ):
        given = responded([item], subject={"reference": reference})
        del given["item"]
        wrong = [(i.rule, i.expression) for i in core.check(given) if i.is_error]
        assert wrong == ([] if good else [("answer-subject", "QuestionnaireResponse.subject")])


@pytest.mark.parametrize("first", [{"valueBoolean": True}, {"valueDecimal": 1.5}, {"valueUri": "https://a.example"}])
def test_no_choice_begins_with_what_cannot_answer_it(core: Validator, first: Json) -> None:
    asked = {"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft",
             "item": [{"linkId": "a", "type": "choice", "initial": [first]}]}  # fmt: skip
    assert [i.rule for i in core.check(asked) if i.is_error] == ["questionnaire-initial"]


@pytest.mark.parametrize(
    "odd", [None, 3, "x", [], {}, [[]], [{"url": 3}], [{"url": CORE + "questionnaire-unitOption"}]]
)
def test_odd_extensions_are_survived(core: Validator, odd: Any) -> None:
    question = {"linkId": "a", "type": "quantity", "extension": odd, "answerOption": odd}
    core.check(responded([question], {"linkId": "a", "answer": [quantity("kg")]}, subject=odd))
