"""Which slice each item belongs to, and what the slicing asks. https://hl7.org/fhir/R4/profiling.html#slicing

A criterion answers yes, no, or cannot tell (a reference that is not at hand, an unknown value set). What cannot be told
is never held against the instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.validation.compiled import ANY_RESOURCE, Criterion, Json, Member, Rules, Shape, Slicing
from gateway.validation.run import Place, Run
from gateway.validation.values import holds, same

if TYPE_CHECKING:
    from gateway.validation.conformance import Conformance, Item
    from gateway.validation.engine import Engine

Found = tuple[Any, str, Json | None, Place | None]
"""(value, FHIR type, `_name` object, place)"""


class _Table(NamedTuple):
    name: str
    numbers: dict[str, int]


class Slicer:
    def __init__(self, engine: Engine, conformance: Conformance) -> None:
        self._engine = engine
        self._conformance = conformance
        self._tables: dict[int, _Table] = {}
        self._steps: dict[tuple[int, str], list[Member]] = {}

    def check(self, run: Run, rules: Rules, slicing: Slicing, items: list[Item], place: Place) -> None:
        """Sort items into slices, count them, and check each by its slice's rules."""
        sorted_items: list[list[Item]] = [[] for _ in slicing.slices]
        unsure = [0] * len(slicing.slices)
        last, ended, told, strange = -1, False, False, 0
        for item in items:
            number = self.slice_of(run, slicing, item, unsure)
            if number is None:
                ended = True
                if slicing.rules == "closed":
                    strange += 1
                    self._unmatched(run, rules, slicing, item)
            elif number >= 0:
                late = slicing.rules == "openAtEnd" and ended
                if (late or (slicing.ordered and number < last)) and not told:
                    told = True
                    asked = "Items of slices must come before all others." if late else (
                        "Slices must come in the profile's order.")  # fmt: skip
                    run.error("structure", "slice-order", asked, item.place, profile=f"{rules.profile}#{rules.id}")
                last = max(last, number)
                sorted_items[number].append(item)
        for part, mine, maybe in zip(slicing.slices, sorted_items, unsure, strict=True):
            self._slice(run, part, mine, maybe + strange, place)  # what is in no slice is told: it may be meant as this

    def check_one(self, run: Run, rules: Rules, slicing: Slicing, item: Item) -> None:
        """Check one item of a list by its slice's rules, where the list has as many of each slice as it may have."""
        number = self.slice_of(run, slicing, item, [0] * len(slicing.slices))
        if number is None and slicing.rules == "closed":
            self._unmatched(run, rules, slicing, item)
        elif number is not None and number >= 0:
            self._conformance.item(run, slicing.slices[number], item)

    def _slice(self, run: Run, part: Rules, mine: list[Item], maybe: int, place: Place) -> None:
        said = f"{part.profile}#{part.id}"
        if len(mine) + maybe < part.min:
            run.error("required", "slice-min", f"{part.name} must have at least {part.min} item(s) of slice "
                          f"'{part.slice_name}'{_asks(part)}.", place, profile=said, about=part.name)  # fmt: skip
        if part.max is not None and len(mine) > part.max:
            run.error("structure", "slice-max", f"{part.name} must have at most {part.max} item(s) of slice "
                      f"'{part.slice_name}'.", place, profile=said, about=part.name)  # fmt: skip
        for item in mine:
            self._conformance.item(run, part, item)
        if part.slicing is not None:
            self.check(run, part, part.slicing, mine, place)

    def slice_of(self, run: Run, slicing: Slicing, item: Item, unsure: list[int]) -> int | None:
        """The number of the item's slice; None when it is in none; -1 when that cannot be told."""
        table = self._tables.get(id(slicing)) or self._table(slicing)
        if table.name:
            told = item.value.get(table.name) if type(item.value) is dict else None
            return table.numbers.get(told) if type(told) is str else None
        doubtful = False
        for number, part in enumerate(slicing.slices):
            verdict = self._belongs(run, part, item)
            if verdict:
                return number
            if verdict is None:
                doubtful = True
                unsure[number] += 1
        return -1 if doubtful else None

    def _table(self, slicing: Slicing) -> _Table:
        """Slices that differ by one fixed string (extensions by url) are found at once."""
        criteria = [part.criteria[0] for part in slicing.slices if len(part.criteria) == 1]
        plain = all(
            c.test == "fixed" and type(c.expected) is str and len(c.steps) == 1 and c.steps[0][0] == "member"
            for c in criteria
        )
        table = _Table("", {})
        if plain and len(criteria) == len(slicing.slices) and len({c.path for c in criteria}) == 1:
            numbers = {c.expected: n for n, c in reversed(list(enumerate(criteria)))}
            table = _Table(criteria[0].steps[0][1], numbers)
        self._tables[id(slicing)] = table
        return table

    def _belongs(self, run: Run, part: Rules, item: Item) -> bool | None:
        if not part.criteria:
            trial = run.trial()
            self._conformance.item(trial, part, item)
            return not trial.failed
        verdict: bool | None = True
        for criterion in part.criteria:
            one = self._meets(run, criterion, item, part)
            if one is False:
                return False
            if one is None:
                verdict = None
        return verdict

    def _meets(self, run: Run, criterion: Criterion, item: Item, part: Rules) -> bool | None:
        start: Found = (item.value, _type_of(item), item.sibling, item.place)
        found, lost = self._follow(run, criterion, start, named=criterion.test == "type")
        test, expected = criterion.test, criterion.expected
        if test == "type":
            return self._is_type(run, expected, found, lost)
        if test == "exists":
            return None if lost else any(_present(f) for f in found) == expected
        if test == "profile":
            return self._has_profile(run, expected, found, lost=lost, asked_in=part.profile)
        for value, kind, _, _ in found:
            if test == "fixed" and same(value, expected):
                return True
            if test == "pattern" and holds(value, expected):
                return True
            if test == "parts" and all(self._part(value, *p) for p in expected):
                return True
            if test == "binding":
                member = self._engine.bindings.member(expected, kind, value, asked_in=part.profile)
                if member is not False:
                    return member
        return None if lost else False

    def _part(self, value: Any, steps: tuple[tuple[str, str], ...], how: str, expected: Any) -> bool:
        values = [value]
        for _, name in steps:
            values = [v for one in values for v in _plain_step(one, name)]
        return any(same(v, expected) if how == "fixed" else holds(v, expected) for v in values)

    def _is_type(self, run: Run, codes: tuple[str, ...], found: list[Found], lost: bool) -> bool | None:
        for _, kind, _, _ in found:
            shape = self._engine.shapes.find(kind)
            if kind in codes or (shape is not None and any(a in codes for a in shape.ancestors)):
                return True
        return None if lost else False

    def _has_profile(
        self, run: Run, profiles: tuple[str, ...], found: list[Found], *, lost: bool, asked_in: str
    ) -> bool | None:
        if not profiles:
            return True  # this slice asks nothing here
        unknown = lost
        for value, _, _, place in found:
            if type(value) is not dict or place is None:
                unknown = True
                continue
            for canonical in profiles:
                verdict = self._engine.conforms_at(run, canonical, value, place, asked_in=asked_in)
                if verdict:
                    return True
                unknown = unknown or verdict is None
        return None if unknown else False

    def _follow(self, run: Run, criterion: Criterion, start: Found, *, named: bool) -> tuple[list[Found], bool]:
        """What stands at the end of a criterion's path, and whether some reference on it could not be followed.

        `named`: the type is all that is asked, so a reference that says it need not be followed."""
        found, lost = [start], False
        for kind, name in criterion.steps:
            if kind == "member":
                found = [f for one in found for f in self._step(one, name)]
            elif kind == "ofType":
                found = [f for f in found if f[1] == name]
            elif kind == "extension":
                found = [f for one in found for f in self._extensions(one, name)]
            else:
                targets = [(f[0], self._engine.references.target(run, f[0])) for f in found]
                found = [(t.resource, t.type, None, t.place) for _, t in targets if t is not None]
                for value in (value for value, target in targets if target is None):
                    said = self._engine.references.named_type(value) if named and type(value) is dict else None
                    if said is None:
                        lost = True
                    else:
                        found.append((None, said, None, None))
        return found, lost

    def _step(self, one: Found, name: str) -> list[Found]:
        value, kind, _, place = one
        if type(value) is not dict:
            return []
        shape = (place[3] if place is not None else None) or self._engine.shapes.find(kind)
        if shape is None:
            return []
        found: list[Found] = []
        for member in self._steps.get((id(shape), name)) or self._members(shape, name):
            here, sibling = value.get(member.name), value.get(f"_{member.name}")
            for index, inner in enumerate(here if type(here) is list else [here]):
                if inner is None and sibling is None:
                    continue
                inside = member.shape or self._engine.shapes.find(member.type)
                kind = member.type
                if type(inner) is dict and type(inner.get("resourceType")) is str:
                    kind = inner["resourceType"]
                    inside = self._engine.shapes.find(kind)
                at = (place, member, index if member.many else None, inside) if place is not None else None
                found.append((inner, kind, sibling if type(sibling) is dict else None, at))
        return found

    def _members(self, shape: Shape, name: str) -> list[Member]:
        found = [m for m in shape.members.values() if m.name == name or m.group == f"{name}[x]"]
        self._steps[(id(shape), name)] = found
        return found

    def _extensions(self, one: Found, url: str) -> list[Found]:
        value, _, sibling, place = one
        holder = value if type(value) is dict else sibling
        if type(holder) is not dict or place is None:
            return []
        inside = self._engine.shapes.find("Extension")
        member = self._engine.shapes["Element"].members["extension"]
        listed = holder.get("extension")
        return [
            (e, "Extension", None, (place, member, i, inside))
            for i, e in enumerate(listed if type(listed) is list else ())
            if type(e) is dict and e.get("url") == url
        ]

    def _unmatched(self, run: Run, rules: Rules, slicing: Slicing, item: Item) -> None:
        known = "; ".join(f"'{s.slice_name}'{_asks(s)}" for s in slicing.slices[:6])
        run.error(
            "structure", "slice-closed",
            f"{rules.name} matches no slice and others are not allowed. Slices: {known or 'none'}.",
            item.place, profile=f"{rules.profile}#{rules.id}",
        )  # fmt: skip


