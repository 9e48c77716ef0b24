"""Read: one resource as it is now, and as it was."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from gateway.errors import Gone, NotFound
from gateway.fhir import ids
from gateway.fhir.etag import Tags
from gateway.fhir.part import Part
from gateway.ports import Caller, Kept
from gateway.trust.disclosure import Disclosed, disclose
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
