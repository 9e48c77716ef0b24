"""Read: one resource as it is now, as it was, and how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from gateway.errors import Gone, NotFound
from gateway.fhir import ids
from gateway.fhir.etag import Tags
from gateway.fhir.part import Part
from gateway.ports import Caller, Kept
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.usecases.keep import offered
from gateway.usecases.services import Services


def read(
    caller: Caller,
    type: str,
    id: str,
    *,
    services: Services,
    version: int | None = None,
    unless: Tags | None = None,
    since: datetime | None = None,
    part: Part | None = None,
) -> tuple[Kept, Disclosed | None]:
    """The current version (or `version`) of `type`/`id`; NotFound, or Gone once deleted.

    `unless` are the versions the caller already has (If-None-Match), `since` the time of its last read
    (If-Modified-Since): when one of them is still current nothing is disclosed. `part`: only that part of it.
    https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#vread
    """
    kept = current(caller, type, id, services=services, version=version)
    if had(kept, unless=unless, since=since):
        return kept, None
    note = partial(services.store.note, caller)
    return kept, disclose(kept, caller=caller, note=note, event="vread" if version else "read", part=part)


def had(kept: Kept, *, unless: Tags | None, since: datetime | None) -> bool:
    """Whether a caller has this version: by its tags, or read since it was kept (to the second)."""
    if unless is not None:
        return unless.name(kept.version)
    return since is not None and kept.at.replace(microsecond=0) <= since


def current(caller: Caller, type: str, id: str, *, services: Services, version: int | None = None) -> Kept:
    """The version itself, not yet disclosed; NotFound, or Gone once deleted."""
    offered(type, services)
    kept = services.store.read(caller, type, id, version) if ids.is_id(id) else None
    if kept is None:
        raise NotFound("There is no such resource here.")
    if kept.deleted:
        raise Gone("The resource was deleted.")
    return kept


def history(caller: Caller, type: str, id: str, *, services: Services, base: str) -> Disclosed:
    """All versions of one resource, newest first, as a history Bundle.

    https://hl7.org/fhir/R4/http.html#history
    """
    offered(type, services)
    versions = services.store.history(caller, type, id) if ids.is_id(id) else ()
    if not versions:
        raise NotFound("There is no such resource here.")
    return history_of(versions, caller, services=services, base=base)


def history_of(versions: Sequence[Kept], caller: Caller, *, services: Services, base: str) -> Disclosed:
    """A history Bundle of the versions of one resource, newest first."""
    collected = Collected(
        {
            "resourceType": "Bundle",
            "type": "history",
            "total": len(versions),
            "link": [{"relation": "self", "url": f"{base}/{versions[0].reference}/_history"}],
        },
        [_version(kept, base=base) for kept in versions],
    )
    return disclose(collected, caller=caller, note=partial(services.store.note, caller), event="history")


def _version(kept: Kept, *, base: str) -> Entry:
    method = "DELETE" if kept.deleted else "POST" if kept.posted else "PUT"
    return Entry(
        {
            "fullUrl": f"{base}/{kept.reference}",
            "request": {"method": method, "url": kept.type if method == "POST" else kept.reference},
            "response": {
                "status": "201 Created" if kept.version == 1 else "204 No Content" if kept.deleted else "200 OK",
                "etag": kept.etag,
                "lastModified": kept.at.isoformat(timespec="milliseconds"),
            },
        },
        None if kept.deleted else kept,
    )
