"""The platform's own order and Task for a part of a referral, as Gravity's indirect flow asks (refer-1, refer-2).

ServiceRequest: intent `filler-order`, `basedOn` the request; Task: `partOf` the Task, requested by the platform.
https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/
"""

from __future__ import annotations

from datetime import datetime

from gateway.fhir.codec import Json
from gateway.fhir.element import concept, filled
from gateway.mapping import loop, systems, task

_OWN = ("id", "identifier", "replaces", "basedOn", "requester", "performer", "status", "intent", "authoredOn")


def order(request: Json, *, id: str, requester: Json, performer: Json, now: datetime) -> Json:
    """The platform's order for the performer, with what the request says of need and person."""
    said = {name: value for name, value in request.items() if name not in (*_OWN, "meta")}
    return {
        **said,
        "id": id,
        "meta": {"profile": request.get("meta", {}).get("profile", [])},
        "identifier": [{"system": systems.sid("ecm-gateway"), "value": id}],
        "basedOn": [{"reference": f"ServiceRequest/{request['id']}"}],
        "status": "active",
        "intent": "filler-order",
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": requester,
        "performer": [performer],
    }


def part(whole: Json, *, id: str, order: str, requester: Json, owner: Json, now: datetime) -> Json:
    """The sub-task for the performer, as it begins."""
    return filled(
        {
            "resourceType": "Task",
            "id": id,
            "meta": systems.meta(*task.PROFILES),
            "identifier": [{"system": systems.sid("ecm-gateway") + "/task", "value": id}],
            "partOf": [{"reference": f"Task/{whole['id']}"}],
            "status": "requested",
            "businessStatus": concept(systems.REFERRAL_STATUS, "pending", "Pending"),
            "intent": "order",
            "priority": whole.get("priority"),
            "code": {"coding": [{"system": loop.TASK_CODES, "code": "fulfill"}]},
            "focus": {"reference": f"ServiceRequest/{order}"},
            "for": whole["for"],
            "authoredOn": now.isoformat(timespec="seconds"),
            "requester": requester,
            "owner": owner,
        }
    )
