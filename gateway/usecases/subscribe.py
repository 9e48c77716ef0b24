"""Subscribe: take a Subscription in, change it, read it. Everyone sees their own only.

https://hl7.org/fhir/R4/subscription.html, https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/. Whatever status a
client sends (requested, active), it is kept as requested until the handshake; off is kept as off.
"""

from __future__ import annotations

from functools import partial

from gateway.errors import BadRequest, Invalid, Issue, NotFound
from gateway.fhir import ids
from gateway.fhir.part import Part
from gateway.ports import Caller, Json, Kept, Owed
from gateway.search.query import Ids
from gateway.subscriptions.rules import PROFILE, Offer
from gateway.trust.disclosure import Disclosed, content, disclose
from gateway.trust.policy import permit
from gateway.usecases.history import ALL, Asked, history_of
from gateway.usecases.keep import Written, identity, resource_of
from gateway.usecases.preconditions import ALWAYS, Precondition
from gateway.usecases.search import Parameters, part_of, searchset
from gateway.usecases.services import Services

HANDSHAKE = "handshake"
_ASKED = ("requested", "active")


def offered(services: Services) -> Offer:
    """What is honoured here; NotFound where nothing is."""
    if services.offer is None:
        raise NotFound(issues=[Issue("error", "not-supported", "Subscriptions are not offered here.")])
    return services.offer


def subscribe(
    resource: object, caller: Caller, *, services: Services, id: str | None = None, condition: Precondition = ALWAYS
) -> Written:
    """Keep a new Subscription, or the next version of `id`: checked, and owed a handshake before it is active.

    Invalid with every rule of the profile that is broken, or with every reason for which it is not honoured.
    """
    offer = offered(services)
    asked = resource_of(resource, type="Subscription")
    permit(caller, action="C" if id is None else "U", type="Subscription", store=services.store)
    if id is not None and asked.get("id") != identity(id):
        raise BadRequest(
            issues=[Issue("error", "value", "The body's id is not that of the address.", "Subscription.id")]
        )
    wanted = _wanted({**asked, "id": id or services.new_id()})
    if issues := services.validator.faults(wanted, profiles=(PROFILE,)):
        raise Invalid(issues=issues)
    if wanted["status"] != "off" and (refused := offer.issues(wanted, principal=caller.principal)):
        raise Invalid(issues=refused)
    new = id is None or services.store.subscriptions.standing(caller, id) is None
    if new:
        condition.require(None)
    else:
        own(caller, str(id), services=services)
    with services.store.begin(caller) as tx:
        current = None if new else tx.read("Subscription", wanted["id"])
        condition.require(current)
        if current is not None and _same(content(current), wanted, asked):
            shown = disclose(current, caller=caller, note=tx.note, event="update.same", action="U")
            return Written(current, created=False, changed=False, disclosed=shown)
        kept = tx.put(wanted, expected=current.version if current else 0, posted=id is None)
        if wanted["status"] == "requested":
            tx.owe([handshake(kept)])
        event = "create" if new else "update"
        shown = disclose(kept, caller=caller, note=tx.note, event=event, action="C" if new else "U")
    return Written(kept, created=new, changed=True, disclosed=shown)


def handshake(kept: Kept) -> Owed:
    """The handshake that a version in status requested is owed: a lane of its own, before all events."""
    partner = f"subscription:{kept.id}"
    return Owed(partner, f"{kept.reference}/{HANDSHAKE}", HANDSHAKE, kept.type, kept.id, kept.version, urgent=True)


def own(caller: Caller, id: str, *, services: Services) -> Kept:
    """The caller's own Subscription; NotFound for another's too, so that nobody learns of it."""
    offered(services)
    standing = services.store.subscriptions.standing(caller, id) if ids.is_id(id) else None
    kept = services.store.read(caller, "Subscription", id) if standing else None
    if standing is None or kept is None or standing.principal != caller.principal:
        raise NotFound("There is no such resource here.")
    return kept


def read_subscription(
    caller: Caller, id: str, *, services: Services, version: int | None = None, part: Part | None = None
) -> tuple[Kept, Disclosed]:
    """The caller's own Subscription as it is now, or as it was in `version`; `part`: only that part of it."""
    kept: Kept | None = own(caller, id, services=services)
    permit(caller, action="R", type="Subscription", store=services.store)
    if version is not None:
        kept = services.store.read(caller, "Subscription", id, version)
    if kept is None or kept.deleted:
        raise NotFound("There is no such version here.")
    event = "vread" if version else "read"
    return kept, disclose(kept, caller=caller, note=partial(services.store.note, caller), event=event, part=part)


def subscription_history(caller: Caller, id: str, *, services: Services, base: str, asked: Asked = ALL) -> Disclosed:
    """The versions of the caller's own Subscription, newest first: when it went to error, and who made it active."""
    own(caller, id, services=services)
    permit(caller, action="R", type="Subscription", store=services.store)
    versions = services.store.history(caller, "Subscription", id)
    return history_of(versions, caller, services=services, base=base, asked=asked)


def search_subscriptions(
    caller: Caller, parameters: Parameters, *, services: Services, base: str, lenient: bool = False
) -> Disclosed:
    """One page of the caller's own Subscriptions that meet the parameters."""
    offered(services)
    permit(caller, action="R", type="Subscription", store=services.store)
    mine = Ids(tuple(standing.id for standing in services.store.subscriptions.own(caller)) or ("-",))
    query = services.search.parse("Subscription", parameters, lenient=lenient).and_where(mine)
    page = services.store.search(caller, query)
    collected = searchset(page, query, base=base, part=part_of(query, services))
    return disclose(collected, caller=caller, note=partial(services.store.note, caller), event="search")


def _wanted(asked: Json) -> Json:
    """As it is kept: the server's own words (error) left out, and requested until a handshake went well."""
    status = asked.get("status")
    kept = {name: value for name, value in asked.items() if name != "error"}
    return kept | {"status": "requested"} if status in _ASKED else kept


def _same(current: Json, wanted: Json, asked: Json) -> bool:
    """Whether a client only says again what is so: an active one stays active without another handshake."""

    def said(one: Json) -> Json:
        return {name: value for name, value in one.items() if name not in ("meta", "status", "error")}

    return said(current) == said(wanted) and current["status"] == asked["status"]
