"""Questionnaires in themselves, and responses against the Questionnaire they answer, where that is at hand.

https://hl7.org/fhir/R4/questionnaireresponse.html. At hand is a Questionnaire that is contained, in the same Bundle, or
loaded; of others is said that the answers were not checked. Items that `enableWhen` may switch off are never required.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json
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
_CHOICES = ("valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference")
_LINK = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9._/\-]{0,31}")
_FINISHED = frozenset(("completed", "amended"))
_ASSEMBLED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-subQuestionnaire"
"""Marks an item whose questions are in another Questionnaire."""


def items(value: Any) -> list[Json]:
    """The items of a Questionnaire, an item or an answer that are objects."""
    found = value.get("item") if type(value) is dict else None
    return [one for one in found if type(one) is dict] if type(found) is list else []


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
        """Check that what an `enableWhen` asks for is a question of the same Questionnaire."""
        known = {_link(one) for one in all_items(value)}
        stack = [(value, place)]
        while stack:
            holder, at = stack.pop()
            for one, here in _placed(holder, "item", at):
                stack.append((one, here))
                for condition, there in _placed(one, "enableWhen", here):
                    question = condition.get("question")
                    if type(question) is str and question not in known:
                        run.error("business-rule", "questionnaire-enable-when", "enableWhen.question must be the "
                                  "linkId of a question of this Questionnaire.", there)  # fmt: skip

    def check_response(self, run: Run, value: Json, place: Place) -> None:
        """Check a QuestionnaireResponse's answers by its Questionnaire."""
        if not items(value):
            return
        canonical = value.get("questionnaire")
        questionnaire = self._found(run, value, canonical) if type(canonical) is str else None
        if questionnaire is None or any(_assembled(one) for one in all_items(questionnaire)):
            run.note("not-found", "questionnaire-unchecked", "The answers were not checked: their Questionnaire is not "
                     "at hand.", place)  # fmt: skip
            return
        _Response(self._engine, run, questionnaire, value).level(items(questionnaire), value, place)

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
        status = response.get("status")
        self._finished = type(status) is str and status in _FINISHED

    def error(self, rule: str, message: str, place: Place) -> None:
        self._run.error("business-rule", f"answer-{rule}", message, place)

    def level(self, questions: list[Json], holder: Json, place: Place) -> None:
        """The items of a response, a group or an answer beside the questions asked there."""
        asked = {_link(question): question for question in questions}
        seen: Counter[Any] = Counter()
        answered = set()
        for item, here in _placed(holder, "item", place):
            link = _link(item)
            if link is None:
                continue
            question = asked.get(link)
            if question is None:
                told = ("stands elsewhere in the Questionnaire" if link in self._known
                        else "is none of the Questionnaire")  # fmt: skip
                self.error("link", f"The item's linkId {told}.", here)
                continue
            seen[link] += 1
            if seen[link] == 2 and question.get("repeats") is not True:
                self.error("repeats", "The item may be there only once: its question does not repeat.", here)
            if self._item(question, item, here):
                answered.add(link)
        if self._finished:
            for question in questions:
                if _required(question) and _link(question) not in answered:
                    self.error("required", f"The required item{_named(question)} has no answer.", place)

    def _item(self, question: Json, item: Json, place: Place) -> bool:
        """Check one item; whether it answers."""
        kind = question.get("type")
        answers = list(_placed(item, "answer", place))
        if kind in ("group", "display"):
            if answers:
                self.error("unasked", f"An item of type {kind} must have no answer.", place)
            if kind == "group":
                self.level(items(question), item, place)
            return bool(items(item))
        if len(answers) > 1 and question.get("repeats") is not True:
            self.error("repeats", "There may be only one answer: the question does not repeat.", place)
        for answer, here in answers:
            self._answer(question, answer, here)
            if items(answer) or items(question):
                self.level(items(question), answer, here)
        return bool(answers)

    def _answer(self, question: Json, answer: Json, place: Place) -> None:
        name = next((name for name in answer if name.startswith("value")), None)
        if name is None:
            return
        kind, value = question.get("type"), answer[name]
        choice = kind in ("choice", "open-choice")
        allowed = _CHOICES if choice else _ANSWERS.get(kind) if type(kind) is str else None
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
        if type(value_set) is not str or name != "valueCoding" or value_set.startswith("#"):
            return
        belongs = self._engine.bindings.member(value_set, "Coding", value, asked_in=None)
        if belongs is False:
            self.error("option", "The answer must be a code of the question's answerValueSet.", place)
        elif belongs is None:
            self._run.note("not-supported", "binding-unchecked", "The code was not checked: the value set cannot be "
                           f"expanded here ({value_set}).", place)  # fmt: skip


def _placed(holder: Json, name: str, place: Place) -> Iterator[tuple[Json, Place]]:
    """The objects of a member, with their places."""
    shape, listed = place[3], holder.get(name)
    member = shape.members.get(name) if shape is not None else None
    if member is None or type(listed) is not list:
        return
    for index, one in enumerate(listed):
        if type(one) is dict:
            yield one, (place, member, index, member.shape)


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


def _required(question: Json) -> bool:
    return question.get("required") is True and not question.get("enableWhen") and question.get("type") != "display"


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
