"""The forms a JSON member may have: one value, an array, a primitive that is none; and members that nobody knows.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Callable, Container
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from gateway.validation.compiled import Json, Member, Shape
from gateway.validation.run import Place, Run
from gateway.validation.shapes import MAX_NAME

MemberCheck = Callable[[Run, Any, Json, Place], None]
ValueCheck = Callable[[Run, Any, Json, Place, int | None], None]
Hook = Callable[[Run, Any, Place], None]


_MOST_HINTS = 20
"""Unknown members of one object that are compared with those that there are."""


def nothing(run: Run, value: Any, parent: Json, place: Place) -> None:
    pass


def single(member: Member, one: ValueCheck) -> MemberCheck:
    def one_value(run: Run, value: Any, parent: Json, place: Place) -> None:
        if type(value) is list:
            run.error(
                "structure", "json-array", f"{member.name} must be a single value, not an array.",
                (place, member, None, None),
            )  # fmt: skip
            return
        one(run, value, parent, place, None)

    return one_value


def list_of(member: Member, one: ValueCheck) -> MemberCheck:
    def many(run: Run, value: Any, parent: Json, place: Place) -> None:
        if is_list(run, value, member, place):
            for index, item in enumerate(value):
                one(run, item, parent, place, index)

    return many


def followed_by(check: MemberCheck, then: MemberCheck) -> MemberCheck:
    def both(run: Run, value: Any, parent: Json, place: Place) -> None:
        check(run, value, parent, place)
        if type(value) is list and len(value) > 1:
            then(run, value, parent, place)

    return both


def is_list(run: Run, value: Any, member: Member, place: Place) -> bool:
    if type(value) is not list:
        run.error("structure", "json-array", f"{member.name} must be an array.", (place, member, None, None))
        return False
    if not value:
        run.error(
            "structure", "json-empty", f"{member.name} must not be an empty array: leave the member out instead.",
            (place, member, None, None),
        )  # fmt: skip
        return False
    return True


def bad_primitive(run: Run, member: Member, wrong: str, value: Any, here: Place) -> None:
    if value is None:
        run.error("structure", "json-null", f"{member.name} must not be null: leave the member out instead.", here)
    elif type(value) is list:
        run.error("structure", "json-array", f"{member.name} must be a single value, not an array.", here)
    else:
        run.error("value", f"type-{member.type}", f"{member.name} {wrong}.", here)


def at_most(longest: int) -> Hook:
    def length(run: Run, value: Any, place: Place) -> None:
        if type(value) is str and len(value) > longest:
            run.error("too-long", "max-length", f"must not be longer than {longest} characters.", place)

    return length


def unknown(run: Run, value: Json, known: Container[str], place: Place) -> None:
    """An error for each member that its object does not have, by its number: its name may be a person's."""
    shape = place[3]
    of = shape.name if shape is not None else "this"
    strange = [(number, name) for number, name in enumerate(value, start=1) if name not in known]
    for at, (number, name) in enumerate(strange):
        told = shape is not None and at < _MOST_HINTS and isinstance(name, str)  # a dict may have others
        hint = _meant(name[: MAX_NAME + 1].removeprefix("_"), shape) if told and shape is not None else ""
        run.error("structure", "unknown-element", f"Member {number} here is no element of {of}.{hint}", place,
                  about=name if isinstance(name, str) else "")  # fmt: skip


@lru_cache(maxsize=512)
def _meant(name: str, shape: Shape) -> str:
    choice = next((m for m in shape.members.values() if m.group == name + "[x]"), None)
    if choice is not None:
        return f" A value of a choice is named with its type, such as {choice.name}."
    known = {m.name.lower(): m.name for m in shape.members.values()}
    close = get_close_matches(name[:MAX_NAME].lower(), known, n=1, cutoff=0.8)
    return f" Did you mean {known[close[0]]}?" if close else ""
