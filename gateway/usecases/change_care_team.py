"""Change a care team: who is on it, with exactly one active lead care manager."""

from __future__ import annotations

from typing import Any

from gateway.ports import Caller
from gateway.usecases.keep_mapped import Received, keep_mapped
from gateway.usecases.services import Services

EVENT = "care-team"


def change_care_team(
    value: Any, caller: Caller, *, source: bytes, services: Services, base: str, full: bool = False
) -> Received:
    """Take the present membership of one care team in; sent again it replaces the last one."""
    mapped = services.intake.document(value, kind=EVENT, source=source, caller=caller)
    return keep_mapped(mapped, caller, services=services, base=base, event=EVENT, full=full)
