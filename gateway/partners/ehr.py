"""An EHR that takes little: what it accepts is written as it asks, the rest reaches it as a document and a message.

What was created once is found again by an identifier (this gateway's address, our reference) before it is created:
such servers promise nothing for repeats. What is the EHR's own (it carries an identifier of the EHR's address) is
never created: of its Task, status and reason are changed, with If-Match on the version just read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.fhir import codec
from gateway.partners import document
from gateway.partners.capabilities import Capabilities, of
from gateway.partners.exchanges import Exchanges, NotDone, bearer
from gateway.partners.http import Client
from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt

Json = dict[str, Any]
_CLOSED = frozenset(["rejected", "completed", "failed", "cancelled", "entered-in-error"])
_TOLD = ("status", "statusReason")
"""What a Task's two parties tell each other."""
_STALE = ("http 409", "http 412")
_TRIES = 3
_NOT_FOUND_AGAIN = frozenset(["QuestionnaireResponse", "Composition", "Provenance", "AuditEvent", "Binary"])
"""Types without a list of identifiers: they could not be found again, so that a repeat would write them twice."""


class Ehr:
    """A partner that is an EHR with a FHIR interface."""

    def __init__(self, settings: PartnerSettings) -> None:
        self.name = settings.name
        self._base = settings.base_url
        self._token = settings.token_file
        self._can = of(settings.kind, accepts=settings.accepts, poll=settings.poll)
        self._client = Client(settings.base_url, seconds=settings.seconds, ca_file=settings.ca_file)

    def send(self, message: Message) -> Receipt:
        """Write what the message is about (its Bundle's last entry), as far as the EHR takes it."""
        entries = codec.read(message.body)["entry"]
        try:
            headers = {
                "Idempotency-Key": message.delivery_id,
                "X-Request-Id": message.delivery_id,
                **bearer(self._token),
                **message.headers,
            }
            exchanges = Exchanges(self._client, self._base, headers, self._client.deadline())
            if entries[-1]["request"]["method"] == "DELETE":
                return Receipt(False, reason="a deletion cannot be told to this partner")
            return _Writing(exchanges, self._can, theirs=self._base, message=message).all(entries)
        except NotDone as error:
            return error.receipt

    def close(self) -> None:
        self._client.close()


@dataclass(slots=True)
class _Writing:
    """One message on its way; `places` says where the EHR keeps what we refer to."""

    to: Exchanges
    can: Capabilities
    theirs: str
    message: Message
    ours: str = ""
    places: dict[str, str] = field(default_factory=dict)

    def all(self, entries: list[Json]) -> Receipt:
        focus = entries[-1]["resource"]
        self.ours = entries[-1]["fullUrl"].removesuffix(f"/{_place(focus)}")
        for entry in entries[:-1]:
            resource = entry["resource"]
            remote = document.known_as(resource, self.theirs)
            if remote is not None:
                self.places[_place(resource)] = remote
            elif self.can.along and self._takes(resource):
                self._once(resource)
        remote = document.known_as(focus, self.theirs)
        if remote is not None and focus["resourceType"] == "Task" and self.can.allows("Task", "update"):
            return self._update(remote, focus)
        if remote is not None:
            return self._own(remote, entries)
        if self._takes(focus):
            return self._once(focus)
        return self._told(entries)

    def _takes(self, resource: Json) -> bool:
        type = resource["resourceType"]
        return self.can.allows(type, "create") and type not in _NOT_FOUND_AGAIN

    def _own(self, remote: str, entries: list[Json]) -> Receipt:
        """News of what the EHR owns and we do not write: none, if it says so itself."""
        read = self.to.read(remote)
        if read is not None and read.resource.get("status") == entries[-1]["resource"].get("status"):
            return Receipt(True, reason="the partner says so already", remote=remote)
        return self._told(entries)

    def _update(self, remote: str, resource: Json) -> Receipt:
        """Change a resource of the EHR's own, over the version just read; once more when somebody was faster."""
        for attempt in range(1, _TRIES + 1):
            read = self.to.read(remote)
            if read is None:
                return Receipt(False, reason="the partner no longer has its resource", doubtful=True)
            kept = {name: value for name, value in read.resource.items() if name not in _TOLD}
            wanted = {**kept, **{name: resource[name] for name in _TOLD if name in resource}}
            if wanted == read.resource:
                return Receipt(True, reason="the partner says so already", remote=remote)
            if read.resource.get("status") in _CLOSED:
                return Receipt(False, reason="the partner has closed its Task otherwise")
            try:
                match = {"If_Match": read.etag} if read.etag else {}
                self.to.write("PUT", remote, wanted, **match)
            except NotDone as error:
                if attempt < _TRIES and error.receipt.reason.startswith(_STALE):
                    continue
                raise
            return Receipt(True, reason="http 200", remote=remote)
        raise AssertionError("the last attempt ends")

    def _told(self, entries: list[Json]) -> Receipt:
        """A document about it, and a message that says so."""
        focus = entries[-1]["resource"]
        member = self.places.get(document.member_of(focus) or "")
        if member is None:
            return Receipt(
                False, reason="the member is not known at this partner: link the Patient to its record there"
            )
        if not self.can.allows("DocumentReference", "create"):
            return Receipt(False, reason="the partner accepts neither this type nor documents")
        each = not self.can.allows("DocumentReference", "update")
        made = document.reference_of(entries, ours=self.ours, member=member, each_version=each)
        receipt = self._once(made)
        if self.can.allows("Communication", "create"):
            said = document.communication_of(focus, ours=self.ours, member=member, about=self.places.get(_place(made)))
            receipt = self._once(said)
        return receipt

    def _once(self, resource: Json) -> Receipt:
        """Create it, or update what an earlier delivery created; nothing when it says the same."""
        type = resource["resourceType"]
        wanted = document.rewritten(document.marked(resource, ours=self.ours), self.places, ours=self.ours)
        found = self._find(type, wanted)
        if found is None:
            kept = {name: value for name, value in wanted.items() if name != "id"}
            receipt = self.to.write("POST", type, kept)
            place = self.to.place(receipt, type)  # None where the server does not say
        elif not self.can.allows(type, "update") or _same(found, wanted):
            place = _place(found)
            receipt = Receipt(True, reason="the partner has it already", remote=place)
        else:
            place = _place(found)
            receipt = self._replace(place, wanted)
        if place is not None:
            self.places[_place(resource)] = place
        return receipt

    def _replace(self, place: str, wanted: Json) -> Receipt:
        read = self.to.read(place)
        match = {"If_Match": read.etag} if read is not None and read.etag else {}
        return self.to.write("PUT", place, {**wanted, "id": place.partition("/")[2]}, **match)

    def _find(self, type: str, wanted: Json) -> Json | None:
        """What an earlier delivery created, by its identifier."""
        own = document.mark_of(wanted, self.ours)
        member = document.member_of(wanted) if self.can.find == "member" else None
        by = [("patient", member.rpartition("/")[2])] if member is not None else [("identifier", f"{self.ours}|{own}")]
        found = [one for one in self.to.search(type, by) if document.mark_of(one, self.ours) == own]
        return found[0] if found else None


def _place(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _same(found: Json, wanted: Json) -> bool:
    """Whether the partner's copy says all that we would write."""
    return all(found.get(name) == value for name, value in wanted.items() if name not in ("id", "meta", "text"))
