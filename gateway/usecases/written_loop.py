"""Write a referral's Task or ServiceRequest as FHIR: what follows is what follows when news of it comes by the doors.

The Task's own ServiceRequest moves with it, the Tasks of the loop's other senders, the Task it is part of and its
sub-tasks, and the care team; a move that is not open is refused with those that are. Which party writes is seen from
the move: `cancelled` is the requester's, unless a reason for loop closure says what became of the member.
docs/closed-loop.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.domain.dates import PACIFIC
from gateway.domain.loop import CLOSED, Heard, Loop, Party, TaskStatus
from gateway.domain.loop_meaning import Meaning
from gateway.domain.member import Organization
from gateway.domain.referral import Key
from gateway.domain.referral_change import ReferralChange
from gateway.errors import IllegalMove, Invalid, Issue, StaleVersion, Unmappable, Unprocessable
from gateway.fhir.element import code_of
from gateway.mapping import loop, organization, stated_task, systems
from gateway.mapping.known import SHARED, rewritten
from gateway.ports import Caller, Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.change_referral import Turn, settled, turn_of
from gateway.usecases.clock_skew import require_task_past
from gateway.usecases.every_match import every
from gateway.usecases.following import WITHDRAWN, Move, follow
from gateway.usecases.join_loop import join_written
from gateway.usecases.keep import Overtaken, Written, put_over
from gateway.usecases.named_loop import asked_for, plan_code, plan_of, resource_at
from gateway.usecases.services import Services
from gateway.usecases.source_version import is_copy

_REQUESTERS = frozenset([TaskStatus.REQUESTED, TaskStatus.CANCELLED, TaskStatus.ENTERED_IN_ERROR])
_SERVING = frozenset([TaskStatus.ACCEPTED, TaskStatus.IN_PROGRESS])
_OPEN_REQUEST = frozenset(["draft", "active", "on-hold"])
_WITHDRAWN = {"revoked": TaskStatus.CANCELLED, "entered-in-error": TaskStatus.ENTERED_IN_ERROR}
"""A ServiceRequest that its requester takes back, and what becomes of its Tasks."""
BY_REQUEST = "the request was withdrawn"


_REPORTED = frozenset(["ecm-task-1", "ecm-task-2", "ecm-task-3"])
"""Rules that businessStatus and status agree: they are asked of the Task as it is kept, not as it was sent."""


def faults(resource: Json, services: Services) -> Sequence[Issue]:
    """What is wrong with a resource as it was sent; how a referral's Task is reported follows its status."""
    found = services.validator.faults(resource)
    if found and resource.get("resourceType") == "Task":
        return found if any(issue.is_error and issue.rule not in _REPORTED for issue in found) else ()
    return found


def before_inference(current: Kept, to: str, at: datetime | None, *, caller: Caller, services: Services) -> Kept | None:
    """The Task before it was withdrawn only because its request was, where it had ended by then, `at`, in another way:
    who sends both sends the request first. None for any other."""
    before = content(current)
    inferred = before["status"] in WITHDRAWN and (before.get("statusReason") or {}).get("text") == BY_REQUEST
    if not inferred or at is None or to not in CLOSED or at >= loop.loop_of(before).since:
        return None
    earlier = services.store.read(caller, "Task", current.id, current.version - 1)
    return earlier if earlier is not None and not earlier.deleted else None


