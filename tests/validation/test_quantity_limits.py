"""Least and greatest quantities of a profile, in units that measure the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.validation import Validator
from gateway.validation.terminology.ucum import ratio
from tests.validation.conftest import NARRATIVE, Json, profile

UCUM = "http://unitsofmeasure.org"


def quantity(value: str, code: str, system: str = UCUM) -> Json:
    return {"value": Decimal(value), "system": system, "code": code}


DOSE = profile("Observation", [{"id": "Observation.value[x]", "path": "Observation.value[x]",
                                "type": [{"code": "Quantity"}], "minValueQuantity": quantity("1", "g"),
                                "maxValueQuantity": quantity("5", "g")}])  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (quantity("1", "g"), []),
        (quantity("0.999", "g"), ["min-value"]),
        (quantity("1000", "mg"), []),
        (quantity("999", "mg"), ["min-value"]),
        (quantity("0.005", "kg"), []),
        (quantity("0.00500001", "kg"), ["max-value"]),
        (quantity("9", "mL"), ["min-value"]),
        (quantity("9", "mL/s"), []),
        (quantity("9", "[lb_av]"), []),
        (quantity("999", "mg", "https://a.example/units"), []),
    ],
)
def test_a_quantity_is_compared_in_the_profiles_unit(measured: Json, expected: list[str]) -> None:
    validator = Validator.load(resources=[DOSE])
    observation: dict[str, Any] = {"resourceType": "Observation", "text": NARRATIVE, "status": "final",
                                   "code": {"text": "x"}, "valueQuantity": measured}  # fmt: skip
    found = [one.rule for one in validator.check(observation, profiles=[DOSE["url"]]) if one.is_error]
    assert found == expected
    assert validator.is_valid(observation, profiles=[DOSE["url"]]) is not bool(expected)


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        ("mg", "g", "0.001"), ("g/L", "mg/dL", "100"), ("L", "l", "1"), ("h", "min", "60"), ("ms", "s", "0.001"),
        ("mm[Hg]", "mm[Hg]", "1"), ("cm", "m", "0.01"), ("mg", "mL", None), ("mg/kg/d", "g/kg/d", None),
        ("nonsense", "g", None), ("g/" * 600, "mg", None),
    ],
)  # fmt: skip
def test_units_that_measure_the_same(one: str, other: str, times: str | None) -> None:
    found = ratio(one, other)
    assert found == (None if times is None else Decimal(times))
