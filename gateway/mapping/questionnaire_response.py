"""The checked criteria -> QuestionnaireResponse to our ecm-criteria Questionnaire, and back.

Profile: ecm-criteria-response, on US Core 6.1.0. Answers are those of https://hl7.org/fhir/R4/valueset-yesnodontknow.html.
"""

from __future__ import annotations

from gateway.domain.codes import Answer
from gateway.domain.referral import CriterionAnswer, Referral
from gateway.fhir.codec import Json
from gateway.fhir.element import absent, filled
from gateway.mapping import datatypes, systems
from gateway.mapping.context import Context

QUESTIONNAIRE = f"{systems.BASE}/Questionnaire/ecm-criteria|0.1.0"
PROFILES = (systems.definition("criteria-response"), systems.US_CORE + "us-core-questionnaireresponse")
_NOTE = ".note"
_ABSENT = systems.THO + "data-absent-reason"
_ANSWERS: dict[Answer, Json] = {
    Answer.YES: {"system": systems.THO + "v2-0136", "code": "Y", "display": "Yes"},
    Answer.NO: {"system": systems.THO + "v2-0136", "code": "N", "display": "No"},
    Answer.UNKNOWN: {"system": _ABSENT, "code": "asked-unknown", "display": "Asked But Unknown"},
}
_CODES = {coding["code"]: answer for answer, coding in _ANSWERS.items()}


def to_fhir(referral: Referral, *, request: Json, subject: Json, author: Json, context: Context) -> Json | None:
    """The answers in the order of their criteria; None where no criterion was answered."""
    if not referral.criteria:
        return None
    authored = datatypes.day(referral.authored)
    return filled(
        {
            "resourceType": "QuestionnaireResponse",
            "id": context.ids.keyed("QuestionnaireResponse", referral.key),
            "meta": systems.meta(*PROFILES),
            "identifier": systems.identifier(referral.key, kind="/criteria"),
            "basedOn": [request],
            "questionnaire": QUESTIONNAIRE,
            "status": "completed",
            "subject": subject,
            "authored": authored,
            "_authored": None if authored else absent(),
            "author": author,
            "item": [_item(one) for one in referral.criteria],
        }
    )


def from_fhir(resource: Json | None) -> tuple[CriterionAnswer, ...]:
    return tuple(_answer(item) for item in (resource or {}).get("item", ()))


def _item(one: CriterionAnswer) -> Json:
    answer: Json = {"valueCoding": _ANSWERS[one.answer]}
    if one.note:
        answer["item"] = [{"linkId": one.criterion + _NOTE, "answer": [{"valueString": one.note}]}]
    return {"linkId": one.criterion, "answer": [answer]}


def _answer(item: Json) -> CriterionAnswer:
    answer = item["answer"][0]
    notes = [inner["answer"][0]["valueString"] for inner in answer.get("item", ()) if inner["linkId"].endswith(_NOTE)]
    return CriterionAnswer(
        criterion=item["linkId"],
        answer=_CODES[answer["valueCoding"]["code"]],
        note=notes[0] if notes else None,
    )
