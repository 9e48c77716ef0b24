"""Registered symbols that rules stand on: language subtags, country and currency codes, UCUM atoms.

`registries.json` names each source and its date. It holds codes only.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec


@cache
def _registries() -> dict[str, Any]:
    data = resources.files("gateway.validation.terminology").joinpath("registries.json").read_bytes()
    found = msgspec.json.decode(data)
    assert isinstance(found, dict)
    return found


def words(registry: str, part: str | None = None) -> list[str]:
    """The symbols of a registry (or of a part of it), in order."""
    found = _registries()[registry]
    text = found[part] if part is not None else found
    assert isinstance(text, str)
    return text.split()
