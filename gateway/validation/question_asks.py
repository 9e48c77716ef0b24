"""What extensions of a question ask of its answers: how many, which together, which targets, which units.

https://hl7.org/fhir/R4/questionnaire-profiles.html#extensions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from gateway.validation.compiled import Json
from gateway.validation.questionnaire_values import CORE

_TARGET: Final = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
MOST, LEAST = f"{CORE}questionnaire-maxOccurs", f"{CORE}questionnaire-minOccurs"


def said(item: Json, url: str, name: str) -> list[Any]:
    """The values that extensions of one url give an item."""
    if "extension" not in item:
        return []
    listed = item["extension"]
    extensions = [one for one in listed if type(one) is dict] if type(listed) is list else []
    return [one[name] for one in extensions if one.get("url") == url and name in one]


def miscounted(question: Json, number: int, *, finished: bool) -> Iterator[str]:
    """What is wrong with the number of answers to a question, or of groups; that there is none is told elsewhere."""
    for most in said(question, MOST, "valueInteger"):
        if type(most) is int and number > most:
            yield f"There must not be more than {most} of them."
    for least in said(question, LEAST, "valueInteger") if finished and number else ():
        if type(least) is int and number < least:
            yield f"There must be at least {least} of them."


def crowded(question: Json, answers: Sequence[Json]) -> bool:
    """Whether an option that excludes all others was chosen with others."""
    if len(answers) < 2:
        return False
    options = question.get("answerOption")
    alone = [
        option
        for option in (options if type(options) is list else ())
        if type(option) is dict and True in said(option, f"{CORE}questionnaire-optionExclusive", "valueBoolean")
    ]
    return any(is_option(one, answer) for one in alone for answer in answers)


def is_option(option: Json, answer: Json) -> bool:
    """Whether an answer has the value of an option."""
    name = next((name for name in answer if name.startswith("value")), None)
    if name is None or name not in option:
        return False
    value, wanted = answer[name], option[name]
    if name == "valueCoding" and type(value) is dict and type(wanted) is dict:
        return same_coding(value, wanted)
    if name == "valueReference" and type(value) is dict and type(wanted) is dict:
        return bool(value.get("reference") == wanted.get("reference"))
    return bool(value == wanted)


def unfitting(question: Json, value: Any) -> Iterator[str]:
    """What a reference or a quantity is not that the question asks for."""
    if type(value) is not dict:
        return
    kinds = said(question, f"{CORE}questionnaire-referenceResource", "valueCode")
    target = target_type(value)
    if kinds and target is not None and target not in kinds:
        yield "The answer must refer to a resource of a type that the question allows."
    units = [one for one in said(question, f"{CORE}questionnaire-unitOption", "valueCoding") if type(one) is dict]
    if units and type(value.get("code")) is str and not any(same_coding(value, one) for one in units):
        yield "The answer must be in one of the units that the question offers."


def same_coding(one: Json, other: Json) -> bool:
    """Whether two codings are the same code."""
    return one.get("code") == other.get("code") and one.get("system") == other.get("system")


def target_type(reference: Any) -> str | None:
    """The type of resource that a reference names; None when it does not say."""
    if type(reference) is not dict:
        return None
    written, kind = reference.get("reference"), reference.get("type")
    found = _TARGET.fullmatch(written) if type(written) is str and len(written) < 2_000 else None
    if found is not None:
        return found[1]
    return kind if type(kind) is str and kind.isalpha() else None
