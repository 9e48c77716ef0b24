"""Transaction: keep every entry of a Bundle or none. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.errors import BadRequest, GatewayError, Invalid, Issue, NotFound, Unprocessable
from gateway.fhir.query_string import pairs
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import Collected, Disclosed, Entry, disclose
from gateway.trust.policy import permit
from gateway.usecases.answered import answered_write
from gateway.usecases.bundle_entries import Step, duplicates, steps_of
from gateway.usecases.fan_out import fan_out
from gateway.usecases.keep import Written, identity, unless_overtaken, within, writable
from gateway.usecases.matching import NotOne, Parameters, is_meant, one_match, same_identity
from gateway.usecases.read import had
from gateway.usecases.references import are_named, missing, references, rewritten
from gateway.usecases.search import found
from gateway.usecases.services import Services
from gateway.usecases.written_loop import LoopWrites, faults


@dataclass(frozen=True, slots=True)
class _Planned:
    """A step with the id it will have; `existing` is what is there and makes a conditional create keep nothing."""

    step: Step
    id: str
    existing: Kept | None = None


def transaction(bundle: Json, caller: Caller, *, services: Services, base: str, full: bool = False) -> Disclosed:
    """Do all entries in one transaction, and answer a transaction-response; any problem keeps nothing.

    Every problem of every entry is listed with its place. `full`: the answer carries the resources kept.
    """
    steps = _all_sound(steps_of(bundle, services=services, base=base))
    for step in steps:
        permit(caller, action="R" if step.method == "GET" else "C", type=step.type, store=services.store)
    return unless_overtaken(partial(_kept, steps, caller, services=services, base=base, full=full))


def _kept(steps: Sequence[Step], caller: Caller, *, services: Services, base: str, full: bool) -> Disclosed:
    with services.store.begin(caller) as tx:
        planned = _plan(steps, tx, services)
        resources = _resolved(planned, tx, services)
        _check(planned, resources, tx, services)
        loop = LoopWrites(tx, caller, services)
        written = _write(planned, resources, loop)
        fan_out([*written.values(), *loop.followed], caller, tx, services, kind="transaction")
        entries = [
            _answer(
                plan, written[at][0] if at in written else None, caller, tx, services=services, base=base, full=full
            )
            for at, plan in enumerate(planned)
        ]
        head = {"resourceType": "Bundle", "type": "transaction-response"}
        wrote = [one.kept for one, _ in written.values() if one.changed]
        return disclose(
            Collected(head, entries), caller=caller, note=tx.note, event="transaction", action="E", wrote=wrote
        )


def _all_sound(steps: Sequence[Step | GatewayError]) -> list[Step]:
    sound = [step for step in steps if isinstance(step, Step)]
    issues = [issue for step in steps if isinstance(step, GatewayError) for issue in step.issues]
    if issues:
        raise BadRequest(issues=issues)
    if twice := duplicates(sound):
        raise Unprocessable(issues=twice)
    return sound


def _plan(steps: Sequence[Step], tx: Transaction, services: Services) -> list[_Planned]:
    planned, issues = [], []
    for step in steps:
        try:
            planned.append(_identified(step, tx, services))
        except GatewayError as error:
            issues += [issue.but(expression=step.at) for issue in error.issues]
    if issues:
        raise NotOne(issues=issues)
    _written_once(planned)
    return planned


def _written_once(planned: Sequence[_Planned]) -> None:
    """Raise if two entries turn out to write the same resource, one of them perhaps found by its condition."""
    seen: set[tuple[str, str]] = set()
    issues: list[Issue] = []
    for plan in planned:
        if plan.step.method == "GET" or plan.existing is not None:
            continue
        if (plan.step.type, plan.id) in seen:
            issues.append(Issue("error", "duplicate", "Another entry writes this resource.", plan.step.at))
        seen.add((plan.step.type, plan.id))
    if issues:
        raise Unprocessable(issues=issues)


def _identified(step: Step, tx: Transaction, services: Services) -> _Planned:
    if step.method == "POST":
        existing = one_match(tx, step.type, step.asked.unless, services) if step.asked.unless is not None else None
        return _Planned(step, existing.id if existing else services.new_id(), existing)
    if step.method == "PUT" and step.id is None:
        match = one_match(tx, step.type, step.query, services)
        named = (step.resource or {}).get("id")
        if named is not None:
            identity(named if isinstance(named, str) else "")
        if match is not None:
            same_identity(match, named)
        return _Planned(step, match.id if match else named or services.new_id())
    kept = tx.read(step.type, step.id or "") if step.asked.once else None
    return _Planned(step, step.id or "", kept if kept is None or not kept.deleted else None)


def _resolved(planned: Sequence[_Planned], tx: Transaction, services: Services) -> list[Json | None]:
    """The resources to keep, with their ids, and references to entries and conditional references resolved."""
    table = {
        plan.step.full_url: f"{plan.step.type}/{plan.id}"
        for plan in planned
        if plan.step.full_url and plan.step.method in ("POST", "PUT")
    }
    writes = [plan for plan in planned if plan.step.resource is not None and plan.step.method != "GET"]
    table |= _conditional_references(writes, table, tx, services)
    return [
        {**rewritten(plan.step.resource, table), "id": plan.id}
        if plan.step.method in ("POST", "PUT") and plan.existing is None
        else None
        for plan in planned
    ]


def _conditional_references(
    writes: Sequence[_Planned], table: dict[str, str], tx: Transaction, services: Services
) -> dict[str, str]:
    """What `Patient?identifier=...` means, for each such reference. https://hl7.org/fhir/R4/http.html#trules"""
    resolved: dict[str, str] = {}
    issues: list[Issue] = []
    for plan in writes:
        for path, text in references(plan.step.resource or {}):
            type, mark, query = text.partition("?")
            if not mark or text in table or text in resolved or not type.isalpha():
                continue
            try:
                meant = _meant(type, pairs(query), writes, tx, services)
            except GatewayError as error:
                place = _place(plan, path, services)
                issues += [issue.but(expression=place) for issue in error.issues]
                continue
            if meant is None:
                message = "No resource meets this conditional reference."
                issues.append(Issue("error", "not-found", message, _place(plan, path, services)))
            else:
                resolved[text] = meant
    if issues:
        raise NotOne(issues=issues)
    return resolved


