"""History: how one resource came to be. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from gateway.errors import NotFound
from gateway.fhir import ids
from gateway.ports import Caller, Kept
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.usecases.keep import offered
from gateway.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Asked:
    """Which versions: those kept at a time or later, those before a version, and how many of them on a page."""

    since: datetime | None = None
    before: int | None = None
    count: int | None = None

    def parameters(self) -> str:
        """The same as parameters of an address, with their question mark."""
        said = {"_since": self.since.isoformat() if self.since else None, "_count": self.count, "_before": self.before}
        named = {name: value for name, value in said.items() if value is not None}
        return f"?{urlencode(named)}" if named else ""


ALL = Asked()


def history(caller: Caller, type: str, id: str, *, services: Services, base: str, asked: Asked = ALL) -> Disclosed:
    """The versions of one resource, newest first, as a history Bundle."""
    offered(type, services)
    versions = services.store.history(caller, type, id) if ids.is_id(id) else ()
    if not versions:
        raise NotFound("There is no such resource here.")
    return history_of(versions, caller, services=services, base=base, asked=asked)


def history_of(
    versions: Sequence[Kept], caller: Caller, *, services: Services, base: str, asked: Asked = ALL
) -> Disclosed:
    """A page of a resource's versions (all are given, newest first) as a history Bundle; `total` is of all pages."""
    since, before = asked.since, asked.before
    wanted = [kept for kept in versions if since is None or kept.at >= since]
    older = [kept for kept in wanted if before is None or kept.version < before]
    page = older[: asked.count]
    address = f"{base}/{versions[0].reference}/_history"
    links = [{"relation": "self", "url": f"{address}{asked.parameters()}"}]
    if page and len(page) < len(older):
        following = replace(asked, before=page[-1].version)
        links.append({"relation": "next", "url": f"{address}{following.parameters()}"})
    collected = Collected(
        {"resourceType": "Bundle", "type": "history", "total": len(wanted), "link": links},
        [_version(kept, base=base) for kept in page],
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
