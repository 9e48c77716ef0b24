"""Keep what was found at a partner: under ids of ours, known by the partner's address and reference as an identifier.

Newest by the partner's own version, whatever the order; a member who is here already is never overwritten by what came
along with a referral, only linked. What the partner may not move, or says in words of its own, is refused for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.errors import Invalid, Issue, StaleVersion, Unprocessable
from gateway.fhir import codec, ids
from gateway.fhir.element import code_of
from gateway.mapping.loop import TASK_CODES, guard_news
from gateway.ports import AuditEntry, Caller, Inbound, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.trust.policy import permit
from gateway.usecases.copied_task import as_copied, is_ahead, says_the_same
from gateway.usecases.fan_out import fan_out
from gateway.usecases.heard_back import heard_back, is_ours
from gateway.usecases.keep import Overtaken, Written, check, check_references, put_over, unless_overtaken
from gateway.usecases.matching import one_match
from gateway.usecases.poll_partner import NO_TASKS, OUR_IDS
from gateway.usecases.references import own, references
from gateway.usecases.services import Services
from gateway.usecases.source_version import HEARD, SourceVersion, is_copy, last_known, source_version
from gateway.usecases.start_loop import start_loop
from gateway.usecases.written_loop import LoopWrites

_COMMUNITY = "community-resource"
_NAMELESS = frozenset(["QuestionnaireResponse", "Composition", "Provenance", "AuditEvent", "Binary"])
"""Types without a list of identifiers: they could not be known by their partner's."""
_STATED = ("status", "statusReason", "lastModified")
"""What a partner may change in a Task of ours."""


def apply_polled(message: Inbound, caller: Caller, *, services: Services, base: str) -> tuple[int, int]:
    """Keep the resources of one polled Bundle, all or none; how many were news, of how many."""
    bundle = codec.read(message.body)
    entries = bundle.get("entry", [])
    if not entries:
        raise Unprocessable("Nothing was found.")
    last = entries[-1]
    origin = str(last["fullUrl"]).removesuffix(f"/{_place(last['resource'])}")
    kept_here = services.types - _NAMELESS
    served = [entry["resource"] for entry in entries if entry["resource"]["resourceType"] in kept_here]
    if not served or served[-1] is not last["resource"]:
        raise Unprocessable(issues=[Issue("error", "not-supported", "Resources of this type are not kept here.")])
    if not all(ids.is_id(str(one["id"])) for one in served):
        raise Unprocessable(issues=[Issue("error", "value", "A resource of the partner's has an id that is none.")])
    for one in served:
        permit(caller, action="U", type=one["resourceType"], store=services.store)
    tags = bundle.get("meta", {}).get("tag", [])

    def keep() -> tuple[int, int]:
        try:
            return _keep(served, message, caller, services, base=base, origin=origin, tags=tags)
        except StaleVersion:
            raise Overtaken from None

    return unless_overtaken(keep)


def _keep(
    served: Sequence[Json],
    message: Inbound,
    caller: Caller,
    services: Services,
    *,
    base: str,
    origin: str,
    tags: Sequence[Json],
) -> tuple[int, int]:
    with services.store.begin(caller) as tx:
        applied = _Applied(message, caller, origin, base, tx, services, OUR_IDS in tags)
        written = [applied.one(one, focus=one is served[-1]) for one in served]
        changed = [w for w in written if w is not None and w.changed]
        with_content = [(w, content(w.kept)) for w in changed if w.kept.reference not in applied.silent]
        known = [one for one in with_content if one[0].kept.reference not in applied.ahead]
        fan_out(known, caller, tx, services, kind="resource", without=message.partner)
        fan_out([one for one in with_content if one not in known], caller, tx, services, kind="resource")
        followed = _in_loop(applied, changed, starts=NO_TASKS in tags)
        fan_out([(w, content(w.kept)) for w in followed], caller, tx, services, kind="resource")
        kept = tuple(f"{w.kept.reference}/_history/{w.kept.version}" for w in [*changed, *followed, *applied.heard])
        tx.note(AuditEntry("U", "inbound.applied", kept, "success", message.partner))
    return len(kept), len(served)


