"""Receive a referral: one request for Enhanced Care Management comes in, and everyone owed is told."""

from __future__ import annotations

from typing import Any

from gateway.ports import Caller
from gateway.usecases.keep_mapped import Received, keep_mapped
from gateway.usecases.services import Services

EVENT = "referral"


def receive_referral(
    value: Any, caller: Caller, *, source: bytes, services: Services, base: str, full: bool = False
) -> Received:
    """Take one referral in: read, map, check, keep it, and queue what must be told. The same twice is one referral.

    `value` is the JSON of the gateway's own schema, `source` its exact bytes. Criteria never block it.
    """
    mapped = services.intake.document(value, kind=EVENT, source=source, caller=caller)
    return keep_mapped(mapped, caller, services=services, base=base, event=EVENT, full=full)
