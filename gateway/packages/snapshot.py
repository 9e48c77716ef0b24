"""Snapshots from differentials. https://hl7.org/fhir/R4/profiling.html#snapshot"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.errors import BadProfile

Json = dict[str, Any]
Lookup = Callable[[str], Json | None]


def with_snapshot(definition: Json, *, structure: Lookup) -> Json:
    """`definition` with a snapshot made from its differential; BadProfile says why none can be made."""
    raise BadProfile(f"{definition.get('url')} has no snapshot.")
