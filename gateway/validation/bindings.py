"""Bindings: codes against value sets, as strong as the binding says. https://hl7.org/fhir/R4/terminologies.html#strength"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Binding, Member
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

CODED = frozenset(("code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "SimpleQuantity", "Age",
                   "Duration", "Count", "Distance", "MoneyQuantity"))  # fmt: skip


class Bindings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, member: Member) -> Callable[[Run, Any, Place], None] | None:
        """The check of a member by the binding its type gives it."""
        return None

    def check(self, run: Run, binding: Binding, type: str, value: Any, place: Place, said: str) -> None:
        """Check a coded value against a profile's binding."""

    def member(self, value_set: str, type: str, value: Any, *, asked_in: str | None) -> bool | None:
        """Whether a coded value is in a value set; None when that cannot be told."""
        return None
