"""Questionnaires that switch items on and off, and what a response may then answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

Faults = Callable[..., list[tuple[str | None, str | None]]]


def question(link: str, type_: str = "string", **members: Any) -> Json:
    return {"linkId": link, "type": type_, **members}


def when(link: str, operator: str, **answer: Any) -> Json:
    return {"question": link, "operator": operator, **answer}


def responded(questions: list[Json], *answers: Json, status: str = "completed") -> Json:
    asked = {"resourceType": "Questionnaire", "id": "q", "status": "draft", "item": questions}
    return {"resourceType": "QuestionnaireResponse", "text": NARRATIVE, "contained": [asked], "questionnaire": "#q",
            "status": status, "item": list(answers)}  # fmt: skip


def answer(link: str, *values: Json, **members: Any) -> Json:
    return {"linkId": link, "answer": list(values), **members}


def depends(*conditions: Json, **members: Any) -> list[Json]:
    """Questions of every type, and one that is asked on conditions."""
    behavior = {"enableBehavior": "all"} if len(conditions) > 1 and "enableBehavior" not in members else {}
    return [
        question("boolean", "boolean"), question("integer", "integer"), question("decimal", "decimal"),
        question("date", "date"), question("dateTime", "dateTime"), question("string"), question("choice", "choice"),
        question("quantity", "quantity"), question("more", "integer", repeats=True),
        question("group", "group", item=[question("display", "display")]),
        question("then", required=True, enableWhen=list(conditions), **behavior, **members),
    ]  # fmt: skip


YES, NO = answer("boolean", {"valueBoolean": True}), answer("boolean", {"valueBoolean": False})
FIVE = answer("integer", {"valueInteger": 5})
A = {"system": "https://a.example/x", "code": "a"}
THEN = answer("then", {"valueString": "x"})
IF_YES = when("boolean", "=", answerBoolean=True)
ON: list[tuple[tuple[Json, ...], tuple[Json, ...]]] = [
    ((IF_YES,), (YES,)),
    ((when("boolean", "exists", answerBoolean=True),), (NO,)),
    ((when("boolean", "exists", answerBoolean=False),), (FIVE,)),
    ((when("boolean", "!=", answerBoolean=True),), (NO,)),
    ((when("integer", ">", answerInteger=4),), (FIVE,)),
    ((when("integer", ">=", answerInteger=5),), (FIVE,)),
    ((when("integer", "<", answerInteger=6),), (FIVE,)),
    ((when("integer", "<=", answerInteger=5),), (FIVE,)),
    ((when("decimal", "=", answerDecimal=1.5),), (answer("decimal", {"valueDecimal": 1.5}),)),
    ((when("date", ">", answerDate="2020-01-01"),), (answer("date", {"valueDate": "2020-01-02"}),)),
    ((when("string", "=", answerString="a"),), (answer("string", {"valueString": "a"}),)),
    ((when("choice", "=", answerCoding=A),), (answer("choice", {"valueCoding": {**A, "display": "x"}}),)),
    ((when("more", "=", answerInteger=2),), (answer("more", {"valueInteger": 1}, {"valueInteger": 2}),)),
    ((IF_YES, when("integer", "=", answerInteger=5)), (YES, FIVE)),
    ((when("quantity", ">", answerQuantity={"value": 1, "unit": "kg"}),),
     (answer("quantity", {"valueQuantity": {"value": 2, "unit": "kg"}}),)),
]  # fmt: skip
OFF: list[tuple[tuple[Json, ...], tuple[Json, ...]]] = [
    ((IF_YES,), (NO,)),
    ((IF_YES,), (FIVE,)),
    ((when("boolean", "exists", answerBoolean=False),), (NO,)),
    ((when("integer", ">", answerInteger=5),), (FIVE,)),
    ((when("choice", "=", answerCoding=A),), (answer("choice", {"valueCoding": {**A, "code": "b"}}),)),
    (
        (when("choice", "=", answerCoding=A),),
        (answer("choice", {"valueCoding": {**A, "system": "https://a.example/y"}}),),
    ),
    ((IF_YES, when("integer", "=", answerInteger=6)), (YES, FIVE)),
]
UNTOLD: list[tuple[tuple[Json, ...], tuple[Json, ...]]] = [
    ((when("date", ">", answerDate="2020-01"),), (answer("date", {"valueDate": "2020-01-02"}),)),
    ((when("dateTime", ">", answerDateTime="2020-01-01T10:00:00Z"),),
     (answer("dateTime", {"valueDateTime": "2020-01-01T10:00:00+01:00"}),)),
    ((when("choice", "=", answerCoding={"code": "a"}),), (answer("choice", {"valueCoding": A}),)),
    ((when("more", "!=", answerInteger=2),), (answer("more", {"valueInteger": 1}, {"valueInteger": 2}),)),
    ((when("quantity", ">", answerQuantity={"value": 1, "unit": "kg"}),),
     (answer("quantity", {"valueQuantity": {"value": 2, "unit": "g"}}),)),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "given"), ON)
def test_an_item_that_is_switched_on_is_required(faults: Faults, conditions: Any, given: Any) -> None:
    questions = depends(*conditions)
    assert faults(responded(questions, *given)) == [("answer-required", "QuestionnaireResponse")]
    assert faults(responded(questions, *given, THEN)) == []
    assert faults(responded(questions, *given, status="in-progress")) == []


@pytest.mark.parametrize(("conditions", "given"), OFF)
def test_an_item_that_is_switched_off_is_not_answered(faults: Faults, conditions: Any, given: Any) -> None:
    questions = depends(*conditions)
    assert faults(responded(questions, *given)) == []
    place = f"QuestionnaireResponse.item[{len(given)}]"
    assert faults(responded(questions, *given, THEN)) == [("answer-disabled", place)]


@pytest.mark.parametrize(("conditions", "given"), UNTOLD)
def test_what_cannot_be_told_is_let_be(faults: Faults, conditions: Any, given: Any) -> None:
    questions = depends(*conditions)
    assert faults(responded(questions, *given)) == []
    assert faults(responded(questions, *given, THEN)) == []


def test_any_of_several_conditions_is_enough(faults: Faults) -> None:
    questions = depends(IF_YES, when("integer", "=", answerInteger=6), enableBehavior="any")
    assert faults(responded(questions, YES, FIVE)) == [("answer-required", "QuestionnaireResponse")]
    assert faults(responded(questions, NO, FIVE)) == []


def test_a_question_is_looked_for_in_the_same_repetition_of_a_group(faults: Faults) -> None:
    group = question("g", "group", repeats=True, item=[
        question("boolean", "boolean"), question("then", required=True, enableWhen=[IF_YES])])  # fmt: skip
    made = responded([group], {"linkId": "g", "item": [YES, THEN]}, {"linkId": "g", "item": [NO]})
    assert faults(made) == []
    made = responded([group], {"linkId": "g", "item": [YES, THEN]}, {"linkId": "g", "item": [YES]})
    assert faults(made) == [("answer-required", "QuestionnaireResponse.item[1]")]
    made = responded([group], {"linkId": "g", "item": [NO, THEN]}, {"linkId": "g", "item": [YES, THEN]})
    assert faults(made) == [("answer-disabled", "QuestionnaireResponse.item[0].item[1]")]


def test_an_item_below_a_question_asks_for_its_answer(faults: Faults) -> None:
    asked = question("boolean", "boolean", item=[question("then", required=True, enableWhen=[IF_YES])])
    given = answer("boolean", {"valueBoolean": True, "item": [THEN]})
    assert faults(responded([asked], given)) == []
    assert faults(responded([asked], YES)) == [("answer-required", "QuestionnaireResponse.item[0].answer[0]")]
    assert faults(responded([asked], NO)) == []


def test_a_group_that_is_switched_off_asks_nothing(faults: Faults) -> None:
    group = question("g", "group", required=True, enableWhen=[IF_YES], item=[question("then", required=True)])
    questions = [question("boolean", "boolean"), group]
    assert faults(responded(questions, NO)) == []
    assert faults(responded(questions, NO, {"linkId": "g", "item": [THEN]})) == [
        ("answer-disabled", "QuestionnaireResponse.item[1]")]  # fmt: skip
    assert faults(responded(questions, YES)) == [("answer-required", "QuestionnaireResponse")]


def test_items_stand_in_the_order_of_the_questionnaire(faults: Faults) -> None:
    questions = [question("a"), question("b")]
    one, other = answer("a", {"valueString": "x"}), answer("b", {"valueString": "x"})
    assert faults(responded(questions, one, other)) == []
    assert faults(responded(questions, other, one)) == [("answer-order", "QuestionnaireResponse.item[1]")]


def test_answers_to_one_question_are_in_one_item(faults: Faults) -> None:
    questions = [question("a", repeats=True)]
    value = {"valueString": "x"}
    assert faults(responded(questions, answer("a", value, value))) == []
    assert faults(responded(questions, answer("a", value), answer("a", value))) == [
        ("answer-repeats", "QuestionnaireResponse.item[1]")]  # fmt: skip


def test_an_open_choice_is_answered_by_a_text_or_an_option(faults: Faults) -> None:
    questions = [question("a", "open-choice", answerOption=[{"valueDate": "2020-01-01"}])]
    for value in ({"valueString": "x"}, {"valueDate": "2020-01-01"}, {"valueCoding": {"display": "x"}}):
        assert faults(responded(questions, answer("a", value))) == []
    for rule, value in (("type", {"valueInteger": 1}), ("option", {"valueCoding": A})):
        assert faults(responded(questions, answer("a", value))) == [
            (f"answer-{rule}", "QuestionnaireResponse.item[0].answer[0]")]  # fmt: skip


@pytest.mark.parametrize("condition", [
    when("then", "=", answerString="x"), when("boolean", "=", answerString="x"), when("integer", ">", answerString="5"),
    when("boolean", ">", answerBoolean=True), when("nobody", "exists", answerBoolean=True),
    when("group", "=", answerBoolean=True), when("display", "=", answerBoolean=True),
])  # fmt: skip
def test_conditions_that_cannot_be_meant(validator: Validator, faults: Faults, condition: Json) -> None:
    asked = {"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft", "item": depends(condition)}
    assert faults(asked) == [("questionnaire-enable-when", "Questionnaire.item[10].enableWhen[0]")]
    assert not validator.is_valid(asked)


def test_an_item_is_not_switched_on_by_one_below_it(faults: Faults) -> None:
    below = question("g2", "group", item=[question("boolean", "boolean"), question("b", enableWhen=[IF_YES])])
    group = question("g", "group", enableWhen=[IF_YES], item=[below])
    asked = {"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft", "item": [group]}
    assert faults(asked) == [("questionnaire-enable-when", "Questionnaire.item[0].enableWhen[0]")]


def test_a_display_has_no_items(faults: Faults) -> None:
    questions = [question("d", "display"), question("a")]
    inside = {"linkId": "d", "item": [answer("a", {"valueString": "x"})]}
    assert faults(responded(questions, {"linkId": "d"})) == []
    assert faults(responded(questions, inside)) == [("answer-link", "QuestionnaireResponse.item[0]")]


def test_an_abstract_type_is_no_question(faults: Faults) -> None:
    asked = {"resourceType": "Questionnaire", "text": NARRATIVE, "status": "draft", "item": [question("a", "question")]}
    assert faults(asked) == [("binding-required", "Questionnaire.item[0].type")]


def test_answers_to_a_questionnaire_put_together_from_others_are_said_not_to_be_checked(validator: Validator) -> None:
    part = {"url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire",
            "valueCanonical": "https://a.example/part"}  # fmt: skip
    made = responded([question("a", "display", extension=[part])], answer("b", {"valueString": "x"}))
    found = [i for i in validator.check(made) if i.rule == "questionnaire-unchecked"]
    assert [i.severity for i in found] == ["information"]
    assert "put together" in found[0].message
