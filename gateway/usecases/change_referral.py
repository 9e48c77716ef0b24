"""Change a referral: news of it comes in, its loop moves, and everyone owed is told.

One transaction holds the new version of the Task, the ServiceRequest that follows, a Provenance of the news, the audit
row and the messages owed. The same news twice is one; older news that arrives late is recorded and changes nothing.
docs/closed-loop.md
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import Heard, Loop, Party, TaskStatus, hear
from gateway.domain.loop_meaning import Meaning, Vocabulary
from gateway.domain.referral_change import ReferralChange
from gateway.errors import Conflict, Invalid, Issue, StaleVersion
from gateway.fhir.outcome import outcome
from gateway.mapping import loop as loops
from gateway.mapping import provenance
from gateway.mapping.context import Context
from gateway.ports import AuditEntry, Caller, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.trust.policy import permit
from gateway.usecases.answered import answered_write, disclosed_writes
from gateway.usecases.clock_skew import SKEW, require_past
from gateway.usecases.fan_out import fan_out
from gateway.usecases.following import Move, follow
from gateway.usecases.intake import Recorded
from gateway.usecases.join_loop import SHARED, members
from gateway.usecases.keep import Written, put
from gateway.usecases.keep_mapped import Received
from gateway.usecases.named_loop import named
from gateway.usecases.references import relative
from gateway.usecases.services import Services
from gateway.usecases.team_rules import team_follows

EVENT = "referral-change"
TRIES = 5
"""Changes of one Task at the same moment take turns."""
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_SAID = {
    Heard.SAME: "This was known already: nothing has changed.",
    Heard.STALE: "Newer news of this referral is here already: this one was recorded and changed nothing.",
}


def change_referral(
    value: Any, caller: Caller, *, source: bytes, services: Services, base: str, full: bool = False
) -> Received:
    """Take one piece of news in. `value` is JSON of the gateway's own schema, `source` its exact bytes.

    Unmappable for a word that nobody knows, NotFound or Conflict for a referral that is not named by it, IllegalMove
    (with the moves that are open) for what cannot have happened.
    """
    news = services.intake.record(value, kind=EVENT, source=source, caller=caller)
    return take_in(news, caller, services=services, base=base, full=full)


def take_in(news: Recorded, caller: Caller, *, services: Services, base: str, full: bool = False) -> Received:
    """The same for news that was read already (the row of a file)."""
    permit(caller, action="U", type="Task", store=services.store)
    for left in reversed(range(TRIES)):
        try:
            with services.store.begin(caller) as tx:
                return _take_in(news, caller, tx, services=services, base=base, full=full)
        except StaleVersion:
            if not left:
                raise
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class Turn:
    """One referral's Task and what the news makes of it. `after` None: it stays as it is.

    `own` are references that the same transaction writes in words of its own: they do not follow.
    """

    kept: Kept
    heard: Heard
    after: Json | None = None
    meaning: Meaning | None = None
    own: frozenset[str] = frozenset()


def _take_in(news: Recorded, caller: Caller, tx: Transaction, *, services: Services, base: str, full: bool) -> Received:
    change: ReferralChange = news.record
    kept = named(change, tx, ids=news.context.ids, services=services)
    trace = _provenance_id(change, kept, news.context)
    known = tx.read("Provenance", trace)
    if known is not None and _is_repeat(known, news):
        turn = Turn(kept, Heard.SAME)
    else:
        turn = turn_of(change, kept, services=services)
        if known is not None:
            _require_known(turn)
            turn = Turn(kept, Heard.SAME)
    written, told = settled(turn, change, tx, context=news.context, services=services)
    if turn.heard is Heard.MOVED and not any(one.changed for one, _ in written):
        turn, written = replace(turn, heard=Heard.SAME), []
    if written:
        written += _traced(trace, turn, news.context, tx)
        fan_out(written, caller, tx, services, kind=EVENT)
    elif turn.heard is Heard.STALE:
        tx.note(AuditEntry("U", f"{EVENT}.stale", (f"{kept.reference}/_history/{kept.version}",)))
    entries = [answered_write(one, base=base, full=full) for one, _ in written or [(Written(kept, False, False), {})]]
    remarks = [*news.remarks, *_said(turn.heard), *told]
    if remarks:
        entries[0].fields["response"]["outcome"] = outcome(remarks)
    shown = disclosed_writes(entries, [one for one, _ in written], caller=caller, tx=tx, event=EVENT, action="U")
    main = written[0][0].kept if written else kept
    return Received(main, False, any(one.changed for one, _ in written), shown)


def _is_repeat(known: Kept, news: Recorded) -> bool:
    """Whether it is the same document to the byte; a row of a file is named by all that it says."""
    source = news.context.source
    return source.row is not None or content(known)["entity"][0]["what"]["identifier"]["value"] == source.sha256


def _require_known(turn: Turn) -> None:
    """Raise Conflict for news under a used key that would bring the loop to another status or state: it is none that is
    known. A repeat may say another time: some senders stamp each attempt.
    """
    after, present = turn.after, content(turn.kept)
    if after is not None and any(after.get(name) != present.get(name) for name in ("status", "businessStatus")):
        message = "Other news came under this key: this one was not taken in. Give each piece of news its own key."
        raise Conflict(issues=[Issue("error", "duplicate", message, "key", "change-key-reused")])


def settled(
    turn: Turn, change: ReferralChange, tx: Transaction, *, context: Context, services: Services
) -> tuple[list[tuple[Written, Json]], list[Issue]]:
    """Keep the Task as the news makes it (first) and all that follows; what a person should be told."""
    if turn.after is None:
        return [], []
    written = _kept(turn, change, tx, services)
    if change.party is Party.TARGET:
        written += _told_alike(turn, change, tx, services)
    if turn.meaning is None:
        return written, []
    team = team_follows(change, turn.meaning, turn.after, context=context, tx=tx, services=services)
    return [*written, *team.written], team.issues


def _said(heard: Heard) -> list[Issue]:
    message = _SAID.get(heard)
    return [Issue("information", "informational", message, rule=f"change-{heard}")] if message else []


def turn_of(change: ReferralChange, kept: Kept, *, services: Services) -> Turn:
    """What the news makes of the Task, by the tables in force on its day."""
    task = content(kept)
    present = _present(task, kept.at)
    at = _at(change, present, services.clock())
    vocabulary = services.loops.vocabulary
    meaning = vocabulary.meaning(change, present=present.status, on=at.astimezone(PACIFIC).date())
    if meaning.status is None:
        return Turn(kept, Heard.MOVED, task, meaning)
    if meaning.state == "discontinued" and present.status is TaskStatus.COMPLETED:
        return _ended(kept, task, meaning)
    state_heard = _state_heard(task, change.state, at=at, present=present, vocabulary=vocabulary)
    then, heard = hear(present, meaning.status, party=change.party, at=at, reason=meaning.text)
    if Heard.STALE in (heard, state_heard):
        return Turn(kept, Heard.STALE, meaning=meaning)
    if heard is state_heard is Heard.SAME:
        if change.party is Party.REQUESTER and then.status is TaskStatus.CANCELLED:
            return Turn(kept, Heard.MOVED, task)  # the target cancelled first, and left the request to its requester
        return Turn(kept, Heard.SAME, meaning=meaning)
    state = meaning.state or _still(task, then, vocabulary)
    after = loops.moved(
        task,
        then,
        closed_loop=vocabulary.closed_loop,
        closure=meaning.closure,
        plan=change.plan,
        state=state,
        discontinuation=meaning.discontinuation,
    )
    if issues := services.validator.faults(after):
        raise Invalid(issues=issues)
    return Turn(kept, Heard.MOVED, after, meaning)


def _ended(kept: Kept, task: Json, meaning: Meaning) -> Turn:
    """Care that ends after its loop was closed (services received): the state of ECM alone moves."""
    after = loops.with_state(task, "discontinued")
    return Turn(kept, Heard.SAME if after == task else Heard.MOVED, None if after == task else after, meaning)


def _present(task: Json, at: datetime) -> Loop:
    """Where the loop stands. News of one that has never moved may be as old as it likes.

    A Task written as FHIR may say that it was modified long after its version was kept, `at`: that is not believed,
    or all later news would be stale.
    """
    present = loops.loop_of(task)
    if not loops.since_of(task):
        return replace(present, since=_EARLIEST)
    return replace(present, since=at) if present.since > at + SKEW else present


def _at(change: ReferralChange, present: Loop, now: datetime) -> datetime:
    """When it happened: of a whole day, not before what is known of the same day."""
    at = change.since
    require_past(at, now=now, place="at", what="The news")
    if change.on is not None and present.since is not _EARLIEST:
        return present.since if present.since.astimezone(PACIFIC).date() == change.on else at
    return at


def _state_heard(task: Json, state: str | None, *, at: datetime, present: Loop, vocabulary: Vocabulary) -> Heard:
    """Whether the state of ECM moves (one status has several); IllegalMove names those that may follow."""
    stands = loops.state_of(task) or "referred"
    if state is None or stands == state:
        return Heard.SAME
    if at < present.since:
        return Heard.STALE
    leads = vocabulary.life_cycle.leads
    if at == present.since and not leads(stands, state) and leads(state, stands):
        return Heard.STALE  # of two states of one day or instant the later one was here first
    vocabulary.life_cycle.reach(stands, state)
    return Heard.MOVED


def _still(task: Json, then: Loop, vocabulary: Vocabulary) -> str | None:
    """The state of ECM that was known, as long as it fits the status or the status stays."""
    state = loops.state_of(task)
    row = vocabulary.life_cycle.states.get(state) if state else None
    return state if row and then.status in (row.task_status, task["status"]) else None


def _kept(turn: Turn, change: ReferralChange, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """The Task's new version and all that follows."""
    assert turn.after is not None
    task, meaning = turn.after, turn.meaning
    if task == content(turn.kept):
        written = Written(turn.kept, False, False)
    else:
        written = Written(tx.put(task, expected=turn.kept.version), False, True)
    move = Move(task, closure=meaning.closure if meaning else None, party=change.party, own=turn.own)
    return [(written, task), *follow(move, tx, services)]


