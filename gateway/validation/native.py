"""Invariants of R4 core that are asked so often that they are answered without FHIRPath, by their expression.

None stands for a rule that is checked elsewhere: empty elements by the walk, contained resources and local references
where they are met. An answer of None: ask FHIRPath.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from gateway.validation.run import Run

Native = Callable[[Run, Any], bool | None]
_NPI = re.compile(r"[0-9]{10}")
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
"""A digit doubled, the digits of that added."""
_DIGIT = bytes.maketrans(b"0123456789", bytes(range(10)))


def _narrative(run: Run, value: Any) -> bool:
    text = value.get("text")
    return type(text) is dict and bool(text.get("div"))


def _npi(run: Run, value: Any) -> bool | None:
    """The check digit of a National Provider Identifier (Luhn, with the prefix 80840 as 24)."""
    number = value.get("value") if type(value) is dict else None
    if type(number) is not str or not _NPI.fullmatch(number):
        return None
    digits = number.encode()
    return (sum(digits[::2].translate(_DOUBLED)) + sum(digits[1::2].translate(_DIGIT)) + 24) % 10 == 0


def _npi_expression() -> str:
    """The same as US Core writes it: place by place."""
    digit = "(value.substring({},1).toInteger())"
    doubled = "(select(value.substring({},1).toInteger()).select(iif($this<5, $this*2, (($this*2)-9))))"
    places = "+".join((digit if place % 2 else doubled).format(place) for place in range(10))
    return f"(({places} + 24)mod 10=0)"


def _answered_once(run: Run, value: Any) -> bool | None:
    """Whether no two answered items that stand together in a QuestionnaireResponse have one linkId."""
    waiting = [value]
    try:
        while waiting:
            one = waiting.pop()
            links: set[str] = set()
            for item in one.get("item", ()):
                answers = item.get("answer", ())
                if any(name.startswith(("value", "_value")) for answer in answers for name in answer):
                    if type(item["linkId"]) is not str or item["linkId"] in links:
                        return None  # not plainly so
                    links.add(item["linkId"])
                waiting += (item, *answers)
    except (AttributeError, KeyError, TypeError):
        return None
    return True


NATIVE: Final[dict[str, Native | None]] = {
    "text.`div`.exists()": _narrative,
    "text.div.exists()": _narrative,
    _npi_expression(): _npi,
    "(QuestionnaireResponse|repeat(answer|item)).select(item.where(answer.value.exists()).linkId.isDistinct())"
    ".allTrue()": _answered_once,
    "extension.exists() != value.exists()": None,
    "hasValue() or (children().count() > id.count())": None,
    "htmlChecks()": None,
    "contained.contained.empty()": None,
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()": None,
    "contained.meta.security.empty()": None,
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | "
    "%resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#')"
    ".exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#')"
    ".exists()).not()).trace('unmatched', id).empty()": None,
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in "
    "%rootResource.contained.id.trace('ids'))": None,
}
