"""The keyword by which an accepting schema hands a value to a check in Python."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakMethod, WeakSet

from gateway.errors import GatewayError
from gateway.fhirpath import FhirPathError

Asked = Callable[[Any], None]
"""ValueError where the answer is no."""


class Keyword:
    """What a schema's keyword is made of: `asked` gives the check that its value names, which is made when it is first
    asked, for most never are.

    A compiled schema is beyond the collector of cycles. So it holds nothing of ours but checks that were asked, and
    these no more after `forget`.
    """

    def __init__(self, asked: Callable[[list[Any]], Asked]) -> None:
        self._asked = WeakMethod(asked)
        self._made: WeakSet[Any] = WeakSet()

    def check(self, said: list[Any]) -> Asked:
        """The check that a value names; ValueError where it cannot be asked, and so nothing is accepted."""
        asked = self._asked()
        if asked is None:
            raise ValueError
        try:
            return asked(said)
        except (TypeError, KeyError, AttributeError, RecursionError, FhirPathError, GatewayError) as error:
            raise ValueError from error

    def forget(self) -> None:
        """Let go of every check; those that are asked again are made again."""
        for one in list(self._made):
            with suppress(AttributeError):
                del one.validate

    def of_schema(self) -> type:
        """What one schema's keyword is made of."""
        check, made = self.check, self._made

        class Ask:
            __slots__ = ("__weakref__", "_said", "validate")
            validate: Asked

            def __init__(self, parent: Any, value: list[Any], path: Any) -> None:
                self._said = value

            def __getattr__(self, name: str) -> Asked:
                """Called while there is no check."""
                if name != "validate":
                    raise AttributeError(name)
                self.validate = check(self._said)
                made.add(self)
                return self.validate

        return Ask
