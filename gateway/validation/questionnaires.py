"""Questionnaires in themselves, and responses against the Questionnaire they answer, where that is at hand.

https://hl7.org/fhir/R4/questionnaireresponse.html. At hand is a Questionnaire that is contained, in the same Bundle, or
loaded; of others is said that the answers were not checked, as of those put together from several. An item that
`enableWhen` switches off must not be answered; one of which that cannot be told is not required.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json
from gateway.validation.enable_when import Conditions, Trail, Truth, items
from gateway.validation.parts import member, parts
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_ANSWERS = {
    "boolean": ("valueBoolean",), "decimal": ("valueDecimal",), "integer": ("valueInteger",), "date": ("valueDate",),
    "dateTime": ("valueDateTime",), "time": ("valueTime",), "string": ("valueString",), "text": ("valueString",),
    "url": ("valueUri",), "attachment": ("valueAttachment",), "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}  # fmt: skip
"""The member that answers a question of each type; choices say their own."""
_ASKED = {
    "boolean": ("answerBoolean",), "decimal": ("answerDecimal",), "integer": ("answerInteger",),
    "date": ("answerDate",), "dateTime": ("answerDateTime",), "time": ("answerTime",), "string": ("answerString",),
    "text": ("answerString",), "quantity": ("answerQuantity",), "reference": ("answerReference",),
    "choice": ("answerCoding", "answerString", "answerInteger", "answerDate", "answerTime", "answerReference"),
    "open-choice": ("answerCoding", "answerString", "answerInteger", "answerDate", "answerTime", "answerReference"),
}  # fmt: skip
"""The members by which a condition may ask about a question of each type."""
_UNORDERED = frozenset(("boolean", "reference", "attachment"))
_CHOICES = ("valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference")
_LINK = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9._/\-]{0,31}")
_FINISHED = frozenset(("completed", "amended"))
_ASSEMBLED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire"
"""Marks an item whose questions are in another Questionnaire."""


def all_items(questionnaire: Json) -> Iterator[Json]:
    """Every item, however deep."""
    stack = items(questionnaire)
    while stack:
        one = stack.pop()
        yield one
        stack += items(one)


class Questionnaires:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self, run: Run, value: Json, place: Place) -> None:
        """Check that what an `enableWhen` asks for is a question of the same Questionnaire, and of its type."""
        known = {_link(one): one for one in all_items(value)}
        stack = [(value, place)]
        while stack:
            holder, at = stack.pop()
            for one, here in parts(holder, "item", at):
                stack.append((one, here))
                if one.get("type") == "question":
                    run.error("code-invalid", "binding-required", "The code is abstract: say what kind of question it "
                              "is.", member(here, "type"))  # fmt: skip
                for condition, there in parts(one, "enableWhen", here):
                    wrong = _misasked(condition, known, one)
                    if wrong is not None:
                        run.error("business-rule", "questionnaire-enable-when", wrong, there)

    def check_response(self, run: Run, value: Json, place: Place) -> None:
        """Check a QuestionnaireResponse's answers by its Questionnaire."""
        if not items(value):
            return
        canonical = value.get("questionnaire")
        questionnaire = self._found(run, value, canonical) if type(canonical) is str else None
        if questionnaire is None or any(_assembled(one) for one in all_items(questionnaire)):
            why = "not at hand" if questionnaire is None else "put together from others"
            run.note("not-found", "questionnaire-unchecked", f"The answers were not checked: their Questionnaire is "
                     f"{why}.", place)  # fmt: skip
            return
        _Response(self._engine, run, questionnaire, value).level(items(questionnaire), ((None, value),), place)

    def _found(self, run: Run, response: Json, canonical: str) -> Json | None:
        if canonical.startswith("#"):
            held = response.get("contained")
            return _first(held, lambda one: one.get("id") == canonical[1:])
        url, _, version = canonical.partition("|")
        for around in reversed(run.bundles):
            entries = [entry.get("resource") for entry in around.entries() if type(entry) is dict]
            if (found := _first(entries, lambda one: _is(one, url, version))) is not None:
                return found
        return self._engine.definitions.get("Questionnaire", canonical)


