"""Fan a change out: everyone who has standing on the member's record is owed it, in the change's own transaction.

A partner that gains standing by the change (a provider joins the team, a referral names it) is owed what is kept of the
record as well: what was told before it came is not lost for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.ports import Caller, Json, Kept, Owed, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.keep import Written, messages_for
from gateway.usecases.parties import member_in
from gateway.usecases.services import Services, Subscriber
from gateway.usecases.standing import RECORD, Standing, Within

NEWCOMER = "standing"
"""Kind of what a newcomer is owed."""


def fan_out(
    written: Iterable[tuple[Written, Json]],
    caller: Caller,
    tx: Transaction,
    services: Services,
    *,
    kind: str,
    without: str = "",
) -> None:
    """Owe these changes to the partners; `without` is the one that told us, whose own echo stops here."""
    partners = [one for one in services.subscribers if one.name != without]
    changed = [(one, resource) for one, resource in written if one.changed]
    if not partners or not changed:
        return
    standing = Standing(Within(tx, services.store, caller), services.clock())

    def stands(partner: Subscriber, kept: Kept) -> bool:
        return standing.decide(partner, kept).allowed

    owed = messages_for(changed, subscribers=partners, kind=kind, stands=stands)
    tx.owe([*owed, *_newcomers(changed, partners, standing, owed)])


def _newcomers(
    changed: list[tuple[Written, Json]], partners: list[Subscriber], standing: Standing, owed: list[Owed]
) -> Iterable[Owed]:
    """What is kept already of the members on whose records partners have standing from now on."""
    naming = [(one, resource) for one, resource in changed if resource["resourceType"] in RECORD]
    members = dict.fromkeys(filter(None, (member_in(resource) for _, resource in naming)))
    known = {(one.partner, one.type, one.id) for one in owed}
    before: dict[str, Json | None] = {}
    for partner in (one for one in partners if one.organizations):
        for member in members:
            before = before or {one.kept.reference: _before(one, standing) for one, _ in naming}
            if not standing.newly(partner, member, before=before):
                continue
            for kept in standing.current(partner, member):
                if (partner.name, kept.type, kept.id) not in known:
                    yield Owed(partner.name, member, NEWCOMER, kept.type, kept.id, kept.version)


def _before(written: Written, standing: Standing) -> Json | None:
    kept = written.kept
    earlier = standing.memory.read(kept.type, kept.id, kept.version - 1) if kept.version > 1 else None
    return content(earlier) if earlier is not None and not earlier.deleted else None