def said_by_slices(rules: Rules) -> bool:
    """Whether the slices' own least numbers make up the element's: then each missing slice is the fault to tell."""
    slicing = rules.slicing
    return slicing is not None and sum(part.min for part in slicing.slices) >= rules.min


def _type_of(item: Item) -> str:
    shape = item.place[3]
    if item.member.type in ANY_RESOURCE and shape is not None:
        return shape.name
    return item.member.type


def _present(found: Found) -> bool:
    return found[0] is not None or bool(found[2])


def _plain_step(value: Any, name: str) -> list[Any]:
    if type(value) is not dict:
        return []
    inner = value.get(name)
    if inner is None:
        inner = next(
            (v for k, v in value.items() if k.startswith(name) and k[len(name) : len(name) + 1].isupper()), None
        )
    if inner is None:
        return []
    return list(inner) if type(inner) is list else [inner]


def _asks(part: Rules) -> str:
    """In a few words, what tells the slice."""
    told = []
    for c in part.criteria:
        at = c.path or "$this"
        if c.test in ("fixed", "pattern") and isinstance(c.expected, str | int | bool):
            told.append(f"{at} = {c.expected}")
        elif c.test == "type":
            told.append(f"{at} is {' or '.join(c.expected)}")
        elif c.test == "exists":
            told.append(f"{at} {'is there' if c.expected else 'is absent'}")
        else:
            told.append(f"{at} as the profile says")
    return f" ({', '.join(told)})" if told else ""
