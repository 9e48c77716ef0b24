"""What is answered without FHIRPath is what FHIRPath answers."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gateway import fhirpath
from gateway.validation import Validator
from gateway.validation.native import NATIVE
from gateway.validation.run import Run
from tests.validation.conftest import US_CORE

NUMBERS = [str(random.Random(n).randrange(10**9, 10**10)) for n in range(200)]


@pytest.fixture(scope="module")
def check_digit(validator: Validator) -> str:
    """The invariant as US Core 6.1.0 publishes it."""
    profile = validator.definitions.structure(US_CORE + "us-core-practitioner|6.1.0")
    assert profile is not None
    constraints = (c for e in profile["snapshot"]["element"] for c in e.get("constraint", ()))
    return next(str(c["expression"]) for c in constraints if c["key"] == "us-core-17")


def test_the_check_digit_of_an_npi(validator: Validator, check_digit: str) -> None:
    native = NATIVE[check_digit]
    assert native is not None
    code = fhirpath.compile(check_digit, model=validator.engine.model, type="Identifier")
    values = [{"value": number} for number in [*NUMBERS, "1234567893", "0000000000", "9999999999"]]
    verdicts = [native(Run(validator.engine), value) for value in values]
    assert verdicts == [code.test(value, fhirpath.Env()) for value in values]
    assert True in verdicts
    assert False in verdicts


@pytest.mark.parametrize("value", [{}, {"value": "12345678AB"}, {"value": "12345"}, {"value": 5}, "x", None])
def test_what_is_no_number_is_left_to_fhirpath(validator: Validator, check_digit: str, value: Any) -> None:
    native = NATIVE[check_digit]
    assert native is not None
    assert native(Run(validator.engine), value) is None


def answered(chance: random.Random, depth: int = 0) -> list[dict[str, Any]]:
    """Items of a QuestionnaireResponse, now and then two of one linkId."""
    made = []
    for _ in range(chance.randrange(4)):
        item: dict[str, Any] = {"linkId": chance.choice("abcde")}
        if chance.random() < 0.6:
            item["answer"] = [{"valueString": chance.choice("xyz")} for _ in range(chance.randrange(1, 3))]
            if depth < 3 and chance.random() < 0.4:
                item["answer"][0]["item"] = answered(chance, depth + 1)
        if depth < 3 and chance.random() < 0.4:
            item["item"] = answered(chance, depth + 1)
        made.append(item)
    return made


def test_items_that_are_answered_once(validator: Validator) -> None:
    ((expression, native),) = ((text, check) for text, check in NATIVE.items() if "isDistinct" in text)
    assert native is not None
    code = fhirpath.compile(expression, model=validator.engine.model, type="QuestionnaireResponse")
    chance, verdicts = random.Random(1), []
    for _ in range(400):
        response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": answered(chance)}
        verdict = native(Run(validator.engine), response)
        verdicts.append(verdict)
        assert verdict in (None, code.test(response, fhirpath.Env(response, response)))
    assert verdicts.count(True) > 100
    assert verdicts.count(None) > 5, "two alike are left to FHIRPath"
    assert native(Run(validator.engine), {"item": [{"answer": [{"valueString": "x"}]}]}) is None
    assert native(Run(validator.engine), {"item": "x"}) is None
