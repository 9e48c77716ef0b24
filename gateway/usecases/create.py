"""Create: keep one new resource under an id of ours."""

from __future__ import annotations

from gateway.ports import Caller, Json
from gateway.trust.disclosure import disclose
from gateway.trust.policy import permit
from gateway.usecases.clock_skew import require_task_past
from gateway.usecases.fan_out import fan_out
from gateway.usecases.join_loop import join_written
from gateway.usecases.keep import Written, check, check_references, offered, put, require_whole
from gateway.usecases.matching import Parameters, one_match
from gateway.usecases.references import own
from gateway.usecases.services import Services


def create(
    resource: Json, caller: Caller, *, type: str, services: Services, unless: Parameters | None = None
) -> Written:
    """Check and keep a new resource. With `unless` (If-None-Exist) the one match is answered instead.

    https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#ccreate
    """
    offered(type, services)
    permit(caller, action="C", type=type, store=services.store)
    resource = {**own(resource, services.base), "id": services.new_id()}
    require_whole(resource)
    check(resource, services)
    if type == "Task":
        require_task_past(resource, before=None, now=services.clock())
    with services.store.begin(caller) as tx:
        if unless is not None and (match := one_match(tx, type, unless, services)) is not None:
            shown = disclose(match, caller=caller, note=tx.note, event="create.exists")
            return Written(match, created=False, changed=False, disclosed=shown)
        check_references(resource, tx, services)
        resource = join_written(resource, tx, services) if type == "Task" else resource
        kept = put(tx, resource, expected=0, posted=True).kept
        written = Written(kept, created=True, changed=True)
        fan_out([(written, resource)], caller, tx, services, kind="resource")
        shown = disclose(kept, caller=caller, note=tx.note, event="create", action="C")
    return Written(kept, created=True, changed=True, disclosed=shown)
