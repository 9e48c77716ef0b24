"""Invariants: FHIRPath compiled once per expression and type, run where the element stands.

Constraint keys are not unique, so an issue names key and source. What cannot be decided (an unsupported function, a
value set that is not known, too many steps) is said as information; it never passes silently and never fails data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from gateway import fhirpath
from gateway.validation.compiled import Constraint
from gateway.validation.native import NATIVE
from gateway.validation.run import Place, Run
from gateway.validation.wording import sentence

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


class Invariant(msgspec.Struct, eq=False):
    """A constraint made ready: `native` answers without FHIRPath; `code` is compiled at first use."""

    constraint: Constraint
    type: str
    said: str
    native: Callable[[Run, Any], bool | None] | None = None
    code: fhirpath.Expression | None = None
    broken: str | None = None
    failure: tuple[Any, ...] | None = None
    """What is said where it does not hold, as `Run.add` takes it; made when it is first said."""


class Invariants:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def compile(self, constraints: tuple[Constraint, ...], type: str, said: str = "") -> tuple[Invariant, ...]:
        """Make constraints ready whose focus is of FHIR `type`."""
        ready = []
        for constraint in constraints:
            native = NATIVE.get(constraint.expression)
            if native is None and constraint.expression in NATIVE:
                continue  # checked elsewhere, once
            ready.append(Invariant(constraint, type, said or constraint.source, native))
        return tuple(ready)

    def check(self, run: Run, invariants: tuple[Invariant, ...], value: Any, place: Place) -> None:
        """Report each invariant that does not hold for `value`."""
        for invariant in invariants:
            native = invariant.native
            verdict = native(run, value) if native is not None else None
            if verdict is None:
                verdict = self._test(run, invariant, value)
            if verdict is False:
                self._fail(run, invariant, place)
            elif verdict is None:
                why = "what it needs is not known here"
                if invariant.broken is not None:
                    why = f"its expression cannot be compiled ({invariant.broken})"
                run.note("not-supported", "invariant-undecided", f"Invariant {invariant.constraint.key} was not "
                         f"checked: {why}.", place, profile=invariant.said)  # fmt: skip

    def _test(self, run: Run, invariant: Invariant, value: Any) -> bool | None:
        if invariant.broken is not None:
            return None
        if invariant.code is None:
            try:
                invariant.code = fhirpath.compile(
                    invariant.constraint.expression, model=self._engine.model, type=invariant.type
                )
            except fhirpath.FhirPathError as error:
                invariant.broken = str(error)
                return None
        try:
            return invariant.code.test(value, self._engine.env(run))
        except (fhirpath.Undecided, fhirpath.TooCostly, fhirpath.Unsupported):
            return None
        except fhirpath.FhirPathError:
            # the data does not have the shape the expression means: that is reported where the shape is checked
            return True if run.failed else None

    def _fail(self, run: Run, invariant: Invariant, place: Place) -> None:
        failure = invariant.failure or _failure(invariant)
        if run.later is not None:
            run.later.append((failure, place))
            return
        severity, code, rule, message, profile, about = failure
        run.add(severity, code, rule, message, place, profile=profile, about=about)

    def holds(self, run: Run, expression: str, value: Any, type: str) -> bool | None:
        """Whether a loose expression holds; None when that cannot be told."""
        try:
            code = fhirpath.compile(expression, model=self._engine.model, type=type)
            return code.test(value, self._engine.env(run))
        except fhirpath.FhirPathError:
            return None

    def selects(self, run: Run, expression: str, value: Any) -> bool | None:
        """Whether an expression over the resource gives this very value; None when that cannot be told."""
        try:
            code = fhirpath.compile(
                expression, model=self._engine.model, type=str(run.resource.get("resourceType")) or None
            )
            found = code(run.resource, self._engine.env(run))
        except fhirpath.FhirPathError:
            return None
        if any(item is value for item in found):
            return True
        return bool(found) and found[0] is True


def _failure(invariant: Invariant) -> tuple[Any, ...]:
    constraint = invariant.constraint
    severity = "warning" if constraint.severity == "warning" or constraint.best_practice else "error"
    message = sentence(constraint, said=invariant.said)
    said = invariant.said or None
    invariant.failure = made = (severity, "invariant", constraint.key, message, said, constraint.expression)
    return made
