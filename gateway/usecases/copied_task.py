"""A partner's own Task, of which we keep a copy: in the member's loop, and no older than what became of it here.

The work on it may be done here: then our state is the newer one, and the partner is told. docs/closed-loop.md
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.loop import Heard, Party, TaskStatus, hear
from gateway.errors import IllegalMove
from gateway.mapping import loop, stated_task
from gateway.ports import Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.join_loop import SHARED, join_written
from gateway.usecases.services import Services
from gateway.usecases.source_version import SourceVersion


def as_copied(
    theirs: Json, current: Kept | None, version: SourceVersion, tx: Transaction, *, services: Services
) -> Json:
    """The partner's version as it is kept over `current`, with the loop that its Task is part of.

    A new Task joins the member's open loop and begins where that stands. One that was moved here since stays where it
    is when the partner's version says less; what cannot have happened is left for the store's guard to refuse.
    """
    if not loop.is_referral_task(theirs):
        return theirs
    if current is None or current.deleted:
        return join_written(theirs, tx, services)
    before = content(current)
    if not loop.is_referral_task(before):
        return theirs
    group = before.get("groupIdentifier")
    if group and group.get("system") == loop.LOOP and "groupIdentifier" not in theirs:
        theirs = theirs | {"groupIdentifier": group}
    if stated_task.same_status(before, theirs):
        return stated_task.still(before, theirs)
    if not _is_behind(theirs, before, version.at):
        return theirs
    kept = {name: value for name, value in theirs.items() if name not in SHARED}
    return kept | {name: before[name] for name in SHARED if name in before}


def _is_behind(theirs: Json, before: Json, kept_there: datetime) -> bool:
    """Whether the partner's version stands where the loop was before it moved here."""
    try:
        present, status = loop.loop_of(before), TaskStatus(theirs["status"])
    except ValueError:
        return False
    if loop.since_of(before) is None:
        return False
    said = loop.since_of(theirs)
    at = min(said, kept_there) if said else min(loop.instant(loop.begun(theirs | {"meta": before["meta"]})), kept_there)
    reason = (theirs.get("statusReason") or {}).get("text")
    for party in Party:
        try:
            _, heard = hear(present, status, party=party, at=at, reason=reason)
        except IllegalMove:
            continue
        if heard is not Heard.STALE:
            return False
    return at < present.since


def is_ahead(theirs: Json, kept: Json) -> bool:
    """Whether the partner's Task stands elsewhere here than it said, so that it has to be told as well."""
    return loop.is_referral_task(kept) and theirs.get("status") != kept.get("status")


def says_the_same(before: Kept | None, after: Json) -> bool:
    """Whether a partner's version says what is kept already (of which version it is aside): nobody is told of it."""
    if before is None or before.deleted:
        return False
    return {**content(before), "meta": None} == {**after, "meta": None}
