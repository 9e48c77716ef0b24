"""A type that a partner is asked for, told of by webhook: kept as if asking had found it.

So there is one copy, known by the partner's address, whichever way it came first.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.fhir import codec
from gateway.ports import Caller, Inbound, Json, Source
from gateway.usecases.apply_polled import apply_polled
from gateway.usecases.poll_partner import bundle_of
from gateway.usecases.read_along import along
from gateway.usecases.services import Hook, Services


def as_polled(
    resource: Json, message: Inbound, caller: Caller, *, hook: Hook, services: Services, source: Source, base: str
) -> bool:
    """Keep it with all that it refers to there and that the partner may send; whether anything of it was news."""
    accepts = hook.accepts & services.types
    needed = along(resource, partner=hook.partner, accepts=accepts, source=source, here=lambda type, id: False)
    origin = source.base(hook.partner) or ""
    bundle = bundle_of([*needed, resource], base=origin, our_ids=hook.our_ids, tasks="Task" in hook.polls)
    news, _ = apply_polled(replace(message, body=codec.write(bundle)), caller, services=services, base=base)
    return news > 0
