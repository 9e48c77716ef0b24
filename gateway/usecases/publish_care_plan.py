"""Publish a care plan: what the member and the team agreed, with its goals and needs."""

from __future__ import annotations

from typing import Any

from gateway.ports import Caller
from gateway.usecases.keep_mapped import Received, keep_mapped
from gateway.usecases.services import Services

EVENT = "care-plan"


def publish_care_plan(
    value: Any, caller: Caller, *, source: bytes, services: Services, base: str, full: bool = False
) -> Received:
    """Take one care plan in and tell the care team's systems of it; sent again it replaces the last one."""
    mapped = services.intake.document(value, kind=EVENT, source=source, caller=caller)
    return keep_mapped(mapped, caller, services=services, base=base, event=EVENT, full=full)
