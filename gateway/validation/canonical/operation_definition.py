"""OperationDefinitions. https://hl7.org/fhir/R4/operationdefinition.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.validation.compiled import Json
from gateway.validation.parts import member, parts, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

MOST = re.compile(r"\*|0|[1-9][0-9]{0,8}")
"""A maximum: a number or *."""


def check(engine: Engine, run: Run, value: Json, place: Place) -> None:
    """Report parameters whose numbers do not fit together, or that are there twice."""
    del engine
    stack = [(value, "parameter", place)]
    while stack:
        holder, name, at = stack.pop()
        seen: set[tuple[str | None, str | None]] = set()
        for one, here in parts(holder, name, at):
            _parameter(run, one, here)
            key = (text(one, "name"), text(one, "use"))
            if None not in key and key in seen:
                run.error("business-rule", "operation-parameter", "Two parameters have the same name and use.", here)
            seen.add(key)
            stack.append((one, "part", here))


def _parameter(run: Run, parameter: Json, place: Place) -> None:
    least, most = parameter.get("min"), text(parameter, "max")
    if most is not None and not MOST.fullmatch(most):
        run.error("value", "definition-max", "max must be a number or *.", member(place, "max"))
    elif type(least) is int and least < 0:
        run.error("value", "definition-min", "min must not be negative.", member(place, "min"))
    elif type(least) is int and most not in (None, "*") and least > int(most or 0):
        run.error("business-rule", "definition-max", "max must not be less than min.", member(place, "max"))
    if "type" in parameter and parameter.get("part"):
        run.error("business-rule", "operation-parameter", "A parameter has either a type or parts, not both.", place)
