"""Which items of a Questionnaire a response has switched on. https://hl7.org/fhir/R4/questionnaire.html#enableWhen

Answered in three values: None is what cannot be told, such as the order of dates of unlike precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from gateway.validation.compiled import Json

Truth = bool | None
Trail = Sequence[tuple[str | None, Json]]
"""From the response down to where an item stands: the linkId of each group or question, and what holds its items."""

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda x, y: x > y,
    "<": lambda x, y: x < y,
    ">=": lambda x, y: x >= y,
    "<=": lambda x, y: x <= y,
}
_SORTED = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?|[0-9]{2}:[0-9]{2}:[0-9]{2}")
"""Dates and times that compare as texts, where they are as long as each other."""
MAX_SEEN = 20_000
"""Items looked at for one condition; beyond, it cannot be told."""


def items(value: Any) -> list[Json]:
    """The items of a Questionnaire, an item or an answer that are objects."""
    found = value.get("item") if type(value) is dict else None
    return [one for one in found if type(one) is dict] if type(found) is list else []


def answers(item: Json) -> list[Json]:
    """The answers of an item that are objects."""
    found = item.get("answer")
    return [one for one in found if type(one) is dict] if type(found) is list else []


class Conditions:
    """The conditions of one Questionnaire."""

    def __init__(self, questionnaire: Json) -> None:
        self._above: dict[str, tuple[str, ...]] = {}
        stack: list[tuple[Json, tuple[str, ...]]] = [(questionnaire, ())]
        while stack:
            holder, above = stack.pop()
            for one in items(holder):
                link = one.get("linkId")
                if type(link) is str:
                    self._above.setdefault(link, above)
                    if len(above) < 100:
                        stack.append((one, (*above, link)))

    def enabled(self, question: Json, trail: Trail) -> Truth:
        """Whether a question is switched on for the place in a response that `trail` leads to."""
        listed = question.get("enableWhen")
        conditions = [one for one in listed if type(one) is dict] if type(listed) is list else []
        if not conditions:
            return True if listed is None else None
        truths = [self._holds(one, question, trail) for one in conditions]
        behavior = question.get("enableBehavior")
        if len(truths) == 1:
            return truths[0]
        if behavior == "any":
            return True if True in truths else None if None in truths else False
        if behavior == "all":
            return False if False in truths else None if None in truths else True
        return None

    def _holds(self, condition: Json, question: Json, trail: Trail) -> Truth:
        link, operator = condition.get("question"), condition.get("operator")
        if type(link) is not str or link not in self._above:
            return None
        given = self._answers(link, question, trail)
        if given is None:
            return None
        name = next((name for name in condition if name.startswith("answer")), None)
        if name is None:
            return None
        wanted = condition[name]
        if operator == "exists":
            return bool(given) == wanted if type(wanted) is bool else None
        compared = [_compare(str(operator), one, "value" + name[len("answer") :], wanted) for one in given]
        if operator == "!=":  # whether no answer is equal, or some is another, is said in two ways
            return None if not given or None in compared or len(set(compared)) > 1 else compared[0]
        return True if True in compared else None if None in compared else False

    def _answers(self, link: str, question: Json, trail: Trail) -> list[tuple[str, Any]] | None:
        """The answers to a question, in the nearest group that holds both it and the item; None beyond the bound."""
        own = question.get("linkId")
        mine = self._above.get(own, ()) if type(own) is str else ()
        pairs = enumerate(zip(mine, self._above[link], strict=False))
        shared = next((at for at, (one, other) in pairs if one != other), min(len(mine), len(self._above[link])))
        if link in mine:  # an item below its own question: that question's answer
            shared = mine.index(link)
        holder = trail[min(shared, len(trail) - 1)][1]
        found = []
        for number, item in enumerate(_below(holder)):
            if number > MAX_SEEN:
                return None
            if item.get("linkId") == link:
                found += [(name, one[name]) for one in answers(item) for name in one if name.startswith("value")]
        return found


def _below(holder: Json) -> Iterator[Json]:
    """Every item below, in groups and answers."""
    stack = items(holder)
    while stack:
        one = stack.pop()
        yield one
        stack += items(one)
        for answer in answers(one):
            stack += items(answer)


def _compare(operator: str, given: tuple[str, Any], name: str, wanted: Any) -> Truth:
    given_name, value = given
    if operator in ("=", "!="):
        same = _same(given_name, value, name, wanted)
        return same if same is None or operator == "=" else not same
    order = _ORDERS.get(operator)
    if order is None or given_name != name:
        return None
    if name == "valueQuantity":
        if type(value) is not dict or type(wanted) is not dict or not _alike(value, wanted, ("system", "code", "unit")):
            return None
        value, wanted = value.get("value"), wanted.get("value")
    if _numbers((value, wanted)):
        return order(value, wanted)
    texts = type(value) is str and type(wanted) is str and len(value) == len(wanted)
    if texts and _SORTED.fullmatch(value) and _SORTED.fullmatch(wanted):
        return order(value, wanted)
    return None


def _same(given_name: str, value: Any, name: str, wanted: Any) -> Truth:
    if given_name != name:
        return None if {given_name, name} <= {"valueDate", "valueDateTime"} else False
    if name == "valueCoding" and type(value) is dict and type(wanted) is dict:
        if value.get("code") != wanted.get("code"):
            return False
        ours, theirs = value.get("system"), wanted.get("system")
        return True if ours == theirs else None if ours is None or theirs is None else False
    if name == "valueQuantity" and type(value) is dict and type(wanted) is dict:
        return value.get("value") == wanted.get("value") if _alike(value, wanted, ("system", "code", "unit")) else None
    if name == "valueReference" and type(value) is dict and type(wanted) is dict:
        return True if value.get("reference") == wanted.get("reference") else None
    if type(value) is not type(wanted) and not _numbers((value, wanted)):
        return None
    return bool(value == wanted)


def _alike(one: Json, other: Json, names: Iterable[str]) -> bool:
    return all(one.get(name) == other.get(name) for name in names)


def _numbers(values: Iterable[Any]) -> bool:
    return all(type(value) in (int, float, Decimal) for value in values)
