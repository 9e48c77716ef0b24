"""What a resource cannot be understood without: all that it refers to, and what those refer to."""

from __future__ import annotations

from collections.abc import Callable

from gateway.ports import Kept
from gateway.trust.disclosure import content
from gateway.usecases.references import references, relative

MOST = 100
"""Most resources sent along with one."""

Read = Callable[[str, str], Kept | None]


def closure(kept: Kept, *, read: Read) -> list[Kept]:
    """`kept` and the current versions of all it refers to here, each after those it refers to itself.

    What is not kept here, or was deleted, is left out: the reference still names it.
    """
    found: dict[str, Kept] = {kept.reference: kept}
    ordered: dict[str, Kept] = {}

    def place(one: Kept) -> None:
        for _, text in references(content(one)):
            target = relative(text)
            if target is None or f"{target[0]}/{target[1]}" in found or len(found) > MOST:
                continue
            needed = read(target[0], target[1])
            if needed is not None and not needed.deleted:
                found[needed.reference] = needed
                place(needed)
        ordered[one.reference] = one

    place(kept)
    return list(ordered.values())
