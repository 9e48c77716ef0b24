"""What a piece of news means for the loop: which status, for which closure reason, in which state of ECM.

Five ways to say it (Task status, Referral Status, state of ECM, the sender's own word, discontinuation reason) become
one `Meaning`. Unknown words are refused, never guessed; what could mean two things is refused too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.closed_loop import ClosedLoop, ClosureRow, InForce, LifeCycle
from gateway.domain.loop import CLOSED, TaskStatus
from gateway.domain.referral_change import ReferralChange
from gateway.errors import Issue, Unmappable

SERVICES_RECEIVED = "services-received"
PROVIDER_DECLINED = "provider-declined"
IN_CARE = frozenset(["enrolled", "active-care", "renewal-due"])
"""States of ECM in which somebody serves the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discontinuation(InForce):
    """A discontinuation reason: the closure reason it is reported as, and its class (graduated, opted-out ...)."""

    code: str
    closure: str
    kind: str


@dataclass(frozen=True, slots=True)
class Word:
    """What a sender's own word means: a Task status, and for a closed loop perhaps the closure reason."""

    status: TaskStatus
    closure: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """Where the loop is to stand. `status` None: it stays; `state` None: no state of ECM was said."""

    status: TaskStatus | None
    closure: ClosureRow | None = None
    state: str | None = None
    discontinuation: str | None = None
    text: str | None = None

    @property
    def ends_care(self) -> bool:
        """Whether nobody serves the member on this referral from now on. Services received means that they go on."""
        if self.discontinuation or self.state in ("discontinued", "declined", "unreachable", "denied", "expired"):
            return True
        return self.status in CLOSED and not self._served

    @property
    def in_care(self) -> bool:
        """Whether somebody serves the member from now on: there has to be a Lead Care Manager."""
        return not self.ends_care and (self.state in IN_CARE or self._served)

    @property
    def _served(self) -> bool:
        return self.closure is not None and self.closure.code == SERVICES_RECEIVED


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tables by which news is read. `words`: partner -> its own words, folded, as `fold` does."""

    closed_loop: ClosedLoop
    life_cycle: LifeCycle
    discontinuations: tuple[Discontinuation, ...]
    words: Mapping[str, Mapping[str, Word]]

    def meaning(self, change: ReferralChange, *, present: TaskStatus, on: date) -> Meaning:
        """The meaning of valid news for a loop that stands at `present`; Unmappable where it has none."""
        if change.discontinuation is None:
            return self._said(change, present, on=on)
        ended = self._discontinued(change, on=on)
        found = self._said(change, present, on=on)
        if found.status is None:
            return ended
        if found.status not in CLOSED:
            raise _refused("discontinuation", "discontinuation", "A loop that goes on has no discontinuation reason.")
        return replace(found, state=ended.state, discontinuation=ended.discontinuation)

    def _said(self, change: ReferralChange, present: TaskStatus, *, on: date) -> Meaning:
        if change.word is not None:
            word = self._word(change)
            return self._status(change, word.status, closure=word.closure or change.closure_reason, on=on)
        if change.status is not None:
            return self._status(change, change.status, closure=change.closure_reason, on=on)
        if change.referral_status is not None:
            return self._reported(change, present, on=on)
        if change.state is not None:
            state = self.life_cycle.states[change.state]
            closure = _CLOSURE_OF_STATE.get(state.name)
            begun = state.task_status is TaskStatus.ACCEPTED and present in _UNDER_WAY
            found = self._status(change, present if begun else state.task_status, closure=closure, on=on)
            return Meaning(found.status, found.closure, state.name, text=found.text)
        return Meaning(None, text=change.reason)

    def _word(self, change: ReferralChange) -> Word:
        known = self.words.get(change.key.source)
        if known is None:
            raise _refused("word", "loop-word-partner", "There is no table of this sender's own words for a status.")
        word = known.get(fold(change.word or ""))
        if word is None:
            raise _refused("word", "loop-word", "This word for a status is not in the sender's table.")
        return word

    def _status(self, change: ReferralChange, status: TaskStatus, *, closure: str | None, on: date) -> Meaning:
        """`status`, with the closure reason given; `completed` means that the services were received."""
        if closure is None and status is TaskStatus.COMPLETED:
            closure = SERVICES_RECEIVED
        if closure is None and status is TaskStatus.REJECTED:
            closure = PROVIDER_DECLINED
        if closure is None:
            return Meaning(status, text=change.reason)
        row = self.closed_loop.closure(closure, on=on, plan=change.plan, text=change.reason)
        if status not in CLOSED:
            raise _refused("closure_reason", "change-closure", "A loop that goes on has no closure reason.")
        return Meaning(status, row, text=change.reason or _in_words(closure))

    def _reported(self, change: ReferralChange, present: TaskStatus, *, on: date) -> Meaning:
        code = str(change.referral_status)
        candidates = self.closed_loop.task_statuses_of(code, on=on, plan=change.plan)
        ends = [status for status in candidates if status in CLOSED]
        if ends and (change.closure_reason or len(ends) > 1):
            if change.closure_reason is None:
                raise _refused("closure_reason", "change-closure-due", "A closed loop needs its closure reason.")
            row = self.closed_loop.closure(change.closure_reason, on=on, plan=change.plan, text=change.reason)
            return self._status(change, row.task_status, closure=row.code, on=on)
        if present in candidates:
            return self._status(change, present, closure=None, on=on)
        likely = [status for status in candidates if status not in (TaskStatus.DRAFT, TaskStatus.ON_HOLD)]
        if len(likely) != 1:
            raise _refused("referral_status", "referral-status", "This Referral Status can mean several Task statuses.")
        return self._status(change, likely[0], closure=None, on=on)

    def _discontinued(self, change: ReferralChange, *, on: date) -> Meaning:
        for row in sorted(self.discontinuations, key=lambda row: row.plan is None):
            if row.code == change.discontinuation and row.holds(on, change.plan):
                text = change.reason or row.kind.replace("-", " ")
                closure = self.closed_loop.closure(row.closure, on=on, plan=change.plan, text=text)
                return Meaning(closure.task_status, closure, "discontinued", row.code, text)
        raise _refused("discontinuation", "discontinuation", "The plan does not use this discontinuation reason then.")


_UNDER_WAY = (TaskStatus.IN_PROGRESS, TaskStatus.ON_HOLD)
"""Services may begin before they are authorized (streamlined authorization): the decision does not set them back."""
_CLOSURE_OF_STATE = {
    "declined": "no-longer-needed",
    "unreachable": "unable-to-reach",
    "denied": "not-authorized",
    "discontinued": SERVICES_RECEIVED,
}


def fold(word: str) -> str:
    """A word as it is compared: without regard to case, white space and final punctuation."""
    return " ".join(word.split()).strip(" .;:,*").casefold()


def word_of(codes: str) -> Word:
    """`completed services-received` of a table; ValueError where the status is none."""
    status, *closure = codes.split()
    if len(closure) > 1:
        raise ValueError("a status and at most one closure reason")
    return Word(TaskStatus(status), closure[0] if closure else None)


def unknown_closures(words: Iterable[Word], *, closed_loop: ClosedLoop) -> set[str]:
    """Closure reasons of words that no row of the closure table has."""
    return {word.closure for word in words if word.closure} - closed_loop.closure_codes


def _in_words(code: str) -> str:
    return code.replace("-", " ")


def _refused(field: str, rule: str, message: str) -> Unmappable:
    return Unmappable(issues=[Issue("error", "code-invalid", message, expression=field, rule=rule)])
