"""The keyword by which an accepting schema hands a value to a check in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.errors import GatewayError
from gateway.fhirpath import FhirPathError

Asked = Callable[[Any], None]
"""ValueError where the answer is no."""


def keyword(asked: Callable[[list[Any]], Asked]) -> type:
    """What a schema's keyword is made of: `asked` gives the check that its value names, which is made when it is first
    asked, for most never are."""

    class Ask:
        __slots__ = ("_said", "validate")
        validate: Asked

        def __init__(self, parent: Any, value: list[Any], path: Any) -> None:
            self._said = value

        def __getattr__(self, name: str) -> Asked:
            """Called while there is no check."""
            if name != "validate":
                raise AttributeError(name)
            try:
                self.validate = asked(self._said)
            except (TypeError, KeyError, AttributeError, RecursionError, FhirPathError, GatewayError) as error:
                raise ValueError from error  # what cannot be asked is not accepted
            return self.validate

    return Ask
