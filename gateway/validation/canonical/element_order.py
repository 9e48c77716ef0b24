"""Elements of a differential one after the other: in the order of their type, with ids that say the same as paths.

https://hl7.org/fhir/R4/profiling.html#differential: a differential that is out of order cannot be applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.canonical.expressions import focus_types
from gateway.validation.compiled import Json
from gateway.validation.parts import member, text
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LONGEST = 1_000


def check_order(engine: Engine, run: Run, elements: list[tuple[Json, Place]]) -> None:
    """Report an element that stands behind one that its type has later, and ids that name other elements."""
    reached: dict[str, int] = {}
    for element, place in elements:
        path, id_ = text(element, "path"), text(element, "id")
        if path is None or len(path) > _LONGEST:
            continue
        if id_ is not None and len(id_) <= _LONGEST and not _alike(path, id_):
            run.warn("business-rule", "definition-id", "The id should be the path, with the names of slices.",
                     member(place, "id"))  # fmt: skip
        if not _next(engine, path, reached):
            run.error("business-rule", "definition-order", "The element is out of order: a differential has the order "
                      "of its type.", place)  # fmt: skip


def _next(engine: Engine, path: str, reached: dict[str, int]) -> bool:
    """Whether a path stands behind all that were reached; a path that comes again begins anew below."""
    names = path.split(".")
    for depth in range(1, len(names)):
        above = ".".join(names[:depth])
        index = _index(engine, above, names[depth])
        if index is None:
            return True
        before = reached.get(above)
        if before is not None and index < before:
            return False
        if index != before or depth == len(names) - 1:
            for known in [one for one in reached if _below(one, above, engine, index)]:
                del reached[known]
        reached[above] = index
    return True


def _below(known: str, above: str, engine: Engine, index: int) -> bool:
    """Whether a path that was reached is one of, or below, the child of `above` with this index."""
    if not known.startswith(above + "."):
        return False
    return _index(engine, above, known[len(above) + 1 :].partition(".")[0]) == index


def _index(engine: Engine, path: str, name: str) -> int | None:
    """The number of a child among those of its type; None where that cannot be told."""
    types = focus_types(engine, path)
    info = engine.model.info(types[0]) if len(types) == 1 else None
    if info is None:
        return None
    written = info.by_key.get(name)
    wanted = name.removesuffix("[x]") if written is None else written.name
    return next((number for number, one in enumerate(info.by_name) if one == wanted), None)


def _alike(path: str, id_: str) -> bool:
    """Whether an id names the element of a path; a choice may be written with its type."""
    paths, ids = path.split("."), [one.partition(":")[0] for one in id_.split(".")]
    return len(paths) == len(ids) and all(
        one == other
        or (one.endswith("[x]") and other.startswith(one[:-3]))
        or (other.endswith("[x]") and one.startswith(other[:-3]))
        for one, other in zip(paths, ids, strict=True)
    )
