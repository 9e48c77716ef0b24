"""The response entries of a Bundle's answer: of what was kept, and of what was refused.

https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Literal

from gateway.errors import GatewayError, Issue
from gateway.fhir.outcome import outcome, worst_first
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.usecases.keep import Written


def answered_write(written: Written, *, base: str, full: bool) -> Entry:
    """The response entry of a create or update; with the resource where `full`."""
    kept = written.kept
    response = response_to(kept, created=written.created)
    return Entry({"fullUrl": f"{base}/{kept.reference}", "response": response}, kept if full else None)


def disclosed_writes(
    entries: Sequence[Entry],
    written: Iterable[Written],
    *,
    caller: Caller,
    tx: Transaction,
    event: str,
    action: Literal["C", "U"],
) -> Disclosed:
    """The transaction-response that tells what was written, audited with what it returns, in its own transaction."""
    return disclose(
        Collected({"resourceType": "Bundle", "type": "transaction-response"}, entries),
        caller=caller,
        note=tx.note,
        event=event,
        action=action,
        wrote=[one.kept for one in written if one.changed],
    )


def response_to(kept: Kept, *, created: bool) -> Json:
    """Bundle.entry.response of a version that stands."""
    return {
        "status": "201 Created" if created else "200 OK",
        "location": f"{kept.reference}/_history/{kept.version}",
        "etag": kept.etag,
        "lastModified": kept.at.isoformat(timespec="milliseconds"),
    }


def response_of(error: GatewayError, *, issues: Sequence[Issue] | None = None) -> Json:
    """Bundle.entry.response of what was refused, for the error's own issues or for `issues` in their place."""
    status = f"{error.status} {HTTPStatus(error.status).phrase}"
    return {"status": status, "outcome": outcome(worst_first(error.issues if issues is None else issues))}
