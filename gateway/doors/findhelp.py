"""Events of a community platform by the contract ecm-findhelp/1 (docs/partners.md) -> the record of referral news.

The signature was checked before. The platform's word for a status is handed on as it is: its table says what it means,
and a word that is not in the table is refused, never guessed.
"""

from __future__ import annotations

from typing import Any

from gateway.errors import Issue, Unmappable
from gateway.fhir import codec

CONTRACT = "ecm-findhelp/1"
_NEEDED = ("id", "tenant", "reference", "status", "at")


def referral_change(data: bytes, *, partner: str) -> dict[str, Any]:
    """An event as a `referral-change` record (mappings/schemas) of `partner`; Malformed, Unmappable.

    Each tenant of a platform is a partner with a secret of its own: the signature has told whose event it is.
    """
    event = _event(data)
    type, _, id = event["reference"].partition("/")
    if type != "Task" or not id:
        raise _refused("reference", "is not the Task that the platform was sent")
    change = {
        "key": {"source": partner, "id": event["id"]},
        "party": "target",
        "task": id,
        "at": event["at"],
        "word": event["status"],
    }
    return change | ({"reason": event["reason"]} if "reason" in event else {})


def _event(data: bytes) -> dict[str, str]:
    event = codec.read(data)
    if not isinstance(event, dict) or event.get("contract") != CONTRACT:
        raise _refused("contract", f"is not {CONTRACT}")
    wrong = [name for name in _NEEDED if not isinstance(event.get(name), str) or not event[name].strip()]
    wrong += [name for name in ("reason",) if not isinstance(event.get(name, ""), str)]
    if wrong:
        raise Unmappable(issues=[_issue(name, "is not a text") for name in wrong])
    return event


def _refused(name: str, what: str) -> Unmappable:
    return Unmappable(issues=[_issue(name, what)])


def _issue(name: str, what: str) -> Issue:
    return Issue("error", "value", f"{name} {what}.", name, rule="findhelp-event")
