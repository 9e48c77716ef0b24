"""Limits on one value: least and greatest, length, decimals, presence of a value.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import MISSING, Json, Rules
from gateway.validation.datatypes import UCUM
from gateway.validation.linear_regex import full_match
from gateway.validation.narrative_control import check_languages, check_sources
from gateway.validation.primitives import decoded_size
from gateway.validation.run import Run
from gateway.validation.terminology.ucum import incomparable, ratio

if TYPE_CHECKING:
    from gateway.validation.conformance import Item

_DAYS = {"a": 365.25, "mo": 30.4375, "wk": 7.0, "d": 1.0, "h": 1 / 24, "min": 1 / 1440, "s": 1 / 86400}


def check_limits(run: Run, rules: Rules, item: Item, said: str) -> None:
    """Report what breaks the limits of `rules` at one item."""
    value, place = item.value, item.place
    for limit, rule in ((rules.min_value, "min-value"), (rules.max_value, "max-value")):
        if limit is not MISSING and type(value) is dict and _another_measure(value, limit[1]):
            run.error("invalid", rule, f"{rules.name} is in a unit that measures something else than the profile's "
                      "limit.", place, profile=said)  # fmt: skip
            break
    if rules.min_value is not MISSING and _compare(run, value, rules.min_value, low=True) == -1:
        run.error("invalid", "min-value", f"{rules.name} is less than the profile's least value.", place, profile=said)
    if rules.max_value is not MISSING and _compare(run, value, rules.max_value, low=False) == 1:
        run.error("invalid", "max-value", f"{rules.name} is more than the profile's greatest value.", place,
                  profile=said)  # fmt: skip
    if type(value) is str:
        if rules.min_length is not None and len(value) < rules.min_length:
            run.error("invalid", "min-length", f"{rules.name} must have at least {rules.min_length} characters.", place,
                      profile=said)  # fmt: skip
        if rules.max_length is not None and len(value) > rules.max_length:
            run.error("too-long", "max-length", f"{rules.name} must have at most {rules.max_length} characters.", place,
                      profile=said)  # fmt: skip
    if item.member.primitive and value is None:
        _check_absent(run, rules, item, said)
    if rules.extras:
        _check_extras(run, rules, item, said)


def _check_absent(run: Run, rules: Rules, item: Item, said: str) -> None:
    if rules.must_have_value:
        run.error("invalid", "must-have-value", f"{rules.name} must have a value, not only extensions.", item.place,
                  profile=said)  # fmt: skip
    if rules.value_alternatives:
        extensions = (item.sibling or {}).get("extension")
        there = {str(e.get("url")) for e in extensions if type(e) is dict} if type(extensions) is list else set()
        if not there & set(rules.value_alternatives):
            run.error("invalid", "value-alternative", f"{rules.name} must have a value or one of the extensions that "
                      "the profile allows in its place.", item.place, profile=said)  # fmt: skip


def _check_extras(run: Run, rules: Rules, item: Item, said: str) -> None:
    value, place = item.value, item.place
    pattern = rules.extras.get("regex")
    fits = full_match(pattern, value) if isinstance(pattern, str) and type(value) is str else True
    if fits is None:
        run.note("not-supported", "regex-unchecked", f"The form of {rules.name} was not checked: the profile's regular "
                 "expression cannot be run in linear time.", place, profile=said)  # fmt: skip
    elif not fits:
        run.error(
            "invalid", "regex", f"{rules.name} does not have the form that the profile asks.", place, profile=said
        )
    places = rules.extras.get("max_decimals")
    if isinstance(places, int) and isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            run.error("structure", "max-decimals", f"{rules.name} must have at most {places} decimal places.", place,
                      profile=said)  # fmt: skip
    size = rules.extras.get("max_size")
    if size is not None and type(value) is dict and type(value.get("data")) is str:
        actual = decoded_size(value["data"])
        if actual is not None and actual > int(size):
            run.error("structure", "max-size", f"{rules.name} must not hold more than {size} bytes.", place,
                      profile=said)  # fmt: skip
    if "language_control" in rules.extras and type(value) is dict:
        check_languages(run, rules.extras["language_control"], value, place, said)
    if "source_control" in rules.extras and type(value) is dict:
        check_sources(run, rules.extras["source_control"], value, place, said)


def _compare(run: Run, value: Any, limit: tuple[str, Any], *, low: bool) -> int | None:
    """-1, 0 or 1 as `value` is below, at or above the limit; None when they cannot be compared."""
    kind, bound = limit
    if type(value) is dict and type(bound) is dict:
        return _order_quantities(value, bound)
    if kind == "Duration" and type(value) is str and type(bound) is dict:
        days = _DAYS.get(str(bound.get("code") or bound.get("unit")))
        amount = bound.get("value")
        if days is None or isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
            return None
        span = timedelta(days=days * float(amount))
        now = run.engine.now()
        return _order_moments(value, (now - span if low else now + span).date().isoformat())
    if type(value) is str and type(bound) is str:
        return _order_moments(value, bound)
    return _order(value, bound)


def _another_measure(value: Json, bound: Any) -> bool:
    codes = (value.get("code"), bound.get("code") if type(bound) is dict else None)
    if value.get("system") != UCUM or type(codes[0]) is not str or type(codes[1]) is not str:
        return False
    return bound.get("system") == UCUM and incomparable(codes[0], codes[1])


def _order_quantities(value: Json, bound: Json) -> int | None:
    """Quantities of one unit, or of units of UCUM that measure the same."""
    if value.get("system") != bound.get("system"):
        return None
    one, other, amount = value.get("code"), bound.get("code"), value.get("value")
    if one == other:
        return _order(amount, bound.get("value"))
    if bound.get("system") != UCUM or type(one) is not str or type(other) is not str:
        return None
    times = ratio(one, other)
    if times is None or isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        return None
    return _order(Decimal(str(amount)) * times, bound.get("value"))


def _order(value: Any, bound: Any) -> int | None:
    numbers = (int, float, Decimal)
    if isinstance(value, bool) or not isinstance(value, numbers) or not isinstance(bound, numbers):
        return None
    left, right = Decimal(str(value)), Decimal(str(bound))
    return (left > right) - (left < right)


def _order_moments(value: str, bound: str) -> int | None:
    """Dates and times to the precision that both have."""
    if "T" in value and "T" in bound:
        try:
            left, right = datetime.fromisoformat(value), datetime.fromisoformat(bound)
            return (left > right) - (left < right)
        except (ValueError, TypeError):
            return None
    short = min(len(value.partition("T")[0]), len(bound.partition("T")[0]))
    one, other = value[:short], bound[:short]
    return (one > other) - (one < other)
