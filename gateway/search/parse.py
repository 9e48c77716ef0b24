"""A request's search parameters into a Query; whatever is wrong with them is said at once.

https://hl7.org/fhir/R4/search.html. A filter that is not understood would widen the answer, so an unknown parameter is
refused; with `lenient` (Prefer: handling=lenient) it is left out and named in the query's warnings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches

from gateway.errors import BadRequest, Issue
from gateway.search import values
from gateway.search.controls import CONTROLS, Controls, read_controls
from gateway.search.parameters import Parameter, Parameters
from gateway.search.query import Chain, Condition, Ids, Is, Missing, Query, Reverse, Updated

MAX_PAIRS = 100
"""Most parameters in one search."""
MAX_VALUES = 500
"""Most alternatives in one parameter."""
MAX_CHAIN = 3
"""Most references that one parameter follows."""
_LONGEST = 100
"""Letters of a parameter's name that are looked at to say what is wrong with it."""
_WORD = re.compile("([:.])")
_WORDS = frozenset(": . _has missing exact contains not identifier below above in not-in text of-type iterate".split())
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def parse(
    type: str,
    pairs: Iterable[tuple[str, str]],
    *,
    parameters: Parameters,
    lenient: bool = False,
    now: datetime | None = None,
    base: str = "",
) -> Query:
    """The Query that name-value `pairs` (decoded, from URL and form alike) ask for.

    `now` serves the prefix `ap`; addresses under `base` count as this server's own. Raises BadRequest.
    """
    reader = _Reader(parameters, now=now, base=base)
    pairs = list(pairs)
    if len(pairs) > MAX_PAIRS:
        raise BadRequest(f"A search has at most {MAX_PAIRS} parameters.")
    where: list[Condition] = []
    controls: list[tuple[str, str]] = []
    used: list[tuple[str, str]] = []
    for number, (name, value) in enumerate(pairs, start=1):
        reader.number = number
        if name.partition(":")[0] in CONTROLS:
            controls.append((name, value))
            used.append((name, value))
            continue
        condition = reader.condition(type, name, value)
        if condition is not None:
            where.append(condition)
            used.append((name, value))
    settled: Controls = read_controls(type, controls, parameters=parameters, issues=reader.issues)
    ignored = reader.unknown if lenient else []
    refused = [*reader.issues, *([] if lenient else reader.unknown)]
    if refused:
        raise BadRequest(issues=refused)
    warnings = tuple(Issue("warning", i.code, i.message + " It was ignored.", i.expression, i.rule) for i in ignored)
    return settled.query(type, where=tuple(where), used=tuple(used), warnings=warnings)


