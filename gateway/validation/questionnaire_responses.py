"""The walk over a QuestionnaireResponse beside the Questionnaire it answers.

https://hl7.org/fhir/R4/questionnaireresponse.html. An item that `enableWhen` switches off must not be answered; one of
which that cannot be told is not required.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json
from gateway.validation.enable_when import Conditions, Trail, Truth, items
from gateway.validation.parts import parts
from gateway.validation.question_asks import crowded, is_option, miscounted, unfitting
from gateway.validation.questionnaire_values import ANSWERS, CHOICES, CHOSEN, OPTIONS, out_of_bounds
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

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


class Asked:
    """A Questionnaire, looked through once."""

    def __init__(self, questionnaire: Json) -> None:
        every = list(all_items(questionnaire))
        self.items = items(questionnaire)
        self.links = frozenset(link_of(one) for one in every)
        self.conditions = Conditions(questionnaire)
        contained = questionnaire.get("contained")
        listed = [one for one in contained if type(one) is dict] if type(contained) is list else []
        self.value_sets = {one.get("id"): one for one in listed if one.get("resourceType") == "ValueSet"}
        kinds = questionnaire.get("subjectType")
        self.subjects = [one for one in kinds if type(one) is str] if type(kinds) is list else []
        self.assembled = any(_assembled(one) for one in every)


class Response:
    """The walk over one response beside its Questionnaire."""

    def __init__(self, engine: Engine, run: Run, asked: Asked, response: Json) -> None:
        self._engine = engine
        self._run = run
        self._known = asked.links
        self._conditions = asked.conditions
        self._value_sets = asked.value_sets
        status = response.get("status")
        self._finished = type(status) is str and status in _FINISHED

    def error(self, rule: str, message: str, place: Place) -> None:
        self._run.error("business-rule", f"answer-{rule}", message, place)

    def level(self, questions: list[Json], trail: Trail, place: Place) -> None:
        """The items of a response, a group or an answer (the end of the trail) beside the questions asked there."""
        asked = {link_of(question): (number, question) for number, question in enumerate(questions)}
        seen: Counter[Any] = Counter()
        answered = set()
        last = 0
        for item, here in parts(trail[-1][1], "item", place):
            link = link_of(item)
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
            if not _same_text(question, item):
                self.error("text", "The text must be that of the question.", here)
            enabled = self._conditions.enabled(question, trail)
            if enabled is False and _answers_anything(item):
                self.error("disabled", "The item must have no answer: by its enableWhen it is not asked.", here)
            elif self._item(question, item, here, trail=trail, asked=enabled):
                answered.add(link)
        for question in questions:
            if question.get("type") == "group" and "extension" in question:
                self._count(question, seen[link_of(question)], place)
        if self._finished:
            for question in questions:
                asks = _required(question) and link_of(question) not in answered
                if asks and self._conditions.enabled(question, trail):
                    self.error("required", f"The required item{_named(question)} has no answer.", place)

    def _count(self, question: Json, number: int, place: Place) -> None:
        for wrong in miscounted(question, number, finished=self._finished):
            self.error("count", wrong, place)

    def _item(self, question: Json, item: Json, place: Place, *, trail: Trail, asked: Truth) -> bool:
        """Check one item; whether it answers."""
        kind, link = question.get("type"), link_of(question)
        answers = list(parts(item, "answer", place))
        if kind in ("group", "display"):
            if answers:
                self.error("unasked", f"An item of type {kind} must have no answer.", place)
            elif kind == "display" and items(item):
                self.error("link", "An item of type display must have no items.", place)
            if kind == "group" and asked is not False:
                self.level(items(question), (*trail, (link, item)), place)
            return bool(items(item))
        if len(answers) > 1 and question.get("repeats") is not True:
            self.error("repeats", "There may be only one answer: the question does not repeat.", place)
        if "extension" in question:
            self._count(question, len(answers), place)
        if crowded(question, [answer for answer, _ in answers]):
            self.error("option", "An option that excludes the others must be the only answer.", place)
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
        if type(kind) is not str:
            return
        allowed = CHOSEN if kind == "choice" else _open(question) if kind == "open-choice" else ANSWERS.get(kind)
        if allowed is not None and name not in allowed:
            self.error("type", f"The answer must be of the question's type, {kind}.", place)
            return
        longest = question.get("maxLength")
        if type(longest) is int and type(value) is str and len(value) > longest:
            self.error("length", f"The answer must not have more than {longest} characters.", place)
        if "extension" in question:
            for beyond in (*out_of_bounds(question, value), *unfitting(question, value)):
                self.error("bound", beyond, place)
        if kind in CHOICES or kind in OPTIONS:
            self._choice(question, answer, name, place)

    def _choice(self, question: Json, answer: Json, name: str, place: Place) -> None:
        value, free = answer[name], question.get("type") == "open-choice"
        if free and (name == "valueString" or (type(value) is dict and not value.keys() & {"code", "system"})):
            return  # what is written freely
        options = question.get("answerOption")
        if type(options) is list and options:
            if not any(is_option(option, answer) for option in options if type(option) is dict):
                self.error("option", "The answer must be one of the question's answerOptions.", place)
            return
        value_set = question.get("answerValueSet")
        if type(value_set) is not str:
            return
        belongs = self._belongs(value_set, value) if name == "valueCoding" else False
        if belongs is False:
            self.error("option", "The answer must be a code of the question's answerValueSet.", place)
        elif belongs is None:
            self._run.note("not-supported", "binding-unchecked", "The code was not checked: the value set cannot be "
                           f"expanded here ({value_set}).", place)  # fmt: skip

    def _belongs(self, value_set: str, coding: Any) -> Truth:
        """Whether a coding is in a value set; one that is contained is in the Questionnaire, or beside it."""
        if not value_set.startswith("#"):
            return self._engine.bindings.member(value_set, "Coding", coding, asked_in=None)
        found, code = self._value_sets.get(value_set[1:]), coding.get("code") if type(coding) is dict else None
        if found is None or type(code) is not str:
            return None
        system = coding.get("system")
        return self._engine.terminology.within(found, system, code) if type(system) is str else False


def _same_text(question: Json, item: Json) -> bool:
    """Whether an item that has a text has its question's; texts with extensions may be translated."""
    said, asked = item.get("text"), question.get("text")
    if type(said) is not str or type(asked) is not str or "_text" in item or "_text" in question:
        return True
    return said.split() == asked.split()


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


def _named(question: Json) -> str:
    """A linkId as it may be shown: one that is written as they are."""
    link = link_of(question)
    return f" with linkId {link}" if link is not None and _LINK.fullmatch(link) else ""


def link_of(item: Json) -> str | None:
    link = item.get("linkId")
    return link if type(link) is str else None


def _assembled(item: Json) -> bool:
    extensions = item.get("extension")
    return type(extensions) is list and any(type(e) is dict and e.get("url") == _ASSEMBLED for e in extensions)
