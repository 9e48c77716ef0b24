"""What is found in a resource does not depend on what was checked before it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.validation import Validator
from tests.validation.conftest import PATIENT, Json


def known(validator: Validator, resource: Json) -> None:
    """Check a resource so often that everything is compiled that is compiled for its like."""
    for _ in range(5):
        validator.check(resource)
        validator.is_valid(resource)


@pytest.mark.parametrize("profile", ["ab", {"a": 1, "b": 2}, [["a"], ["b"]]], ids=["text", "object", "lists"])
def test_profiles_that_are_no_list_are_not_taken_for_a_list_met_before(validator: Validator, profile: Any) -> None:
    known(validator, {**PATIENT, "meta": {"profile": ["a", "b"]}})
    crooked = {**PATIENT, "meta": {"profile": profile}}
    known(validator, crooked)
    assert validator.check(crooked) == validator.explain(crooked)
