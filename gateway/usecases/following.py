"""What follows when a referral's Task has moved, in the same transaction.

The ServiceRequest, which is the requester's, follows its state. A sub-task's state is mirrored to the Task it is part
of, with what was done; when that one is withdrawn, its open sub-tasks are withdrawn as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.domain.closed_loop import ClosureRow
from gateway.domain.dates import PACIFIC
from gateway.domain.flows import mirrored
from gateway.domain.loop import Heard, Party, TaskStatus, hear
from gateway.domain.loop_meaning import SERVICES_RECEIVED
from gateway.errors import IllegalMove
from gateway.mapping import loop, systems
from gateway.ports import Json, Kept, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.every_match import every
from gateway.usecases.keep import Written, put
from gateway.usecases.named_loop import request_of
from gateway.usecases.references import relative
from gateway.usecases.services import Services
from gateway.usecases.source_version import is_copy

WITHDRAWN = frozenset({TaskStatus.CANCELLED, TaskStatus.ENTERED_IN_ERROR})


@dataclass(frozen=True, slots=True)
class Move:
    """A referral's Task as it is now, and what is known of the move that brought it here."""

    task: Json
    closure: ClosureRow | None = None
    party: Party | None = None
    own: frozenset[str] = frozenset()
    """References that the same transaction writes in words of its own: they do not follow."""


def follow(move: Move, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """Keep what follows from the move: the request, the Task this one is part of, its own sub-tasks."""
    written = []
    request = request_of(move.task, tx)
    if request is not None and request.reference not in move.own:
        after = loop.request_moved(content(request), loop.loop_of(move.task), closure=move.closure, party=move.party)
        written.append((put(tx, after), after))
    return [*written, *_upwards(move, tx, services), *_downwards(move, tx, services)]


def _upwards(move: Move, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """The Tasks that this one is part of, as their sub-tasks stand now."""
    written: list[tuple[Written, Json]] = []
    if is_copy(move.task) or not _ordered_here(move.task, tx, services):
        return written  # whose sub-task it is mirrors it
    for reference in move.task.get("partOf", ()):
        target = relative(reference.get("reference", ""))
        whole = tx.read(*target) if target and target[0] == "Task" else None
        if whole is None or whole.deleted or whole.reference in move.own or not loop.is_referral_task(content(whole)):
            continue
        parts = [content(kept) for kept in _parts(whole.id, tx, services)]
        status = mirrored([TaskStatus(part["status"]) for part in parts])
        if status is not None:
            written += _moved(whole, status, Party.TARGET, move, tx, services, outputs=_outputs(parts))
    return written


def _ordered_here(part: Json, tx: Transaction, services: Services) -> bool:
    """Whether who runs this gateway is the requester of a sub-task, and so the platform."""
    target = relative((part.get("requester") or {}).get("reference", ""))
    kept = tx.read(*target) if target and target[0] == "Organization" else None
    if kept is None or kept.deleted:
        return False
    operator, said = services.intake.operator, content(kept)
    numbers = {one.get("value") for one in said.get("identifier", ()) if one.get("system") == systems.NPI}
    return operator.npi in numbers if operator.npi and numbers else said.get("name") == operator.name


def _downwards(move: Move, tx: Transaction, services: Services) -> list[tuple[Written, Json]]:
    """The open sub-tasks of a Task that was withdrawn."""
    if move.task["status"] not in WITHDRAWN:
        return []
    parts = [part for part in _parts(move.task["id"], tx, services) if part.reference not in move.own]
    return [one for kept in parts for one in _moved(kept, TaskStatus.CANCELLED, Party.REQUESTER, move, tx, services)]


def _moved(
    kept: Kept,
    status: TaskStatus,
    party: Party,
    move: Move,
    tx: Transaction,
    services: Services,
    *,
    outputs: list[Json] | None = None,
) -> list[tuple[Written, Json]]:
    task, cause = content(kept), loop.loop_of(move.task)
    reason = cause.reason or "withdrawn by the requester"
    try:
        then, heard = hear(
            loop.loop_of(task), status, party=party, at=max(cause.since, loop.loop_of(task).since), reason=reason
        )
    except IllegalMove:
        return []  # it has ended otherwise meanwhile: what others were told of as final stays
    if heard is not Heard.MOVED and (not outputs or outputs == task.get("output")):
        return []
    words = services.loops.vocabulary.closed_loop
    day = then.since.astimezone(PACIFIC).date()
    closure = words.closure(SERVICES_RECEIVED, on=day) if status is TaskStatus.COMPLETED else None
    after = loop.moved(task, then, closed_loop=words, closure=closure, plan=None)
    if outputs:
        after["output"] = outputs
    written = Written(tx.put(after, expected=kept.version), False, True)
    return [(written, after), *follow(Move(after, closure, party, move.own), tx, services)]


def _parts(whole: str, tx: Transaction, services: Services) -> Iterator[Kept]:
    for kept in list(every(services.search.parse("Task", [("part-of", f"Task/{whole}")]), tx.search)):
        if loop.is_referral_task(content(kept)) and not is_copy(content(kept)):
            yield kept


def _outputs(parts: list[Json]) -> list[Json]:
    """What was done in all parts: Procedures and other results, each once."""
    found: list[Json] = []
    for part in parts:
        found += [output for output in part.get("output", ()) if output not in found]
    return found
