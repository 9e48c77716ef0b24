"""What a resource cannot be understood without: all that it refers to, and what those refer to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from gateway.ports import Kept, Name
from gateway.trust.disclosure import content
from gateway.usecases.references import references, relative

MOST = 100
"""Most resources sent along with one."""

Read = Callable[[Collection[Name]], Mapping[Name, Kept]]
"""Those of the resources named that are kept here, each as it is now."""


def closure(kept: Kept, *, read: Read) -> list[Kept]:
    """`kept` and the current versions of all it refers to here, each after those it refers to itself.

    What is not kept here, or was deleted, is left out: the reference still names it. Read in as many steps as the
    longest chain of references has.
    """
    known, targets = _reached(kept, read)
    placed: set[Name] = {(kept.type, kept.id)}
    ordered: list[Kept] = []

    def place(one: Kept) -> None:
        for target in targets[one.type, one.id]:
            if target in known and target not in placed and len(placed) <= MOST:
                placed.add(target)
                place(known[target])
        ordered.append(one)

    place(kept)
    return ordered


def _reached(kept: Kept, read: Read) -> tuple[dict[Name, Kept], dict[Name, list[Name]]]:
    """What is kept of all that `kept` leads to, and what each of them refers to."""
    known: dict[Name, Kept] = {(kept.type, kept.id): kept}
    targets = {(kept.type, kept.id): _targets(kept)}
    asked = set(known)
    while len(known) <= MOST:
        wanted = list(dict.fromkeys(one for each in targets.values() for one in each if one not in asked))
        if not wanted:
            break
        asked.update(wanted)
        found = {name: one for name, one in read(wanted).items() if not one.deleted}
        known |= found
        targets |= {name: _targets(one) for name, one in found.items()}
    return known, {name: targets.get(name, []) for name in known}


def _targets(kept: Kept) -> list[Name]:
    found = (relative(text) for _, text in references(content(kept)))
    return [(target[0], target[1]) for target in found if target is not None]
