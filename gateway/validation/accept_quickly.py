"""Invariants that the fast way mostly answers without FHIRPath, by their expression: True where they surely hold."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.fhirpath.temporal import written_alike
from gateway.validation.quick_narrative import plainly

if TYPE_CHECKING:
    from gateway.validation.accept_checks import Acceptance

_REMEMBERED = 5_000
"""Extensions that one check keeps."""


def _ordered(earlier: str, later: str) -> Callable[[Any], bool]:
    """Whether two dates are written alike and in order."""

    def check(value: Any) -> bool:
        try:
            start, end = value[earlier], value[later]
            return start <= end and (len(start) == 10 == len(end) or written_alike(start, end))
        except (KeyError, TypeError):
            return False

    return check


def _distinct_links(questionnaire: Any) -> bool:
    """Whether every linkId below is another one."""
    found: set[str] = set()
    stack = [questionnaire]
    while stack:
        one = stack.pop()
        if type(one) is list:
            stack += one
        elif type(one) is dict:
            if "_linkId" in one:
                return False
            link = one.get("linkId")
            if link is not None:
                if type(link) is not str or link in found:
                    return False
                found.add(link)
            stack += [inner for inner in one.values() if type(inner) in (dict, list)]
    return True


def _codes_apart(observation: Any) -> bool:
    """Whether no component has a code that the Observation itself has."""
    try:
        own = {coding["code"] for coding in observation["code"]["coding"]}
        return all(coding["code"] not in own for part in observation["component"] for coding in part["code"]["coding"])
    except (KeyError, TypeError):
        return False


QUICKLY: Final[dict[str, Callable[[Any], bool]]] = {
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _ordered("start", "end"),
    "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn": _ordered(
        "authoredOn", "lastModified"
    ),
    "descendants().linkId.isDistinct()": _distinct_links,
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": _codes_apart,
}


def unless(quickly: Callable[[Any], bool], check: Callable[[Any], bool]) -> Callable[[Any], None]:
    """ValueError where neither says yes."""

    def validate(value: Any) -> None:
        if not (quickly(value) or check(value)):
            raise ValueError

    return validate


def unless_plain(check: Callable[[Any], bool]) -> Callable[[Any], None]:
    """ValueError where a narrative is neither plain, which most are, nor found good."""
    plain: list[Callable[[Any], bool]] = []

    def validate(value: Any) -> None:
        if plain and plain[0](value):
            return
        if not check(value):
            raise ValueError
        if not plain and plainly.cache_info().currsize:  # compiled, for there have been some
            plain.append(plainly())

    return validate


def unless_among(good: set[tuple[str, str, str | None]], check: Callable[[Any], bool]) -> Callable[[Any], None]:
    """ValueError where a coding is neither among the good ones nor found good."""

    def validate(value: Any) -> None:
        try:
            if (value["system"], value["code"], value.get("display")) in good:
                return
        except (KeyError, TypeError):
            pass
        if not check(value):
            raise ValueError

    return validate


def once_each(state: Acceptance, check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The check of an extension, asked once for each that is good by itself; what it says of anybody is not kept."""
    good: set[bytes] = set()

    def checked(value: Any) -> bool:
        try:
            data = orjson.dumps(value)
        except TypeError:
            return check(value)
        key = blake2b(data, digest_size=16).digest()
        if key in good:
            return True
        before, state.run = state.run, None
        holds = check(value)
        if holds and state.run is None and not state.unsure and b'"id":' not in data:  # nothing around it was asked
            if len(good) >= _REMEMBERED:
                good.clear()
            good.add(key)
        state.run = before or state.run
        return holds

    return checked
