"""Apply what partners sent us, one message of a partner at a time: idempotently, newest by the source's version.

A message says what changed (a resource, a Bundle of them, news of a referral in the gateway's own schema) or only that
something did (a subscription's notification by id: then it is read from the partner, and nowhere else). What cannot be
understood is parked for a person, never guessed; what fails for a while is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from gateway.doors import findhelp
from gateway.errors import (
    Forbidden,
    GatewayError,
    Issue,
    PartnerRefused,
    StaleVersion,
    Trouble,
    Unprocessable,
    UnsupportedMedia,
)
from gateway.fhir import codec, ids
from gateway.fhir.outcome import worst_first
from gateway.mapping.loop import guard_news
from gateway.ports import AuditEntry, Caller, Clock, Inbound, Json, Kept, Source, Transaction
from gateway.trust.disclosure import content
from gateway.trust.policy import permit
from gateway.usecases.as_polled import as_polled
from gateway.usecases.change_referral import change_referral
from gateway.usecases.copied_task import as_copied, is_ahead, says_the_same
from gateway.usecases.delivery_schedule import next_attempt
from gateway.usecases.empty_hook import CONTENT_TYPE as EMPTY
from gateway.usecases.empty_hook import ask_soon
from gateway.usecases.fan_out import fan_out
from gateway.usecases.heard_back import heard_back, is_ours, may_move
from gateway.usecases.keep import Written, check, check_references, put_over
from gateway.usecases.poll_partner import CONTENT_TYPE as POLLED
from gateway.usecases.read_along import along, localised
from gateway.usecases.references import own
from gateway.usecases.services import Hook, Services
from gateway.usecases.source_version import SourceVersion, is_copy, last_known, meta_of, source_version
from gateway.usecases.start_loop import start_loop
from gateway.usecases.told import names_nothing, told
from gateway.usecases.written_loop import LoopWrites

LEASE_SECONDS = 120.0
TRIES = 3
"""How often a resource is looked at again when another writer was faster."""
DEFECTS = 3
"""How often a message that we fail over is tried: what a partner sends after it must not wait for a person."""
LONGEST = 4
"""The step of the delivery schedule (ten minutes) beyond which waits do not grow: all that a partner sent waits."""
TRIED = timedelta(days=3)
"""How long a message is tried that something outside keeps from being applied."""
Ending = Literal["applied", "waiting", "parked"]
XML_TYPES = frozenset(["application/fhir+xml", "application/xml", "text/xml"])


def not_xml(data: bytes) -> object:
    """Where nothing reads XML."""
    raise UnsupportedMedia("FHIR XML is not read here.")


@dataclass(frozen=True, slots=True)
class Applying:
    """What applying needs. `source` reads from partners; `services` is made when the first message is there."""

    services: Callable[[], Services]
    source: Source
    clock: Clock
    base: str
    tell: Callable[[Inbound, Ending, str], None]
    scale: float = 1.0
    xml: Callable[[bytes], object] = not_xml
    """Reads a resource from FHIR XML, for partners that send it."""


def apply_inbox(applying: Applying, *, inbox: Callable[[], Inbound | None]) -> int:
    """Apply the next message that `inbox` gives out (a claim); 0 when there is none."""
    message = inbox()
    if message is None:
        return 0
    services = applying.services()
    ending, reason, due = _ended(message, services, applying)
    if services.store.inbox.settle(message, state=ending, now=due, reason=reason or None):
        applying.tell(message, ending, reason)
    return 1


def _ended(message: Inbound, services: Services, applying: Applying) -> tuple[Ending, str, datetime]:
    """How applying a message ends, why, and when it is looked at again."""
    now = applying.clock()
    try:
        return "applied", _apply(message, services, applying), now
    except PartnerRefused as error:
        return "parked", error.issues[0].code, now
    except (Trouble, StaleVersion) as error:
        reason = error.issues[0].code
    except GatewayError as error:
        first = worst_first(error.issues)[0]
        return "parked", f"{first.code}{f' ({first.rule})' if first.rule else ''}", now
    except Exception as error:
        reason = f"a defect of this gateway: {type(error).__name__}"
        if message.attempts >= DEFECTS:
            return "parked", f"gave up: {reason}", now
    due = next_attempt(min(message.attempts, LONGEST), now=now, jitter=0.5, scale=applying.scale)
    old = message.attempts > LONGEST and now - message.received_at > TRIED * applying.scale
    return ("parked", f"gave up: {reason}", now) if due is None or old else ("waiting", reason, due)


def _apply(message: Inbound, services: Services, applying: Applying) -> str:
    """Do what the message says; a word on what came of it."""
    if message.content_type == POLLED:
        from gateway.usecases.apply_polled import apply_polled

        caller = Caller(f"partner:{message.partner}", tenant=message.tenant, request_id=message.id)
        return _said(*apply_polled(message, caller, services=services, base=applying.base))
    hook = services.hooks.get(message.partner)
    if hook is None:
        raise Unprocessable("The partner sends no webhooks any more.")
    if message.content_type == EMPTY:
        return ask_soon(message, hook=hook, services=services)
    value = applying.xml(message.body) if message.content_type in XML_TYPES else codec.read(message.body)
    caller = Caller(f"partner:{message.partner}", tenant=message.tenant, request_id=message.id)
    if not isinstance(value, dict):
        raise Unprocessable("The message is no JSON object.")
    if value.get("contract") == findhelp.CONTRACT:
        value = findhelp.referral_change(message.body, partner=message.partner)
    if "resourceType" not in value:
        change_referral(value, caller, source=message.body, services=services, base=applying.base)
        return "news of a referral"
    if hook.polls and names_nothing(value):
        return ask_soon(message, hook=hook, services=services)
    read = applying.source
    here = partial(_is_here, caller, services)
    newer = []
    for resource in told(value, hook=hook, source=read):
        _refuse_unless_accepted(resource, hook=hook, services=services)
        if resource["resourceType"] in hook.polls:
            newer.append(
                as_polled(resource, message, caller, hook=hook, services=services, source=read, base=applying.base)
            )
            continue
        needed = along(resource, partner=hook.partner, accepts=hook.accepts & services.types, source=read, here=here)
        for one in (*needed, resource):
            base = read.base(hook.partner)
            whole = localised(one, base=base, here=here) if base else one
            newer.append(keep_newest(whole, message, caller, hook=hook, services=services))
    return _said(sum(newer), len(newer))


def _said(news: int, of: int) -> str:
    return f"{news} of {of} resources were news"


def _is_here(caller: Caller, services: Services, type: str, id: str) -> bool:
    kept = services.store.read(caller, type, id) if type in services.types else None
    return kept is not None and not kept.deleted


def _refuse_unless_accepted(resource: Json, *, hook: Hook, services: Services) -> None:
    type, id = resource.get("resourceType"), resource.get("id")
    if not isinstance(type, str) or type not in hook.accepts or type not in services.types:
        raise Forbidden("This partner may not send resources of this type.")
    if not isinstance(id, str) or not ids.is_id(id):
        raise Unprocessable(issues=[Issue("error", "value", "The resource has no id.", f"{type}.id")])


def keep_newest(resource: Json, message: Inbound, caller: Caller, *, hook: Hook, services: Services) -> bool:
    """Keep a partner's version unless a newer one of it is here; whether anything changed."""
    _refuse_unless_accepted(resource, hook=hook, services=services)
    permit(caller, action="U", type=resource["resourceType"], store=services.store)
    version = source_version(resource, message)
    for attempt in range(TRIES):
        try:
            with services.store.begin(caller) as tx:
                return _keep(resource, version, caller, tx, hook=hook, services=services)
        except StaleVersion:
            if attempt + 1 == TRIES:
                raise
    raise AssertionError


