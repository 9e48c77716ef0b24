"""Hear back from a partner that has a copy of a referral's Task: where it stands there is news of the loop here.

The partner's Task is read as news (`gateway.usecases.change_referral`): steps that were quicker than the news are
skipped, what is older changes nothing, and the request, the Task it is part of and the care team follow. What was done
(`output`) and noted comes along; all else in our Task is ours.
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.loop import CLOSED, Heard, Party, TaskStatus
from gateway.domain.referral import Key
from gateway.domain.referral_change import ReferralChange
from gateway.errors import IllegalMove, Invalid, Issue, Unprocessable
from gateway.mapping import loop
from gateway.ports import AuditEntry, Caller, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.change_referral import Turn, settled, turn_of
from gateway.usecases.fan_out import fan_out
from gateway.usecases.keep import Written
from gateway.usecases.services import Services
from gateway.usecases.source_version import HEARD, SourceVersion, is_copy
from gateway.usecases.standing import Standing, Within
from gateway.usecases.written_loop import before_inference

TOLD = ("output", "note", "executionPeriod")
"""What a partner may add to a Task of ours beside its status and reason."""


def is_ours(current: Kept | None) -> bool:
    """Whether this is a referral's Task that the partner has a copy of, not one of its own that we have a copy of."""
    if current is None or current.deleted or current.type != "Task":
        return False
    task = content(current)
    return loop.is_referral_task(task) and not is_copy(task)


def heard_back(
    theirs: Json, current: Kept, version: SourceVersion, caller: Caller, tx: Transaction, *, services: Services
) -> list[Written]:
    """Move our Task to where the partner's stands, and keep what follows; nothing for what is known or older.

    `theirs` has references that lead somewhere here; `caller` is `partner:<name>`. A partner with `organizations`
    moves only what names one of them. Unprocessable for a status that no referral has, IllegalMove for what cannot
    have happened.
    """
    before, partner = content(current), caller.principal.removeprefix("partner:")
    if not may_move(before, partner, caller, tx, services):
        tx.note(AuditEntry("U", "inbound.no-party", (current.reference,), "refused", partner))
        return []
    at = _at(theirs, before, version)
    earlier = before_inference(current, str(theirs.get("status")), at, caller=caller, services=services)
    turn, change = _turn(theirs, at, earlier or current, partner, services)
    if turn.heard is Heard.STALE:
        tx.note(AuditEntry("U", "inbound.older", (current.reference,), "success", partner))
        return []
    after = _with_told(turn.after or before, theirs)
    if after == before:
        return []
    source = version.as_source(partner, f"Task/{theirs['id']}", kind=HEARD)
    after["meta"] = {**before.get("meta", {}), "source": source}
    if issues := services.validator.faults(after):
        raise Invalid(issues=issues)
    moved = Turn(current, Heard.MOVED, after, turn.meaning)
    (task, *others), _ = settled(moved, change, tx, context=services.intake.context(caller), services=services)
    fan_out([task], caller, tx, services, kind="resource", without=partner)  # its own echo stops here
    fan_out(others, caller, tx, services, kind="resource")
    return [task[0], *(one for one, _ in others)]


def may_move(ours: Json, partner: str, caller: Caller, tx: Transaction, services: Services) -> bool:
    """Whether what is ours is the partner's to move: it may have copies of others' that came along with its own."""
    known = next((one for one in services.subscribers if one.name == partner), None)
    if known is None or known.everyone or not known.organizations:
        return True
    return Standing(Within(tx, services.store, caller), services.clock()).is_party(known, ours)


def _turn(theirs: Json, at: datetime, current: Kept, partner: str, services: Services) -> tuple[Turn, ReferralChange]:
    """As the target's news, whose work it is; as the requester's where the target may not."""
    try:
        status = TaskStatus(str(theirs.get("status")))
    except ValueError:
        message = "This status is not used by a referral."
        raise Unprocessable(issues=[Issue("error", "business-rule", message, "Task.status", "loop-status")]) from None
    reason = (theirs.get("statusReason") or {}).get("text")
    news = Key(source=partner, id=f"Task/{theirs['id']}")
    change = ReferralChange(key=news, party=Party.TARGET, task=current.id, at=at, status=status, reason=reason)
    try:
        return turn_of(change, current, services=services), change
    except IllegalMove as refused:
        other = ReferralChange(key=news, party=Party.REQUESTER, task=current.id, at=at, status=status, reason=reason)
        try:
            return turn_of(other, current, services=services), other
        except IllegalMove:
            raise refused from None


def _at(theirs: Json, before: Json, version: SourceVersion) -> datetime:
    """When it was moved there: by the Task's own word where the mover gave one, else when the version was kept.

    A Task that stands as it was sent has not been moved, however late it arrived there.
    """
    present = loop.loop_of(before)
    if theirs["status"] == TaskStatus.REQUESTED:
        return loop.instant(loop.begun(before))
    same = theirs["status"] == before["status"]
    if same and (theirs.get("statusReason") or {}).get("text") in (None, present.reason):
        return present.since
    said = theirs.get("lastModified")
    return version.at if said in (None, before.get("lastModified")) else min(loop.loop_of(theirs).since, version.at)


def _with_told(task: Json, theirs: Json) -> Json:
    """The Task with what the partner added; one without an owner may be claimed."""
    made = task | {name: theirs[name] for name in TOLD if name in theirs}
    if "owner" in theirs and "owner" not in task and theirs["status"] not in CLOSED:
        made["owner"] = theirs["owner"]
    return made