@dataclass(slots=True)
class LoopWrites:
    """The writes of one transaction. `own` are the references that it writes itself: they say what they say."""

    tx: Transaction
    caller: Caller
    services: Services
    own: frozenset[str] = frozenset()
    followed: list[tuple[Written, Json]] = field(default_factory=list)
    """What was kept beside what was written."""
    _requests: list[tuple[Json, Json, str]] = field(default_factory=list)

    def put(self, current: Kept | None, resource: Json, *, at: str | None = None, posted: bool = False) -> Written:
        """Keep the resource over its current version, and what follows; IllegalMove for a move that is not open.

        `at` is its place in a Bundle; `posted`: it was created by POST.
        """
        there = current if current is not None and not current.deleted else None
        before = content(there) if there is not None and there.type in ("Task", "ServiceRequest") else None
        if there is not None and there.type in SHARED:
            resource = rewritten(resource, content(there), on=self.services.clock().astimezone(PACIFIC).date())
        if resource["resourceType"] == "Task":
            require_task_past(resource, before=before, now=self.services.clock())
        if there is not None and before is not None and stated_task.moves(before, resource):
            joined = self._joined(before, resource)
            return self._moved(there, before, resource) if joined is None else self._sent(there, joined)
        if before is not None and stated_task.same_status(before, resource):
            resource = stated_task.still(before, resource)
            self._check_state(before, resource)
        if resource["resourceType"] == "Task":
            resource = resource if there is not None else join_written(resource, self.tx, self.services)
            self._check(resource)
        elif before is not None and (closed := self._closed_since(before, resource)):
            known = (resource.get("meta") or {}).get("lastUpdated")
            if known and datetime.fromisoformat(known) < closed:  # as it was before: older news sets nothing back
                resource = resource | {"status": before["status"]}
        written = put_over(current, resource, self.tx, posted=posted)
        if before is not None and written.changed:
            if before["resourceType"] == "ServiceRequest":
                self._requests.append((before, resource, at or "ServiceRequest.status"))
            elif resource.get("partOf") and loop.is_referral_task(resource):
                self.followed += follow(Move(content(written.kept), own=self.own), self.tx, self.services)
        return written

    def _joined(self, before: Json, resource: Json) -> Json | None:
        """A draft that is requested now, part of the member's open loop; None without one."""
        sent = (before["status"], resource["status"]) == (TaskStatus.DRAFT, TaskStatus.REQUESTED)
        joined = join_written(resource, self.tx, self.services) if sent else resource
        if joined is resource:
            return None
        if wrong := loop.guard(before, resource):
            raise IllegalMove(issues=wrong)
        return joined

    def _sent(self, current: Kept, joined: Json) -> Written:
        """Keep a draft as it joins its loop, where that stands."""
        self._check(joined)
        return put_over(current, joined, self.tx, guard=lambda before, after: [])

    def put_copy(self, current: Kept | None, resource: Json) -> Written:
        """Keep a partner's version of its ServiceRequest; one that the loop has closed here is not opened by it."""
        if current is not None and not current.deleted and self._closed_since(content(current), resource):
            resource = resource | {"status": content(current)["status"]}
        return self.put(current, resource)

    def _closed_since(self, before: Json, request: Json) -> datetime | None:
        """When the loop of a ServiceRequest was closed that would be open again."""
        if before["status"] in _OPEN_REQUEST or request["status"] not in _OPEN_REQUEST:
            return None
        tasks = [content(kept) for kept in self._tasks_of(request)]
        closed = tasks and all(one["status"] in CLOSED for one in tasks)
        return max(loop.loop_of(one).since for one in tasks) if closed else None

    def settle(self) -> None:
        """Let the Tasks follow the ServiceRequests that were written; IllegalMove for what may not be."""
        for before, after, at in self._requests:
            if before.get("status") != after["status"]:
                self._request_moved(before, after, at)

    def _moved(self, current: Kept, before: Json, resource: Json) -> Written:
        earlier = before_inference(
            current, resource["status"], loop.since_of(resource), caller=self.caller, services=self.services
        )
        if wrong := loop.guard(content(earlier) if earlier else before, resource):
            raise IllegalMove(issues=wrong)
        then = stated_task.then(before, resource, now=self.services.clock())
        change = self._change(before, resource, then)
        meaning = self._meaning(change, before, then)
        after = self._stated(before, resource, then, meaning)
        self._check_state(before, after)
        self._check(after)
        if resource.get("partOf") and meaning.ends_care:
            meaning = Meaning(then.status)  # the end of a part ends nothing for the member
        turn = Turn(current, Heard.MOVED, after, meaning, self.own - {current.reference})
        try:
            (task, *others), _ = settled(
                turn, change, self.tx, context=self.services.intake.context(self.caller), services=self.services
            )
        except StaleVersion:
            raise Overtaken from None
        self.followed += others
        return task[0]

    def _change(self, before: Json, resource: Json, then: Loop) -> ReferralChange:
        """The move as news, in the words of the doors."""
        closure = code_of(resource.get("statusReason"), loop.CLOSURE)
        requester = then.status in _REQUESTERS and closure is None
        serving = then.status in _SERVING and asked_for(before, self.tx) is not None
        return ReferralChange(
            key=Key(source="fhir", id=f"Task/{before['id']}"),
            party=Party.REQUESTER if requester else Party.TARGET,
            task=before["id"],
            plan=plan_of(before, self.tx),
            at=then.since,
            status=then.status,
            closure_reason=closure,
            reason=then.reason,
            provider=self._provider(resource) if serving else None,
        )

    def _meaning(self, change: ReferralChange, before: Json, then: Loop) -> Meaning:
        on = then.since.astimezone(PACIFIC).date()
        try:
            return self.services.loops.vocabulary.meaning(change, present=TaskStatus(before["status"]), on=on)
        except Unmappable as error:
            raise Unprocessable(issues=[issue.but(expression="Task.statusReason") for issue in error.issues]) from None

    def _stated(self, before: Json, resource: Json, then: Loop, meaning: Meaning) -> Json:
        """The Task as written, with since when it stands so, and reported as the loop now is, where it was reported."""
        if resource.get("lastModified") in (None, before.get("lastModified")):
            resource = resource | {"lastModified": loop.stamp(then.since)}
        if code_of(before.get("businessStatus"), systems.REFERRAL_STATUS) is None:
            return resource
        words = self.services.loops.vocabulary
        state = loop.state_of(resource)
        row = words.life_cycle.states.get(state) if state else None
        made = loop.moved(
            resource,
            then,
            closed_loop=words.closed_loop,
            closure=meaning.closure,
            plan=plan_of(before, self.tx),
            state=state if row and row.task_status is then.status else None,
        )
        made["lastModified"] = resource["lastModified"]
        return stated_task.with_reason(made, resource.get("statusReason"))

    def _check(self, task: Json) -> None:
        if issues := self.services.validator.faults(task):
            raise Invalid(issues=issues)

    def _check_state(self, before: Json, after: Json) -> None:
        """Raise IllegalMove for a state of ECM that may not follow; it names those that may."""
        was, state = loop.state_of(before), loop.state_of(after)
        states = self.services.loops.vocabulary.life_cycle
        if state is not None and state != was and state in states.states:
            states.reach(was if was in states.states else "referred", state)

    def _provider(self, task: Json) -> Organization | None:
        """Who owns the Task and is neither the plan nor who runs this gateway: from now on it serves the member."""
        found = self._organization(task.get("owner") or {})
        request = resource_at(task.get("focus"), "ServiceRequest", self.tx) or {}
        coverages = [resource_at(one, "Coverage", self.tx) or {} for one in request.get("insurance", ())]
        payors = [resource_at(one, "Organization", self.tx) for cover in coverages for one in cover.get("payor", ())]
        if found is None or found in payors or plan_code(found):
            return None
        stated = organization.from_fhir(found) if found.get("name") else None
        ours = self.services.intake.operator
        return None if stated is None or (stated.npi, stated.name) == (ours.npi, ours.name) else stated

    def _organization(self, reference: Json) -> Json | None:
        role = resource_at(reference, "PractitionerRole", self.tx)
        return resource_at((role.get("organization") or {}) if role else reference, "Organization", self.tx)

    def _request_moved(self, before: Json, after: Json, at: str) -> None:
        tasks = list(self._tasks_of(after))
        open_ = [kept for kept in tasks if content(kept)["status"] not in CLOSED]
        status = after["status"]
        if self._closed_since(before, after):
            message = "The loop is closed: refer anew, and name this request in `replaces`."
            raise IllegalMove(issues=[Issue("error", "business-rule", message, at, "loop-move")])
        if (to := _WITHDRAWN.get(status)) is not None:
            for kept in open_ if to is TaskStatus.CANCELLED else tasks:
                if content(kept)["status"] != to:
                    self._withdrawn(kept, to)

    def _tasks_of(self, request: Json) -> Iterator[Kept]:
        query = self.services.search.parse("Task", [("focus", f"ServiceRequest/{request['id']}")])
        for kept in list(every(query, self.tx.search)):
            task = content(kept)
            if kept.reference not in self.own and loop.is_referral_task(task) and not is_copy(task):
                yield kept

    def _withdrawn(self, kept: Kept, to: TaskStatus) -> None:
        change = ReferralChange(
            key=Key(source="fhir", id=kept.reference),
            party=Party.REQUESTER,
            task=kept.id,
            at=self.services.clock(),
            status=to,
            reason=BY_REQUEST,
        )
        turn = replace(turn_of(change, kept, services=self.services), own=self.own)
        context = self.services.intake.context(self.caller)
        written, _ = settled(turn, change, self.tx, context=context, services=self.services)
        self.followed += written
