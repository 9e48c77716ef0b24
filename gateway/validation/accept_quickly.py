"""Invariants that the fast way mostly answers without FHIRPath, by their expression: True where they surely hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.fhirpath.temporal import written_alike


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


QUICKLY: Final[dict[str, Callable[[Any], bool]]] = {
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _ordered("start", "end"),
    "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn": _ordered(
        "authoredOn", "lastModified"
    ),
    "descendants().linkId.isDistinct()": _distinct_links,
}


def unless(quickly: Callable[[Any], bool], check: Callable[[Any], bool]) -> Callable[[Any], None]:
    """ValueError where neither says yes."""

    def validate(value: Any) -> None:
        if not (quickly(value) or check(value)):
            raise ValueError

    return validate


def unless_among(good: set[tuple[str, str]], check: Callable[[Any], bool]) -> Callable[[Any], None]:
    """ValueError where a coding is neither among the good ones nor found good."""

    def validate(value: Any) -> None:
        try:
            if (value["system"], value["code"]) in good:
                return
        except (KeyError, TypeError):
            pass
        if not check(value):
            raise ValueError

    return validate
