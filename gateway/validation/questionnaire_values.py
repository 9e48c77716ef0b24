"""Values in Questionnaires and in answers: of the item's type, and within the bounds that extensions set.

https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/R4/extension-minvalue.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from gateway.fhirpath.temporal import written_alike
from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts
from gateway.validation.run import Place, Run

CORE = "http://hl7.org/fhir/StructureDefinition/"
ANSWERS: Final = {
    "boolean": ("valueBoolean",), "decimal": ("valueDecimal",), "integer": ("valueInteger",), "date": ("valueDate",),
    "dateTime": ("valueDateTime",), "time": ("valueTime",), "string": ("valueString",), "text": ("valueString",),
    "url": ("valueUri",), "attachment": ("valueAttachment",), "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}  # fmt: skip
"""The member that holds a value of each type of item; choices say their own."""
CHOICES: Final = frozenset(("choice", "open-choice"))
CHOSEN: Final = ("valueCoding", "valueString", "valueInteger", "valueDate", "valueTime", "valueReference")
"""The members that may answer a choice: what its options may be."""
OPTIONS: Final = {
    "integer": "valueInteger", "date": "valueDate", "time": "valueTime", "string": "valueString", "text": "valueString",
}  # fmt: skip
"""The member of the options of each type of item that may have some, but for choices."""


def check_values(run: Run, item: Json, place: Place) -> None:
    """Report options and first values that are not of an item's type."""
    kind = item.get("type")
    if type(kind) is not str:
        return
    wanted = OPTIONS.get(kind)
    for option, here in parts(item, "answerOption", place) if wanted is not None else ():
        if wanted not in option and any(name.startswith("value") for name in option):
            run.error("business-rule", "questionnaire-option", f"The options of an item of type {kind} must be of that "
                      "type.", here)  # fmt: skip
    allowed = CHOSEN if kind in CHOICES else ANSWERS.get(kind, ())
    for first, here in parts(item, "initial", place) if allowed else ():
        if any(name.startswith("value") and name not in allowed for name in first):
            run.error("business-rule", "questionnaire-initial", f"The first value of an item of type {kind} must be of "
                      "that type.", here)  # fmt: skip
    longest = item.get("maxLength")
    if type(longest) is int and longest < 1:
        run.error("business-rule", "questionnaire-length", "maxLength must be at least 1.", member(place, "maxLength"))


def out_of_bounds(question: Json, value: Any) -> Iterator[str]:
    """What a question's extensions ask of an answer that it is not."""
    listed = question.get("extension")
    for extension in listed if type(listed) is list else ():
        url = extension.get("url") if type(extension) is dict else None
        rule = _BOUNDS.get(url) if type(url) is str else None
        bound = next((extension[name] for name in extension if name.startswith("value")), None) if rule else None
        if rule is not None and bound is not None and rule[0](value, bound) is False:
            yield rule[1]


def _not_less(value: Any, bound: Any) -> bool | None:
    return _ordered(bound, value)


def _ordered(low: Any, high: Any) -> bool | None:
    """Whether two numbers, dates or times are in order; None where that cannot be told."""
    if _number(low) and _number(high):
        return bool(low <= high)
    if type(low) is not str or type(high) is not str:
        return None
    times = len(low) == len(high) == len("10:00:00") and low[2:3] == high[2:3] == ":"
    if times or len(low) == len(high) == len("2026-03-02") or written_alike(low, high):
        return low <= high
    return None


def _number(value: Any) -> bool:
    return type(value) is int or (type(value) in (Decimal, float) and Decimal(value).is_finite())


def _long_enough(value: Any, bound: Any) -> bool | None:
    return len(value) >= bound if type(value) is str and type(bound) is int else None


def _places(value: Any, bound: Any) -> bool | None:
    if type(bound) is not int or not _number(value):
        return None
    return -int(Decimal(str(value)).as_tuple().exponent) <= bound


_BOUNDS: Final[dict[str, tuple[Callable[[Any, Any], bool | None], str]]] = {
    f"{CORE}minValue": (_not_less, "The answer is less than the question's least value."),
    f"{CORE}maxValue": (_ordered, "The answer is more than the question's greatest value."),
    f"{CORE}minLength": (_long_enough, "The answer has too few characters."),
    f"{CORE}maxDecimalPlaces": (_places, "The answer has more decimal places than the question allows."),
}
