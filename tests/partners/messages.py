"""What the worker hands to an adapter."""

from __future__ import annotations

from typing import Any

from gateway.fhir import codec
from gateway.ports import Message

OURS = "https://gateway.example/fhir"


def message(*resources: dict[str, Any]) -> Message:
    """One delivery: a Bundle of updates by id."""
    entries = [
        {
            "fullUrl": f"{OURS}/{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in resources
    ]
    return Message("d1", "resource", "x", codec.write({"resourceType": "Bundle", "entry": entries}))
