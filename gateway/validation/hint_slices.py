"""Which slice an item is of, remembered by what tells it: a code, or a text, of one of its members."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import ANY_RESOURCE, Criterion, Rules, Slicing
from gateway.validation.conformance import Item
from gateway.validation.hint_values import concept_key
from gateway.validation.known_profiles import MAX_CANONICAL
from gateway.validation.run import Place, Run
from gateway.validation.slicing import Slicer

if TYPE_CHECKING:
    from gateway.validation.engine import Engine
    from gateway.validation.hint_rules import HintConformance

_REMEMBERED = 1_000
"""Answers that are kept of one slicing."""
_TOLD_BY_VALUE = frozenset(("fixed", "pattern", "parts", "binding"))
_RESOURCES = frozenset(("resource", "contained"))
_CODED = frozenset(("coding", "text", "system", "version", "code", "display", "userSelected"))
_Looks = tuple[tuple[str, str], ...]
"""What the criteria of slices look at: the `value` of a member, the `names` of the members, the `urls` of extensions,
the item it`self`, the `member` that it is of."""


class HintSlicer(Slicer):
    """Sorts items as the whole engine does, and tells the hints of their slices."""

    def __init__(self, engine: Engine, conformance: HintConformance, whole: Slicer) -> None:
        super().__init__(engine, conformance)
        self._whole = whole
        self._hints = conformance
        self._known: dict[int, tuple[_Looks, dict[Hashable, int | None]]] = {}

    def check(self, run: Run, rules: Rules, slicing: Slicing, items: list[Item], place: Place) -> None:
        for item in items:
            number = self._number(run, slicing, item)
            if number is not None and number >= 0:
                self._hints.each(run, slicing.slices[number], item)

    def _number(self, run: Run, slicing: Slicing, item: Item) -> int | None:
        """The number of the item's slice, None or negative where it is in none."""
        looks, known = self._known.get(id(slicing)) or self._ready(slicing)
        key: Hashable = None
        if looks and item.value is not None:
            try:
                key = tuple([_seen(item, how, name) for how, name in looks])
                return known[key]
            except KeyError:
                pass
            except (TypeError, AttributeError):
                key = None
        number = self._whole.slice_of(run, slicing, item, [0] * len(slicing.slices))
        if key is not None and len(repr(key)) < MAX_CANONICAL:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = number
        return number

    def _ready(self, slicing: Slicing) -> tuple[_Looks, dict[Hashable, int | None]]:
        """What tells which slice an item is of, where that is simple; and what is known."""
        asked = {_look(criterion) for part in slicing.slices for criterion in part.criteria or (None,)}
        looks = () if None in asked or not self._engine.offline else tuple(sorted(one for one in asked if one))
        made = self._known[id(slicing)] = (looks, {})
        return made


def _look(criterion: Criterion | None) -> tuple[str, str] | None:
    """What a criterion looks at; None where it is more than can be remembered by."""
    if criterion is None or any(kind not in ("member", "extension") for kind, _ in criterion.steps):
        return None
    test, steps = criterion.test, criterion.steps
    if test in _TOLD_BY_VALUE and all(kind == "member" and name != "text" for kind, name in steps):
        if _asks_for_more(criterion):
            return None
        return ("value", steps[0][1]) if steps else ("self", "")
    if test == "exists" and len(steps) == 1:
        return ("names", "") if steps[0][0] == "member" else ("urls", "")
    if test == "type" and not steps:
        return ("member", "")
    if test == "type" and len(steps) == 1 and steps[0][0] == "member" and steps[0][1] not in _RESOURCES:
        return ("names", "")
    return None


def _asks_for_more(criterion: Criterion) -> bool:
    """Whether a criterion asks for more than the codings of a concept: its text, or that there is no other member."""
    parts = criterion.expected if criterion.test == "parts" else [((), criterion.test, criterion.expected)]
    exactly = any(how == "fixed" and isinstance(value, dict | list) for _, how, value in parts)
    return exactly or any(_names_text(steps) or _names_text(value) for steps, _, value in parts)


def _names_text(asked: Any) -> bool:
    if isinstance(asked, dict):
        return "text" in asked or any(map(_names_text, asked.values()))
    return isinstance(asked, list | tuple) and ("text" in asked or any(map(_names_text, asked)))


def _seen(item: Item, how: str, name: str) -> Hashable:
    """What there is to see of an item. TypeError or AttributeError where that is not simple."""
    value = item.value
    if how == "value":
        found = value.get(name)
        return _choice(value, name) if found is None else _code(found)
    if how == "names":
        return tuple(value)
    if how == "urls":
        return tuple([one["url"] for one in value.get("extension", ())])
    if how == "member":
        if item.member.type in ANY_RESOURCE:
            raise TypeError
        return item.member.name
    return _code(value)


def _code(value: Any) -> Hashable:
    """A code, or the codes of a concept; TypeError for what may be anybody's data."""
    if type(value) is dict and not value.keys() <= _CODED:
        raise TypeError
    return value if type(value) is str else concept_key(value, None)


def _choice(value: Any, name: str) -> Hashable:
    """The value of a choice, which is looked at only where it is a concept: others may be anybody's data."""
    names = [one for one in value if one.startswith(name) and one[len(name) : len(name) + 1].isupper()]
    if not names:
        return None
    if type(value[names[0]]) is not dict:
        raise TypeError
    return names[0], _code(value[names[0]])