def _in_loop(applied: _Applied, changed: Sequence[Written], *, starts: bool) -> list[Written]:
    """What follows for the loops of the requests that changed: their Tasks are withdrawn with them, or begin."""
    loop, services = applied.loop, applied.services
    loop.settle()
    requests = [one.kept for one in changed if starts and one.kept.type == "ServiceRequest"]
    begun = [start_loop(kept, applied.caller, applied.tx, services) for kept in requests]
    return [*(one for one, _ in loop.followed), *(one for one in begun if one is not None)]


@dataclass(slots=True)
class _Applied:
    """The resources of one Bundle on their way into the store."""

    message: Inbound
    caller: Caller
    origin: str
    base: str
    tx: Transaction
    services: Services
    our_ids: bool
    """Whether the partner keeps what is ours under our ids."""
    heard: list[Written] = field(default_factory=list)
    """What became of news of ours; told to those concerned already."""
    ahead: set[str] = field(default_factory=set)
    """The partner's own Tasks that stand elsewhere here than it said: it is told as well."""
    silent: set[str] = field(default_factory=set)
    """What says nothing new: only of which version of the partner's it is."""
    _loop: LoopWrites | None = None

    def one(self, resource: Json, *, focus: bool) -> Written | None:
        """Keep a resource, each after those it refers to; None where what is here stays."""
        type = resource["resourceType"]
        if ours := _ours(resource, self.base) or self._under_our_id(resource):
            return self._stated(resource, ours) if focus and type == "Task" else None
        current = self._known(_place(resource), type)
        version = source_version(resource, self.message)
        if current is not None and not self._news(current, version):
            return None
        if current is None and type == "Patient" and (known := self._member(resource)) is not None:
            return self._linked(known, resource)
        id = current.id if current is not None else self.services.new_id()
        source = version.as_source(self.message.partner, _place(resource))
        made = own(self._local(resource, id=id, source=source), self.base)
        if type == "Task":
            made = as_copied(made, current, version, self.tx, services=self.services)
            self.ahead |= {f"Task/{id}"} if is_ahead(resource, made) else set()
        self.silent |= {f"{type}/{id}"} if says_the_same(current, made) else set()
        check(made, self.services)
        check_references(made, self.tx, self.services)
        if type == "ServiceRequest":
            return self.loop.put_copy(current, made)
        return put_over(current, made, self.tx, guard=guard_news)

    @property
    def loop(self) -> LoopWrites:
        """What follows for the loops of the partner's requests."""
        if self._loop is None:
            self._loop = LoopWrites(self.tx, self.caller, self.services)
        return self._loop

    def _under_our_id(self, resource: Json) -> str | None:
        """The resource's id, if that is ours: the partner keeps what we sent under our ids."""
        kept = self.tx.read(resource["resourceType"], resource["id"]) if self.our_ids else None
        return None if kept is None or kept.deleted or is_copy(content(kept)) else kept.id

    def _news(self, current: Kept, version: SourceVersion) -> bool:
        history = partial(self.services.store.history, self.caller, current.type, current.id)
        before = last_known(current, self.message.partner, history=history)
        return before is None or version.newer_than(before)

    def _stated(self, theirs: Json, id: str) -> Written | None:
        """A Task of ours at the partner: its status and reason are news, if the partner said it after us."""
        current = self.tx.read("Task", id)
        if current is None or current.deleted:
            raise Unprocessable("The partner has a Task of ours that is not kept here.")
        before = content(current)
        version = source_version(theirs, self.message)
        if not self._news(current, version):
            return None
        if is_ours(current):
            local = self._referring(theirs, self._table(theirs))
            self.heard += heard_back(local, current, version, self.caller, self.tx, services=self.services)
            return None
        kept = {name: value for name, value in before.items() if name not in _STATED}
        made = kept | {name: theirs[name] for name in _STATED if name in theirs}
        if made == before:
            return None
        source = version.as_source(self.message.partner, _place(theirs), kind=HEARD)
        made["meta"] = {**before.get("meta", {}), "source": source}
        check(made, self.services)
        return put_over(current, made, self.tx)

    def _known(self, place: str, type: str) -> Kept | None:
        """What the partner's `place` is here; an id with a comma in it would be a search for others too."""
        if not ids.is_id(place.partition("/")[2]):
            return None
        return one_match(self.tx, type, [("identifier", f"{self.origin}|{place}")], self.services)

    def _member(self, patient: Json) -> Kept | None:
        """The member here who has an identifier in common with the partner's Patient."""
        found: dict[str, Kept] = {}
        for one in patient.get("identifier", []):
            system, value = one.get("system"), one.get("value")
            if system and value and not any(mark in f"{system}{value}" for mark in ",|$\\"):
                match = one_match(self.tx, "Patient", [("identifier", f"{system}|{value}")], self.services)
                if match is not None:
                    found[match.id] = match
        if len(found) > 1:
            issue = Issue("error", "multiple-matches", "The partner's Patient is more than one member here.", "Patient")
            raise Invalid(issues=[issue])
        return next(iter(found.values()), None)

    def _linked(self, known: Kept, patient: Json) -> Written:
        """The member as kept here, now known by the partner's reference too."""
        member = content(known)
        identifiers = [*member.get("identifier", []), {"system": self.origin, "value": _place(patient)}]
        return put_over(known, {**member, "identifier": identifiers}, self.tx)

    def _local(self, resource: Json, *, id: str, source: str) -> Json:
        meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
        own = {"system": self.origin, "value": _place(resource)}
        made: Json = self._referring(resource, self._table(resource))
        identifiers = [*made.get("identifier", []), own]
        made = {**made, "id": id, "meta": {**meta, "source": source}, "identifier": identifiers}
        return _with_code(made) if resource["resourceType"] == "Task" else made

    def _table(self, resource: Json) -> dict[str, str | None]:
        """Each reference of the partner's: what it is here, None where it is not."""
        table: dict[str, str | None] = {}
        for _, text in references(resource):
            local = text.removeprefix(self.origin + "/").partition("/_history/")[0]
            type, _, id = local.partition("/")
            if text.startswith("#") or not id or "/" in id or not type.isalpha():
                continue
            known = self._known(local, type) if type in self.services.types - _NAMELESS else None
            if known is None and self._under_our_id({"resourceType": type, "id": id}):
                table[text] = local
                continue
            table[text] = known.reference if known is not None else None
        return table

    def _referring(self, value: Any, table: dict[str, str | None]) -> Any:
        if isinstance(value, list):
            return [self._referring(member, table) for member in value]
        if not isinstance(value, dict):
            return value
        made = {name: self._referring(member, table) for name, member in value.items()}
        text = value.get("reference")
        if not isinstance(text, str) or text not in table:
            return made
        here = table[text]
        if here is not None:
            return {**made, "reference": here}
        named = {"system": self.origin, "value": text.removeprefix(self.origin + "/")}
        return {k: v for k, v in made.items() if k != "reference"} | {"identifier": made.get("identifier", named)}


def _with_code(task: Json) -> Json:
    """A community resource Task asks to fulfil an order: it is said in the code that the closed loop goes by."""
    codings = (task.get("code") or {}).get("coding", [])
    dated = "authoredOn" in task or "lastModified" in task
    if (
        task.get("intent") != "order"
        or not dated
        or code_of(task.get("code"), TASK_CODES)
        or not any(one.get("code") == _COMMUNITY for one in codings)
    ):
        return task
    return {**task, "code": {**task["code"], "coding": [*codings, {"system": TASK_CODES, "code": "fulfill"}]}}


def _ours(resource: Json, base: str) -> str | None:
    """The id here of a resource that this gateway wrote there."""
    listed = resource.get("identifier", [])
    for one in listed if isinstance(listed, list) else []:
        type, _, id = str(one.get("value", "")).partition("/")
        if one.get("system") == base and type == resource["resourceType"] and id and "/" not in id:
            return id
    return None


def _place(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