class _Response:
    """The walk over one response beside its Questionnaire."""

    def __init__(self, engine: Engine, run: Run, questionnaire: Json, response: Json) -> None:
        self._engine = engine
        self._run = run
        self._known = {_link(one) for one in all_items(questionnaire)}
        self._conditions = Conditions(questionnaire)
        status = response.get("status")
        self._finished = type(status) is str and status in _FINISHED

    def error(self, rule: str, message: str, place: Place) -> None:
        self._run.error("business-rule", f"answer-{rule}", message, place)

    def level(self, questions: list[Json], trail: Trail, place: Place) -> None:
        """The items of a response, a group or an answer (the end of the trail) beside the questions asked there."""
        asked = {_link(question): (number, question) for number, question in enumerate(questions)}
        seen: Counter[Any] = Counter()
        answered = set()
        last = 0
        for item, here in parts(trail[-1][1], "item", place):
            link = _link(item)
            if link is None:
                continue
            number, question = asked.get(link, (last, None))
            if question is None:
                told = ("stands elsewhere in the Questionnaire" if link in self._known
                        else "is none of the Questionnaire")  # fmt: skip
                self.error("link", f"The item's linkId {told}.", here)
                continue
            if number < last:
                self.error("order", "The items must be in the order of the Questionnaire.", here)
            last = max(number, last)
            seen[link] += 1
            if seen[link] == 2 and (question.get("repeats") is not True or question.get("type") != "group"):
                many = question.get("repeats") is True
                why = "all answers to a question are in one item" if many else "its question does not repeat"
                self.error("repeats", f"The item may be there only once: {why}.", here)
            enabled = self._conditions.enabled(question, trail)
            if enabled is False and _answers_anything(item):
                self.error("disabled", "The item must have no answer: by its enableWhen it is not asked.", here)
            elif self._item(question, item, here, trail=trail, asked=enabled):
                answered.add(link)
        if self._finished:
            for question in questions:
                asks = _required(question) and _link(question) not in answered
                if asks and self._conditions.enabled(question, trail):
                    self.error("required", f"The required item{_named(question)} has no answer.", place)

    def _item(self, question: Json, item: Json, place: Place, *, trail: Trail, asked: Truth) -> bool:
        """Check one item; whether it answers."""
        kind, link = question.get("type"), _link(question)
        answers = list(parts(item, "answer", place))
        if kind in ("group", "display"):
            if answers:
                self.error("unasked", f"An item of type {kind} must have no answer.", place)
            if kind == "group" and asked is not False:
                self.level(items(question), (*trail, (link, item)), place)
            return bool(items(item))
        if len(answers) > 1 and question.get("repeats") is not True:
            self.error("repeats", "There may be only one answer: the question does not repeat.", place)
        for answer, here in answers:
            self._answer(question, answer, here)
            if items(answer) or items(question):
                self.level(items(question), (*trail, (link, answer)), here)
        if items(item):
            self.error("link", "Items below a question stand in its answer.", place)
        return bool(answers)

    def _answer(self, question: Json, answer: Json, place: Place) -> None:
        name = next((name for name in answer if name.startswith("value")), None)
        if name is None:
            return
        kind, value = question.get("type"), answer[name]
        choice = kind in ("choice", "open-choice")
        allowed = (
            _CHOICES
            if kind == "choice"
            else _open(question)
            if choice
            else _ANSWERS.get(kind)
            if type(kind) is str
            else None
        )
        if allowed is not None and name not in allowed:
            self.error("type", f"The answer must be of the question's type, {kind}.", place)
            return
        longest = question.get("maxLength")
        if type(longest) is int and type(value) is str and len(value) > longest:
            self.error("length", f"The answer must not have more than {longest} characters.", place)
        if kind == "choice":
            self._choice(question, name, value, place)

    def _choice(self, question: Json, name: str, value: Any, place: Place) -> None:
        options = question.get("answerOption")
        if type(options) is list and options:
            if not any(_same(name, value, option.get(name)) for option in options if type(option) is dict):
                self.error("option", "The answer must be one of the question's answerOptions.", place)
            return
        value_set = question.get("answerValueSet")
        if type(value_set) is not str or name != "valueCoding":
            return
        contained = value_set.startswith("#")
        belongs = None if contained else self._engine.bindings.member(value_set, "Coding", value, asked_in=None)
        if belongs is False:
            self.error("option", "The answer must be a code of the question's answerValueSet.", place)
        elif belongs is None:
            self._run.note("not-supported", "binding-unchecked", "The code was not checked: the value set cannot be "
                           f"expanded here ({value_set}).", place)  # fmt: skip


def _first(listed: Any, wanted: Any) -> Json | None:
    for one in listed if type(listed) is list else ():
        if type(one) is dict and one.get("resourceType") == "Questionnaire" and wanted(one):
            return one
    return None


def _is(questionnaire: Json, url: str, version: str) -> bool:
    return questionnaire.get("url") == url and (not version or questionnaire.get("version") == version)


def _assembled(item: Json) -> bool:
    extensions = item.get("extension")
    return type(extensions) is list and any(type(e) is dict and e.get("url") == _ASSEMBLED for e in extensions)


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
    given = [name for name in condition if name.startswith("answer")]
    if given and kind in _ASKED and not set(given) & set(_ASKED[kind]):
        return f"The answer that enableWhen asks for must be of the question's type, {kind}."
    if operator in (">", "<", ">=", "<=") and kind in _UNORDERED:
        return f"The answers to a question of type {kind} have no order."
    return None


def _open(question: Json) -> tuple[str, ...]:
    """The members that answer an open choice: a text, a code, or what its options are."""
    options = question.get("answerOption")
    listed = [one for one in options if type(one) is dict] if type(options) is list else []
    return ("valueString", "valueCoding", *(name for one in listed for name in one if name.startswith("value")))


def _answers_anything(item: Json) -> bool:
    """Whether there is an answer in an item or below it."""
    stack = [item]
    while stack:
        one = stack.pop()
        if one.get("answer"):
            return True
        stack += items(one)
    return False


def _required(question: Json) -> bool:
    return question.get("required") is True and question.get("type") != "display"


def _link(item: Json) -> str | None:
    link = item.get("linkId")
    return link if type(link) is str else None


def _named(question: Json) -> str:
    """A linkId as it may be shown: one that is written as they are."""
    link = _link(question)
    return f" with linkId {link}" if link is not None and _LINK.fullmatch(link) else ""


def _same(name: str, value: Any, option: Any) -> bool:
    if name == "valueCoding" and type(value) is dict and type(option) is dict:
        return value.get("code") == option.get("code") and value.get("system") == option.get("system")
    if name == "valueReference" and type(value) is dict and type(option) is dict:
        return value.get("reference") == option.get("reference")
    return option is not None and value == option
