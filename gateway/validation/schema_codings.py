"""Codes as JSON Schema: those that nobody here can call wrong, without a step into Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.compiled import Binding
from gateway.validation.run import NOWHERE, Run
from gateway.validation.schema_values import CHECK, UNCHECKED, Schema

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


def can_fail(binding: Binding) -> bool:
    """Whether a code outside the binding is an error (and not only a warning)."""
    return (
        binding.strength == "required"
        or binding.maximum is not None
        or any(purpose in ("required", "maximum") for purpose, _ in binding.extra)
    )


def coding_schema(engine: Engine) -> Schema:
    """Codings are asked of Python, but where no code of the system can be wrong, because none is at hand. Lists of
    codes are no faster than the question: Python keeps those that are good."""
    unknown = [one for one in UNCHECKED if engine.terminology.code_known(one, "?") is None and _good(engine, one)]
    at_ease = {"required": ["code", "system"], "properties": {"system": {"enum": unknown}}}
    return {"if": at_ease, "else": {CHECK: ["coding"]}}


def _good(engine: Engine, system: str) -> bool:
    """Whether nothing is wrong with the system itself."""
    run = Run(engine)
    engine.coding(run, {"system": system, "code": "?"}, NOWHERE)
    return not run.failed