def _meant(type: str, asked: Parameters, writes: Sequence[_Planned], tx: Transaction, services: Services) -> str | None:
    """The one resource that meets a condition once the Bundle is kept: one that is here, or that an entry brings."""
    match = one_match(tx, type, asked, services)
    found = {match.reference} if match else set()
    for plan in writes:
        step = plan.step
        own = step.asked.unless if step.method == "POST" else step.query
        if step.type == type and (tuple(asked) == own or is_meant(step.resource or {}, asked)):
            found.add(f"{type}/{plan.id}")
    if len(found) > 1:
        raise NotOne(issues=[Issue("error", "multiple-matches", "More than one resource meets the condition.")])
    return next(iter(found), None)


def _place(plan: _Planned, path: str, services: Services) -> str:
    """Where in the Bundle a reference of an entry stands, as far as that can be said in FHIR's own names."""
    named = are_named(faults(plan.step.resource or {}, services))
    return f"{plan.step.at}.resource{path[len(plan.step.type) :] if named else ''}"


def _check(planned: Sequence[_Planned], resources: Sequence[Json | None], tx: Transaction, services: Services) -> None:
    """Raise with every broken rule and every reference that leads nowhere, each at its entry."""
    known = {f"{plan.step.type}/{plan.id}" for plan in planned if plan.step.method in ("POST", "PUT")}
    broken: list[Issue] = []
    lost: list[Issue] = []
    for plan, resource in zip(planned, resources, strict=True):
        if resource is None:
            continue
        wrong = faults(resource, services)
        broken += [within(issue, at=plan.step.at, type=plan.step.type) for issue in wrong]
        if services.check_references:
            at, named = f"{plan.step.at}.resource", are_named(wrong)
            lost += missing(resource, tx, known=known, types=services.types, at=at, named=named)
    if lost or broken:
        raise (Invalid if broken else Unprocessable)(issues=[*broken, *lost])


def _write(
    planned: Sequence[_Planned], resources: Sequence[Json | None], loop: LoopWrites
) -> dict[int, tuple[Written, Json]]:
    """Keep all by their place in the Bundle, Tasks after what they refer to; then what follows."""
    listed = [(at, resource) for at, resource in enumerate(resources) if resource is not None]
    loop.own = frozenset(f"{resource['resourceType']}/{resource['id']}" for _, resource in listed)
    listed.sort(key=lambda one: one[1]["resourceType"] == "Task")
    written = {at: (_put(planned[at].step, resource, loop), resource) for at, resource in listed}
    loop.settle()
    return dict(sorted(written.items()))


def _put(step: Step, resource: Json, loop: LoopWrites) -> Written:
    try:
        writable(resource, loop.services)
        current = loop.tx.read(resource["resourceType"], resource["id"])
        step.asked.update.require(current)
        return loop.put(current, resource, at=step.at, posted=step.method == "POST")
    except GatewayError as error:
        raise type(error)(issues=[issue.but(expression=step.at) for issue in error.issues]) from None


def _answer(
    plan: _Planned,
    written: Written | None,
    caller: Caller,
    tx: Transaction,
    *,
    services: Services,
    base: str,
    full: bool,
) -> Entry:
    step = plan.step
    if step.method == "GET":
        return answered_get(step, caller, tx, services=services, base=base)
    if written is None:
        assert plan.existing is not None
        written = Written(plan.existing, created=False, changed=False)
    return answered_write(written, base=base, full=full)


def answered_get(step: Step, caller: Caller, tx: Transaction, *, services: Services, base: str) -> Entry:
    """The response entry of a read or search, as this transaction sees it."""
    if step.id is None:
        inner = found(caller, step.type, step.query, services=services, base=base, answer=tx.search)
        return Entry({"response": {"status": "200 OK"}}, collected=inner)
    kept = tx.read(step.type, step.id)
    if kept is not None and step.version not in (None, kept.version):
        kept = services.store.read(caller, step.type, step.id, step.version)
    if kept is None or kept.deleted:
        raise NotFound(issues=[Issue("error", "not-found", "There is no such resource here.", step.at)])
    return answered_read(kept, step, services=services, base=base)


def answered_read(kept: Kept, step: Step, *, services: Services, base: str) -> Entry:
    """The response entry of a read: without the resource if the caller has this version."""
    same = had(kept, unless=step.asked.have, since=step.asked.since)
    response = {
        "status": "304 Not Modified" if same else "200 OK",
        "etag": kept.etag,
        "lastModified": kept.at.isoformat(timespec="milliseconds"),
    }
    part = services.search.part(step.type, step.query)
    return Entry({"fullUrl": f"{base}/{kept.reference}", "response": response}, None if same else kept, part=part)
