"""QuestionnaireResponses against the Questionnaire they answer: contained, in the Bundle, or loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import NARRATIVE, Json

URL = "https://ecm-gateway.example/fhir/Questionnaire/needs"
HOUSING = {"system": "https://ecm-gateway.example/codes", "code": "housed"}
QUESTIONNAIRE: Json = {
    "resourceType": "Questionnaire", "url": URL, "status": "active", "text": NARRATIVE, "item": [
        {"linkId": "1", "type": "group", "item": [
            {"linkId": "1.1", "type": "choice", "required": True, "answerOption": [
                {"valueCoding": HOUSING}, {"valueString": "other"}]},
            {"linkId": "1.2", "type": "string", "maxLength": 5, "repeats": True},
            {"linkId": "1.3", "type": "display", "text": "Thanks"}]},
        {"linkId": "2", "type": "boolean", "item": [{"linkId": "2.1", "type": "integer"}]},
        {"linkId": "3", "type": "date", "required": True, "enableWhen": [
            {"question": "2", "operator": "=", "answerBoolean": False}]},
        {"linkId": "4", "type": "open-choice", "answerOption": [{"valueCoding": HOUSING}]},
        {"linkId": "5", "type": "choice",
         "answerValueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}]}  # fmt: skip
RESPONSE: Json = {
    "resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": "completed", "text": NARRATIVE, "item": [
        {"linkId": "1", "item": [
            {"linkId": "1.1", "answer": [{"valueCoding": {**HOUSING, "display": "Housed"}}]},
            {"linkId": "1.2", "answer": [{"valueString": "a"}, {"valueString": "b"}]}]},
        {"linkId": "2", "answer": [
            {"valueBoolean": True, "item": [{"linkId": "2.1", "answer": [{"valueInteger": 1}]}]}]},
        {"linkId": "4", "answer": [{"valueString": "in a car"}]},
        {"linkId": "5", "answer": [
            {"valueCoding": {"system": "http://hl7.org/fhir/administrative-gender", "code": "female"}}]}]}  # fmt: skip
Change = Callable[[list[Json]], Any]


@pytest.fixture(scope="module")
def loaded() -> Validator:
    return Validator.load([], resources=[QUESTIONNAIRE])


def faults(validator: Validator, resource: Json) -> list[tuple[str | None, str | None]]:
    found = [(i.rule, i.expression) for i in validator.check(resource) if i.is_error]
    assert validator.is_valid(resource) == (not found)
    return found


def test_good_answers(loaded: Validator) -> None:
    assert [issue.rule for issue in loaded.check(RESPONSE)] == ["codes-unchecked"]
    assert loaded.is_valid(RESPONSE)


CHANGES: list[tuple[Change, str, str]] = [
    (lambda i: i.append({"linkId": "9"}), "answer-link", "item[4]"),
    (lambda i: i.append({"linkId": "1.2"}), "answer-link", "item[4]"),
    (lambda i: i[0]["item"].pop(0), "answer-required", "item[0]"),
    (lambda i: i[0]["item"][0].pop("answer"), "answer-required", "item[0]"),
    (lambda i: i[1].update(answer=[{"valueString": "yes"}]), "answer-type", "item[1].answer[0]"),
    (lambda i: i[3].update(answer=[{"valueBoolean": True}]), "answer-type", "item[3].answer[0]"),
    (lambda i: i[0]["item"][0].update(answer=[{"valueString": "x"}]), "answer-option", "item[0].item[0].answer[0]"),
    (lambda i: i[0]["item"][0].update(answer=[{"valueCoding": {"code": "housed"}}]), "answer-option",
     "item[0].item[0].answer[0]"),
    (lambda i: i[3]["answer"][0]["valueCoding"].update(system="https://a.example"), "answer-option",
     "item[3].answer[0]"),
    (lambda i: i[0].update(answer=[{"valueString": "x"}], item=[]), "answer-unasked", "item[0]"),
    (lambda i: i[0]["item"].append({"linkId": "1.3", "answer": [{"valueString": "x"}]}), "answer-unasked",
     "item[0].item[2]"),
    (lambda i: i[1]["answer"].append({"valueBoolean": False}), "answer-repeats", "item[1]"),
    (lambda i: i.append(copy.deepcopy(i[1])), "answer-repeats", "item[4]"),
    (lambda i: i[0]["item"][1].update(answer=[{"valueString": "too long"}]), "answer-length",
     "item[0].item[1].answer[0]"),
    (lambda i: i[1]["answer"][0]["item"].append({"linkId": "4"}), "answer-link", "item[1].answer[0].item[1]"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "where"), CHANGES)
def test_what_breaks_a_response(loaded: Validator, change: Change, rule: str, where: str) -> None:
    made = copy.deepcopy(RESPONSE)
    change(made["item"])
    assert (rule, f"QuestionnaireResponse.{where}") in faults(loaded, made)


def test_every_missing_answer_is_told(loaded: Validator) -> None:
    both = copy.deepcopy(QUESTIONNAIRE)
    both["item"] = [{"linkId": link, "type": "string", "required": True} for link in ("a", "b", "c")]
    made = RESPONSE | {"item": [{"linkId": "c", "answer": [{"valueString": "x"}]}]}
    found = [i.message for i in Validator.load([], resources=[both]).check(made) if i.rule == "answer-required"]
    assert [message.split()[5] for message in found] == ["a", "b"]


def test_answers_still_to_come_are_not_missing(loaded: Validator) -> None:
    made = copy.deepcopy(RESPONSE) | {"status": "in-progress"}
    made["item"][0]["item"].pop(0)
    assert faults(loaded, made) == []


def test_a_questionnaire_may_be_contained_or_in_the_bundle() -> None:
    bare = Validator.load([])
    wrong = copy.deepcopy(RESPONSE)
    wrong["item"].append({"linkId": "9"})
    contained = wrong | {"questionnaire": "#q", "contained": [QUESTIONNAIRE | {"id": "q"}]}
    assert [rule for rule, _ in faults(bare, contained)] == ["answer-link"]
    names = [f"urn:uuid:c757873d-ec9a-4326-a141-55600000000{n}" for n in (1, 2)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": name, "resource": resource}
        for name, resource in zip(names, (wrong, QUESTIONNAIRE), strict=True)]}  # fmt: skip
    assert [rule for rule, _ in faults(bare, bundle)] == ["answer-link"]


def test_answers_to_an_unknown_questionnaire_are_said_not_to_be_checked() -> None:
    bare = Validator.load([])
    for asked in ({}, {"questionnaire": "https://a.example/q"}):
        made = {name: value for name, value in RESPONSE.items() if name != "questionnaire"} | asked
        assert ("information", "questionnaire-unchecked") in [(i.severity, i.rule) for i in bare.check(made)]
        assert bare.is_valid(made)


def test_what_enables_a_question_is_a_question(loaded: Validator) -> None:
    made = copy.deepcopy(QUESTIONNAIRE)
    made["item"][2]["enableWhen"][0]["question"] = "nothing"
    assert faults(loaded, made) == [("questionnaire-enable-when", "Questionnaire.item[2].enableWhen[0]")]


@pytest.mark.parametrize("junk", [[5], [{"linkId": []}], {"a": 1}, [{"linkId": "1", "item": 5, "answer": [None, {}]}]])
def test_junk_in_either_is_no_crash(loaded: Validator, junk: Any) -> None:
    assert loaded.check(RESPONSE | {"item": junk}) is not None
    contained = RESPONSE | {"questionnaire": "#q", "contained": [QUESTIONNAIRE | {"id": "q", "item": junk}]}
    assert loaded.check(contained) is not None
    assert loaded.check(QUESTIONNAIRE | {"item": junk}) is not None
