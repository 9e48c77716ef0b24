"""Read along: what a partner's resource refers to and is not here is fetched with it, or at least named whole.

Gravity's source GETs the Procedures that a completed Task names. Only types that the partner may change here are kept,
and only from the partner's own address; any other reference becomes absolute, so that it still leads to the partner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from gateway.errors import PartnerRefused
from gateway.ports import Json, Source
from gateway.usecases.references import relative, texts

MOST = 20
"""Most resources fetched along with one."""
Here = Callable[[str, str], bool]
"""Whether `Type`, `id` is kept here."""


def along(resource: Json, *, partner: str, accepts: Collection[str], source: Source, here: Here) -> Iterator[Json]:
    """The resources of the partner that `resource` needs and that are not here, each after those it refers to."""
    base = source.base(partner)
    seen = {f"{resource['resourceType']}/{resource.get('id')}"}

    def needed(one: Json, depth: int) -> Iterator[Json]:
        for text in texts(one):
            target = relative(text.removeprefix(f"{base}/"))
            if target is None or target[0] not in accepts or "/".join(target) in seen or len(seen) > MOST:
                continue
            seen.add("/".join(target))
            if here(*target):
                continue
            try:
                found = source.read(partner, "/".join(target))
            except PartnerRefused:
                continue  # what we may not read is only named
            if depth:
                yield from needed(found, depth - 1)
            yield found

    return needed(resource, 1) if base else iter(())


def localised(value: Any, *, base: str, here: Here) -> Any:
    """A copy whose references lead somewhere: to what is here, or by its whole address to what only the partner has."""
    if isinstance(value, list):
        return [localised(member, base=base, here=here) for member in value]
    if not isinstance(value, dict):
        return value
    made = {name: localised(member, base=base, here=here) for name, member in value.items()}
    text = value.get("reference")
    if isinstance(text, str) and (target := relative(text.removeprefix(f"{base}/"))) is not None:
        local = text.removeprefix(f"{base}/")
        made["reference"] = local if here(*target) else f"{base}/{local}"
    return made
