"""Questionnaires in themselves, and responses against the Questionnaire they answer, where that is at hand.

At hand is a Questionnaire that is contained, in the same Bundle, or loaded; of others is said that the answers were not
checked, as of those put together from several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json
from gateway.validation.enable_when import items
from gateway.validation.parts import member, parts
from gateway.validation.question_asks import target_type
from gateway.validation.questionnaire_responses import Asked, Response, all_items, link_of
from gateway.validation.questionnaire_values import check_values
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_ASKED = {
    "boolean": ("answerBoolean",), "decimal": ("answerDecimal",), "integer": ("answerInteger",),
    "date": ("answerDate",), "dateTime": ("answerDateTime",), "time": ("answerTime",), "string": ("answerString",),
    "text": ("answerString",), "quantity": ("answerQuantity",), "reference": ("answerReference",),
    "choice": ("answerCoding", "answerString", "answerInteger", "answerDate", "answerTime", "answerReference"),
    "open-choice": ("answerCoding", "answerString", "answerInteger", "answerDate", "answerTime", "answerReference"),
}  # fmt: skip
"""The members by which a condition may ask about a question of each type."""
_UNORDERED = frozenset(("boolean", "reference", "attachment"))


class Questionnaires:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loaded: dict[str, Asked] = {}

    def check(self, run: Run, value: Json, place: Place) -> None:
        """Check that what an `enableWhen` asks for is a question of the same Questionnaire, and of its type."""
        known = {link_of(one): one for one in all_items(value)}
        above = {link_of(one): link_of(item) for item in known.values() for one in items(item)}
        stack = [(value, place)]
        while stack:
            holder, at = stack.pop()
            for one, here in parts(holder, "item", at):
                stack.append((one, here))
                check_values(run, one, here)
                if one.get("type") == "question":
                    run.error("code-invalid", "binding-required", "The code is abstract: say what kind of question it "
                              "is.", member(here, "type"))  # fmt: skip
                for condition, there in parts(one, "enableWhen", here):
                    wrong = _misasked(condition, known, one) or _inner(condition, above, one)
                    if wrong is not None:
                        run.error("business-rule", "questionnaire-enable-when", wrong, there)

    def check_response(self, run: Run, value: Json, place: Place) -> None:
        """Check a QuestionnaireResponse's answers by its Questionnaire."""
        canonical = value.get("questionnaire")
        asked = self._found(run, value, canonical) if type(canonical) is str else None
        if asked is None or asked.assembled:
            if not items(value):
                return
            why = "not at hand" if asked is None else "put together from others"
            run.note("not-found", "questionnaire-unchecked", f"The answers were not checked: their Questionnaire is "
                     f"{why}.", place)  # fmt: skip
            return
        kind = target_type(value.get("subject"))
        if asked.subjects and kind is not None and kind not in asked.subjects:
            run.error("business-rule", "answer-subject", "The subject must be of a type that the Questionnaire is for.",
                      member(place, "subject"))  # fmt: skip
        Response(self._engine, run, asked, value).level(asked.items, ((None, value),), place)

    def _found(self, run: Run, response: Json, canonical: str) -> Asked | None:
        beside = self._beside(run, response, canonical)
        if beside is not None or canonical.startswith("#"):
            return Asked(beside) if beside is not None else None
        if canonical not in self._loaded:
            loaded = self._engine.definitions.get("Questionnaire", canonical)
            if loaded is None:
                return None
            self._loaded[canonical] = Asked(loaded)
        return self._loaded[canonical]

    def _beside(self, run: Run, response: Json, canonical: str) -> Json | None:
        """The Questionnaire that is contained, or in the same Bundle."""
        if canonical.startswith("#"):
            return _first(response.get("contained"), lambda one: one.get("id") == canonical[1:])
        url, _, version = canonical.partition("|")
        for around in reversed(run.bundles):
            entries = [entry.get("resource") for entry in around.entries() if type(entry) is dict]
            if (found := _first(entries, lambda one: _is(one, url, version))) is not None:
                return found
        return None


def _first(listed: Any, wanted: Any) -> Json | None:
    for one in listed if type(listed) is list else ():
        if type(one) is dict and one.get("resourceType") == "Questionnaire" and wanted(one):
            return one
    return None


def _is(questionnaire: Json, url: str, version: str) -> bool:
    return questionnaire.get("url") == url and (not version or questionnaire.get("version") == version)


def _inner(condition: Json, above: dict[str | None, str | None], item: Json) -> str | None:
    """What is wrong with a condition that asks for an item below the one that it switches on."""
    asked, own = condition.get("question"), link_of(item)
    link = above.get(asked) if type(asked) is str else None
    for _ in range(len(above)):
        if link is None:
            return None
        if link == own:
            return "enableWhen must not ask for an item below the one that it switches on."
        link = above.get(link)
    return None


def _misasked(condition: Json, known: dict[str | None, Json], item: Json) -> str | None:
    """What is wrong with what a condition asks."""
    link = condition.get("question")
    question = known.get(link) if type(link) is str else None
    if type(link) is not str:
        return None
    if question is None:
        return "enableWhen.question must be the linkId of a question of this Questionnaire."
    if question is item:
        return "enableWhen must not ask for the item that it switches on."
    kind, operator = question.get("type"), condition.get("operator")
    if operator == "exists" or type(kind) is not str:
        return None
    if kind in ("group", "display"):
        return f"An item of type {kind} has no answer that enableWhen could ask for."
    given = [name for name in condition if name.startswith("answer")]
    if given and kind in _ASKED and not set(given) & set(_ASKED[kind]):
        return f"The answer that enableWhen asks for must be of the question's type, {kind}."
    if operator in (">", "<", ">=", "<=") and kind in _UNORDERED:
        return f"The answers to a question of type {kind} have no order."
    return None
