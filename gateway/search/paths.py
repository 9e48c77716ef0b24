"""The part of FHIRPath that search parameters are written in, turned into routes through JSON.

A route is a chain of steps, each a JSON member and a test on what is found there. Three quarters of a resource's
parameters share their first steps, so all routes of a type are walked at once (`gateway.search.extract`). What is not
this part of FHIRPath (`Patient.deceased.exists() and ...`) returns None and goes to the full engine.
https://hl7.org/fhir/R4/searchparameter.html#expression
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Test = tuple[str, str, str]
"""("type", "", T): a reference to a T. ("equals", member, value): a member with this value."""


@dataclass(frozen=True, slots=True)
class Step:
    """Go to `member`, then keep what passes every test."""

    member: str
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Steps from the resource to a value of FHIR type `leaf`."""

    steps: tuple[Step, ...]
    leaf: str


class Model(Protocol):
    """What the routes need to know of FHIR's types."""

    def elements(self, type: str) -> Mapping[str, Sequence[str]]:
        """Members of a type or backbone path (`Patient`, `Period`, `CarePlan.activity`) with the types each may have.
        A choice is named with its [x]; a backbone element has its own path as its type."""


class NotARoute(Exception):
    """The expression needs the full engine."""


_CALL = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
_EQUALS = re.compile(r"\s*(\w+)\s*=\s*'([^']*)'\s*")
_IS = re.compile(r"\s*resolve\(\)\s+is\s+(?:FHIR\.)?(\w+)\s*")
_AS = re.compile(r"(.+?)\s+as\s+(?:FHIR\.)?(\w+)", re.DOTALL)


def routes(expression: str, *, type: str, model: Model) -> list[Route]:
    """The routes of `expression` that start at `type`; raises NotARoute. Alternatives for other types are left out."""
    found: list[Route] = []
    for part in _split(expression, "|"):
        steps = _steps(part)
        if steps[0] == type or steps[0] in ("Resource", "DomainResource"):
            found += _follow(steps[1:], at=type, model=model)
        elif not steps[0][:1].isupper():
            found += _follow(steps, at=type, model=model)
    return found


def _steps(part: str) -> list[str]:
    part = part.strip()
    if part.startswith("(") and part.endswith(")") and _closes(part) == len(part) - 1:
        return _steps(part[1:-1])
    narrowed = _AS.fullmatch(part)
    if narrowed and "(" not in narrowed[2] and narrowed[1].count("(") == narrowed[1].count(")"):
        return [*_steps(narrowed[1]), f"as({narrowed[2]})"]
    first, *rest = (step.strip() for step in _split(part, "."))
    return [*(_steps(first) if first.startswith("(") else [first]), *rest]


def _follow(steps: Sequence[str], *, at: str, model: Model) -> list[Route]:
    heads: list[tuple[tuple[Step, ...], str]] = [((), at)]
    for step in steps:
        called = _CALL.fullmatch(step)
        if called:
            heads = [kept for head in heads for kept in _apply(called[1], called[2], head)]
        elif re.fullmatch(r"\w+", step):
            heads = [branch for head in heads for branch in _into(step, head, model)]
        else:
            raise NotARoute(step)
    return [Route(path, leaf) for path, leaf in heads]


def _into(name: str, head: tuple[tuple[Step, ...], str], model: Model) -> list[tuple[tuple[Step, ...], str]]:
    path, at = head
    members = model.elements(at)
    if name in members:
        return [((*path, Step(name)), leaf) for leaf in members[name][:1]]
    if f"{name}[x]" in members:
        return [((*path, Step(name + leaf[0].upper() + leaf[1:])), leaf) for leaf in members[f"{name}[x]"]]
    for choice, leaves in members.items():
        if choice.endswith("[x]") and name.startswith(choice[:-3]):
            return [((*path, Step(name)), leaf) for leaf in leaves if name == choice[:-3] + leaf[0].upper() + leaf[1:]]
    return []


def _apply(call: str, argument: str, head: tuple[tuple[Step, ...], str]) -> list[tuple[tuple[Step, ...], str]]:
    path, leaf = head
    if call in ("as", "ofType"):
        # R4 itself writes `as(DateTime)`: no two types differ in case alone.
        return [head] if leaf.lower() == argument.strip().removeprefix("FHIR.").lower() else []
    equals, points = _EQUALS.fullmatch(argument), _IS.fullmatch(argument)
    if call == "where" and path and (equals or points):
        test = ("equals", equals[1], equals[2]) if equals else ("type", "", points[1] if points else "")
        return [((*path[:-1], Step(path[-1].member, (*path[-1].tests, test))), leaf)]
    if call == "extension" and argument.startswith("'"):
        return [((*path, Step("extension", (("equals", "url", argument.strip("'")),))), "Extension")]
    raise NotARoute(call)


def _split(text: str, mark: str) -> list[str]:
    parts, depth, quoted, start = [], 0, False, 0
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif not quoted and depth == 0 and letter == mark:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _closes(text: str) -> int:
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at
    return -1
