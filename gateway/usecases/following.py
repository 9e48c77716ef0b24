"""What follows when a referral's Task has moved: the ServiceRequest, which is the requester's, follows its state."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.closed_loop import ClosureRow
from gateway.domain.loop import Party
from gateway.mapping import loop
from gateway.ports import Json, Transaction
from gateway.trust.disclosure import content
from gateway.usecases.keep import Written, put
from gateway.usecases.named_loop import request_of


@dataclass(frozen=True, slots=True)
class Move:
    """A referral's Task as it is now, and what is known of the move that brought it here."""

    task: Json
    closure: ClosureRow | None = None
    party: Party | None = None


def follow(move: Move, tx: Transaction) -> list[tuple[Written, Json]]:
    """Keep what follows from the move, in the same transaction."""
    request = request_of(move.task, tx)
    if request is None:
        return []
    following = loop.request_moved(content(request), loop.loop_of(move.task), closure=move.closure, party=move.party)
    return [(put(tx, following), following)]