def _told_alike(turn: Turn, change: ReferralChange, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """The open Tasks of the other senders of one loop move alike: the target works once for all of them."""
    assert turn.after is not None
    written = []
    for other in (one for one in members(turn.after, tx, services) if one.reference not in turn.own):
        before = content(other)
        after = {name: value for name, value in before.items() if name not in SHARED}
        after |= {name: turn.after[name] for name in SHARED if name in turn.after}
        if after != before:
            moved = Written(tx.put(after, expected=other.version), False, True)
            closure = turn.meaning.closure if turn.meaning else None
            written += [(moved, after), *follow(Move(after, closure, change.party, turn.own), tx, services)]
    return written


def _provenance_id(change: ReferralChange, kept: Kept, context: Context) -> str:
    return context.ids.keyed("Provenance", change.key, EVENT, kept.reference)


def _traced(id: str, turn: Turn, context: Context, tx: Transaction) -> list[tuple[Written, Json]]:
    """The Provenance of the news: who told it, from which document."""
    operator = provenance.operator(context)
    reference = {"reference": f"Organization/{operator['id']}"}
    task = turn.after or content(turn.kept)
    author = _organization(task.get("owner"), tx) or _organization(task.get("requester"), tx)
    made = provenance.to_fhir(
        {"reference": turn.kept.reference}, author=author, operator=reference, context=context
    ) | {"id": id}
    return [(put(tx, operator), operator), (put(tx, made), made)]


def _organization(reference: Json | None, tx: Transaction) -> Json | None:
    """A reference to an organization that is kept here."""
    target = relative((reference or {}).get("reference", ""))
    if target is None or target[0] != "Organization" or tx.read(*target) is None:
        return None
    return {"reference": f"{target[0]}/{target[1]}"}