@dataclass
class _Reader:
    """Reads conditions and gathers what is wrong with them."""

    parameters: Parameters
    now: datetime | None
    base: str
    issues: list[Issue] = field(default_factory=list)
    unknown: list[Issue] = field(default_factory=list)
    number: int = 0
    """Which parameter is read, from 1."""
    types: dict[str, None] = field(default_factory=dict)
    """The resource types that it has led to."""

    def condition(
        self, type: str, name: str, value: str, *, whole: str | None = None, depth: int = 0
    ) -> Condition | None:
        """The condition that one pair asks for, or None after an issue. `whole` is the name as it was sent."""
        whole = whole or name
        self.types[type] = None
        if depth > MAX_CHAIN:
            return self._refuse(whole, "follows too many references", code="too-costly")
        if name.startswith("_has:"):
            return self._reverse(name, value, whole, depth)
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        parameter = self._parameter(type, code, whole)
        if parameter is None:
            return None
        if dot:
            return self._chain(parameter, modifier, rest, value, whole, depth)
        if modifier == "missing":
            return self._missing(code, value, whole)
        return self._is(parameter, modifier or None, value, whole)

    def _parameter(self, type: str, code: str, whole: str) -> Parameter | None:
        found = self.parameters.of(type).get(code)
        if found is None:
            reason = self.parameters.why_not(type, code)
            if reason:
                self._refuse(whole, f"cannot be searched here: {reason}")
            else:
                message = f"{self._named(whole)} is not a search parameter of {type}."
                close = get_close_matches(code[:_LONGEST], self.parameters.of(type), n=1, cutoff=0.75)
                hint = f" Did you mean {close[0]}?" if close else ""
                self.unknown.append(Issue("error", "not-supported", message + hint, rule="search-parameter"))
        return found

    def _is(self, parameter: Parameter, modifier: str | None, value: str, whole: str) -> Condition | None:
        texts = values.split(value, ",")
        if parameter.code == "_id":
            return self._ids(texts, modifier, whole)
        read = values.reader(parameter, modifier, now=self.now, base=self.base)
        if read is None:
            return self._refuse(whole, f"has a modifier that a {parameter.kind} parameter does not have here")
        if len(texts) > MAX_VALUES:
            return self._refuse(whole, f"has more than {MAX_VALUES} alternatives", code="too-costly")
        found = []
        for text in texts:
            try:
                if not text.strip():
                    raise ValueError("has an empty value")
                found.append(read(text))
            except ValueError as error:
                self._refuse(whole, str(error), code="value")
        if len(found) < len(texts):
            return None
        if parameter.code == "_lastUpdated":
            return Updated(tuple(found))  # type: ignore[arg-type]
        param = f"{parameter.code}:identifier" if modifier == "identifier" else parameter.code
        return Is(param, tuple(dict.fromkeys(found)), negated=modifier == "not")

    def _ids(self, texts: Sequence[str], modifier: str | None, whole: str) -> Condition | None:
        if modifier:
            return self._refuse(whole, "has a modifier that _id does not have here")
        if not all(_ID.fullmatch(text) for text in texts):
            return self._refuse(whole, "has a value that is not an id", code="value")
        return Ids(tuple(dict.fromkeys(texts)))

    def _missing(self, code: str, value: str, whole: str) -> Condition | None:
        if value not in ("true", "false"):
            return self._refuse(whole, "takes true or false", code="value")
        if code in ("_id", "_lastUpdated"):
            return self._refuse(whole, "is never missing")
        return Missing(code, value == "true")

    def _chain(
        self, parameter: Parameter, type: str, rest: str, value: str, whole: str, depth: int
    ) -> Condition | None:
        if parameter.kind != "reference":
            return self._refuse(whole, "chains on a parameter that is not a reference")
        types = (type,) if type else parameter.targets
        if type and parameter.targets and type not in parameter.targets:
            return self._refuse(whole, f"chains to a type that {parameter.code} does not refer to")
        code = rest.partition(".")[0].partition(":")[0]
        having = [name for name in types if rest.startswith("_has:") or code in self.parameters.of(name)]
        if not having:
            return self._refuse(whole, "chains to a parameter that none of the types referred to has")
        if not type and len(types) > 20:
            return self._refuse(whole, f"may refer to any type: write {parameter.code}:Type and the rest")
        read = [(name, self.condition(name, rest, value, whole=whole, depth=depth + 1)) for name in having]
        inner = tuple((name, condition) for name, condition in read if condition is not None)
        return Chain(parameter.code, inner) if len(inner) == len(read) else None

    def _reverse(self, name: str, value: str, whole: str, depth: int) -> Condition | None:
        parts = name.split(":", 3)
        if len(parts) < 4 or not self.parameters.knows(parts[1]):
            return self._refuse(whole, "is not _has:Type:reference:parameter")
        _, type, code, rest = parts
        parameter = self._parameter(type, code, whole)
        if parameter is None:
            return None
        if parameter.kind != "reference":
            return self._refuse(whole, "names a parameter that is not a reference")
        inner = self.condition(type, rest, value, whole=whole, depth=depth + 1)
        return Reverse(type, code, inner) if inner is not None else None

    def _refuse(self, whole: str, what: str, *, code: str = "not-supported") -> Condition | None:
        self.issues.append(Issue("error", code, f"{self._named(whole)} {what}.", rule="search-parameter"))
        return None

    def _named(self, whole: str) -> str:
        """A parameter as an answer may call it: by the words of its name that are ours, and by its number.

        A value with an ampersand that was not escaped (`Ljuba & Ana`) arrives as a name.
        """
        words = _WORD.split(whole[:_LONGEST])
        shown = "".join(word if self._ours(word) else "?" for word in words)
        return f"'{shown}'" if shown == whole else f"'{shown}' (parameter {self.number})"

    def _ours(self, word: str) -> bool:
        return (
            word in _WORDS
            or self.parameters.knows(word)
            or any(word in self.parameters.of(type) or self.parameters.why_not(type, word) for type in self.types)
        )
