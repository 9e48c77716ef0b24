"""Which version of a partner's resource is kept here: by its own count and time, remembered in meta.source.

A copy is the partner's resource as it has it; of ours, only what the partner says of it is news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import Invalid, Issue
from gateway.ports import Inbound, Json, Kept
from gateway.trust.disclosure import content

SOURCE = "urn:ecm-gateway:source:"
"""meta.source of a copy begins so."""
HEARD = "urn:ecm-gateway:heard:"
"""And that of a resource of ours of which a partner told us news."""


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A version as its source counts: when it was kept there, and its versionId where that is a number."""

    at: datetime
    number: int | None = None

    def newer_than(self, other: SourceVersion) -> bool:
        """By time; two of one moment by number. What cannot be told apart is not newer."""
        if self.at == other.at and self.number is not None and other.number is not None:
            return self.number > other.number
        return self.at > other.at

    def as_source(self, partner: str, reference: str, *, kind: str = SOURCE) -> str:
        """As meta.source: whose version of what this is."""
        number = "" if self.number is None else str(self.number)
        return f"{kind}{partner}:{reference}:{number}#{self.at.isoformat()}"


def source_version(resource: Json, message: Inbound) -> SourceVersion:
    """By the resource's own meta; without a time of its own it is as old as the message."""
    meta = meta_of(resource)
    number = meta.get("versionId")
    numbered = int(number) if isinstance(number, str) and number.isascii() and number.isdecimal() else None
    try:
        at = datetime.fromisoformat(str(meta["lastUpdated"]))
    except (KeyError, ValueError):
        at = message.received_at
    if at.tzinfo is None:
        at = message.received_at
    return SourceVersion(min(at, message.received_at + timedelta(minutes=10)), numbered)


def is_copy(resource: Json) -> bool:
    """Whether a resource kept here is a partner's own."""
    return str(resource.get("meta", {}).get("source", "")).startswith(SOURCE)


def is_own(resource: Json, partner: str) -> bool:
    """Whether a resource kept here is this partner's own."""
    return str(resource.get("meta", {}).get("source", "")).startswith(f"{SOURCE}{partner}:")


def known_version(current: Json, partner: str) -> SourceVersion | None:
    """Which version of this partner's the kept one is; None when somebody else wrote it last."""
    source = str(current.get("meta", {}).get("source", ""))
    if not source.startswith((f"{SOURCE}{partner}:", f"{HEARD}{partner}:")):
        return None
    name, _, at = source.partition("#")
    number = name.rpartition(":")[2]
    try:
        return SourceVersion(datetime.fromisoformat(at), int(number) if number else None)
    except ValueError:  # a client's own meta.source
        return None


def last_known(current: Kept, partner: str, *, history: Callable[[], Iterable[Kept]]) -> SourceVersion | None:
    """Which version of this partner's was taken last, whoever has written since; `history` is newest first.

    Else what the partner sends again would undo what was written here meanwhile.
    """
    if (known := known_version(content(current), partner)) is not None:
        return known
    earlier = (known_version(content(kept), partner) for kept in history() if not kept.deleted)
    return next((known for known in earlier if known is not None), None)


def meta_of(resource: Json) -> Mapping[str, object]:
    """The resource's meta; Invalid when it is none."""
    meta = resource.get("meta", {})
    if not isinstance(meta, dict):
        raise Invalid(issues=[Issue("error", "structure", "meta is no object.", f"{resource['resourceType']}.meta")])
    return meta
