"""Dicts that no JSON has: members whose names are no text. Nothing is asked of names until it matters."""

from __future__ import annotations

from typing import Any

from gateway.errors import Issue


def not_json(resource: Any) -> list[Issue]:
    """What is wrong with a resource over which the engine stumbled; the error itself, raised again, where the resource
    is not to blame. For use where an exception is handled."""
    stack, seen = [resource], set()
    while stack:
        value = stack.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
            return [Issue("error", "structure", "The names of members must be text.", rule="json-object")]
        stack += value.values() if isinstance(value, dict) else value
    raise
