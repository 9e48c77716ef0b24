"""The response entry of a write, as transactions and the doors answer it."""

from __future__ import annotations

from gateway.trust.disclosure import Entry
from gateway.usecases.keep import Written


def answered_write(written: Written, *, base: str, full: bool) -> Entry:
    """The response entry of a create or update."""
    kept = written.kept
    response = {
        "status": "201 Created" if written.created else "200 OK",
        "location": f"{kept.reference}/_history/{kept.version}",
        "etag": kept.etag,
        "lastModified": kept.at.isoformat(timespec="milliseconds"),
    }
    return Entry({"fullUrl": f"{base}/{kept.reference}", "response": response}, kept if full else None)