def _keep(
    resource: Json, version: SourceVersion, caller: Caller, tx: Transaction, *, hook: Hook, services: Services
) -> bool:
    current = tx.read(resource["resourceType"], resource["id"])
    reference = f"{resource['resourceType']}/{resource['id']}"
    if current is not None and not current.deleted:
        history = partial(services.store.history, caller, current.type, current.id)
        before = last_known(current, hook.partner, history=history)
        if before is not None and not version.newer_than(before):
            tx.note(AuditEntry("U", "inbound.older", (reference,), "success", hook.partner))
            return False
    if current is not None and is_ours(current):
        check(resource, services)
        heard = heard_back(resource, current, version, caller, tx, services=services)
        _note(heard, hook.partner, tx)
        return bool(heard)
    stamped = {**meta_of(resource), "source": version.as_source(hook.partner, reference)}
    named = {**own(resource, services.base), "meta": stamped}
    if named["resourceType"] == "ServiceRequest":
        return _order(named, current, caller, tx, hook=hook, services=services)
    if named["resourceType"] == "Task":
        named = as_copied(named, current, version, tx, services=services)
    check(named, services)
    check_references(named, tx, services)
    written = put_over(current, named, tx, guard=guard_news)
    echoes = "" if is_ahead(resource, named) else hook.partner
    if not says_the_same(current, named):
        fan_out([(written, named)], caller, tx, services, kind="resource", without=echoes)
    _note([written], hook.partner, tx)
    return written.changed


def _order(
    named: Json, current: Kept | None, caller: Caller, tx: Transaction, *, hook: Hook, services: Services
) -> bool:
    """Keep a partner's ServiceRequest: its Tasks here are withdrawn with it, or begin where it sends none."""
    ours = None if current is None or current.deleted or is_copy(content(current)) else content(current)
    if current is not None and ours is not None and not may_move(ours, hook.partner, caller, tx, services):
        tx.note(AuditEntry("U", "inbound.no-party", (current.reference,), "refused", hook.partner))
        return False
    check(named, services)
    check_references(named, tx, services)
    loop = LoopWrites(tx, caller, services)
    written = loop.put_copy(current, named)
    fan_out([(written, content(written.kept))], caller, tx, services, kind="resource", without=hook.partner)
    loop.settle()
    begun = start_loop(written.kept, caller, tx, services) if "Task" not in hook.accepts and written.changed else None
    followed = [*loop.followed, *([(begun, content(begun.kept))] if begun else [])]
    fan_out(followed, caller, tx, services, kind="resource")
    _note([written, *(one for one, _ in followed)], hook.partner, tx)
    return written.changed


def _note(written: Iterable[Written], partner: str, tx: Transaction) -> None:
    entities = tuple(f"{one.kept.reference}/_history/{one.kept.version}" for one in written)
    tx.note(AuditEntry("U", "inbound.applied", entities, "success", partner))
