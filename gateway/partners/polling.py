"""Asking a FHIR server what has changed, as it wants to be asked. https://hl7.org/fhir/R4/search.html#all

Gravity's fallback where there is no subscription: `_lastUpdated`, an overlap, versions told apart by id and versionId
(by what they say, where a server counts no versions). What another member's record holds is refused, never taken.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from gateway.errors import PartnerRefused, PartnerUnavailable
from gateway.fhir import codec
from gateway.partners.capabilities import PollRule, of
from gateway.partners.exchanges import Exchanges, NotDone, bearer
from gateway.partners.http import Client
from gateway.partners.settings import PartnerSettings
from gateway.ports import Found

Json = dict[str, Any]
_MEMBERS = ("subject", "for", "patient")
LONGEST_SEARCH = 900.0
"""Seconds for all pages of one search and what is done with them: well within the lease of a poll."""
MOST_READ_ALONG = 20
"""Most resources read along with one."""


def keeps_our_ids(settings: PartnerSettings) -> bool:
    """Whether the partner keeps what we send under the ids that it has here."""
    return settings.kind == "fhir_server" and settings.exchange != "conditional" and bool(settings.send)


class FhirPolling:
    """A partner whose FHIR server is asked for changes."""

    def __init__(self, settings: PartnerSettings, *, hurry: float = 1.0) -> None:
        self.name = settings.name
        self.base = settings.base_url
        self.every_seconds = settings.poll_minutes * 60 / hurry
        self.overlap_seconds = settings.overlap_minutes * 60
        self.our_ids = keeps_our_ids(settings)
        self._token = settings.token_file
        self._rules = {rule.type: rule for rule in of(settings.kind, poll=settings.poll).polls}
        self.types: Sequence[str] = tuple(self._rules)
        self._client = Client(settings.base_url, seconds=settings.seconds, ca_file=settings.ca_file)

    def by_member(self, type: str) -> bool:
        return self._rules[type].member is not None

    def changes(
        self, type: str, *, since: datetime | None, until: datetime, members: Iterable[str] = ()
    ) -> Iterator[Found]:
        """Versions changed from `since` to `until`, each once. Each page has its deadline, all `LONGEST_SEARCH`."""
        refused: PartnerRefused | None = None
        rule = self._rules[type]
        asked = _parameters(rule, since=since, until=until)
        for member in members if rule.member else [None]:
            narrowed = [*asked, (rule.member, member.rpartition("/")[2])] if rule.member and member else asked
            try:
                yield from self._found(type, narrowed, member=member)
            except PartnerRefused as error:
                refused = error  # a member who cannot be asked for holds up no other
        if refused is not None:
            raise refused

    def _found(self, type: str, asked: list[tuple[str, str]], *, member: str | None) -> Iterator[Found]:
        until = time.monotonic() + LONGEST_SEARCH
        with _translated():
            paged = Exchanges(self._client, self.base, bearer(self._token))
            for resource in paged.search(type, asked):
                if time.monotonic() > until:
                    raise PartnerUnavailable("The partner's search takes too long.")
                if member is not None and _member(resource) != member:
                    raise PartnerRefused("The partner answered with the record of another member.")
                yield Found(type, resource["id"], _version(resource), resource)

    def whole(self, found: Found) -> list[Json]:
        """What the resource refers to there (as far as it may be read), what those refer to, and last itself."""
        kept: dict[str, Json | None] = {f"{found.type}/{found.id}": None}
        with _translated():
            self._along(found.resource, kept, self._exchanges(), depth=2)
        return [*(one for one in kept.values() if one is not None), found.resource]

    def close(self) -> None:
        self._client.close()

    def _along(self, resource: Json, kept: dict[str, Json | None], exchanges: Exchanges, *, depth: int) -> None:
        for place in _references(resource, self.base):
            if place in kept or len(kept) > MOST_READ_ALONG:
                continue
            kept[place] = None
            try:
                read = exchanges.read(place)
            except NotDone as error:
                if error.receipt.retry:
                    raise
                continue  # what we may not read is only named
            if read is not None:
                if depth > 1:
                    self._along(read.resource, kept, exchanges, depth=depth - 1)
                kept[place] = kept.pop(place) or read.resource  # after what it refers to

    def _exchanges(self) -> Exchanges:
        return Exchanges(self._client, self.base, bearer(self._token), self._client.deadline())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotDone as error:
        reason = f"The partner could not be asked for changes: {error.receipt.reason}."
        raised = PartnerUnavailable(reason) if error.receipt.retry else PartnerRefused(reason)
        raised.retry_after = error.receipt.retry_after
        raise raised from None


def _parameters(rule: PollRule, *, since: datetime | None, until: datetime) -> list[tuple[str, str]]:
    asked = [*rule.where, ("_count", str(rule.count))]
    if rule.range == "none" or (since is None and rule.range == "open"):
        return asked
    asked.append(("_lastUpdated", f"ge{_instant(since or _BEGINNING)}"))
    return [*asked, ("_lastUpdated", f"le{_instant(until)}")] if rule.range == "closed" else asked


_BEGINNING = datetime(2022, 1, 1, tzinfo=UTC)
"""Enhanced Care Management began in 2022: nothing older is asked for."""


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _version(resource: Json) -> str:
    version = resource.get("meta", {}).get("versionId")
    if isinstance(version, str):
        return version
    said = {name: value for name, value in resource.items() if name != "meta"}
    return "sha256-" + hashlib.sha256(codec.write(said)).hexdigest()[:32]


def _member(resource: Json) -> str | None:
    for name in _MEMBERS:
        if isinstance(resource.get(name), dict):
            return "/".join(str(resource[name].get("reference", "")).split("/")[-2:])
    return None


def _references(value: Any, base: str) -> Iterator[str]:
    """`Type/id` of every resource of the same server that is referred to."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str):
            local = text.removeprefix(base + "/").partition("/_history/")[0]
            type, _, id = local.partition("/")
            if type.isalpha() and type[:1].isupper() and id and "/" not in id:
                yield local
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from _references(member, base)
