"""What must hold of the current version before it is replaced. https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.errors import Issue, StaleVersion
from gateway.fhir.etag import Tags
from gateway.ports import Kept


@dataclass(frozen=True, slots=True)
class Precondition:
    """If-Match, If-None-Match and If-Unmodified-Since of an update. Asked again whenever an update begins anew."""

    match: Tags | None = None
    none_match: Tags | None = None
    unmodified_since: datetime | None = None
    """To the second; If-Match goes before it."""

    def require(self, current: Kept | None) -> None:
        """Raise StaleVersion unless `current` may be replaced."""
        there = current if current is not None and not current.deleted else None
        version = there.version if there else None
        if self.match is not None:
            if not self.match.name(version):
                raise _stale("If-Match names no version that is current" if there else "If-Match: nothing is here yet")
        elif self.unmodified_since and there and there.at.replace(microsecond=0) > self.unmodified_since:
            raise _stale("The resource has changed since If-Unmodified-Since")
        if self.none_match is not None and self.none_match.name(version):
            raise _stale("If-None-Match names the version that is current")


ALWAYS = Precondition()
"""Whatever is there."""


def _stale(why: str) -> StaleVersion:
    return StaleVersion(issues=[Issue("error", "conflict", f"{why}: read it again and repeat.", rule="precondition")])
