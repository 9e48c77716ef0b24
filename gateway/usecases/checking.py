"""Validation as the use cases ask for it. A Validator serves all threads at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.errors import Issue
from gateway.validation import Validator


class Checker:
    """A Validator, asked for everything or only for what refuses."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator

    def check(self, resource: Any, *, profiles: Sequence[str] = ()) -> list[Issue]:
        """Everything found, hints included: for those who ask for it."""
        return self._validator.check(resource, profiles)

    def faults(self, resource: Any, *, profiles: Sequence[str] = ()) -> list[Issue]:
        """Nothing if there is no error, else everything found: for what is to be kept. The fast way."""
        if self._validator.is_valid(resource, profiles):
            return []
        return self._validator.check(resource, profiles)
