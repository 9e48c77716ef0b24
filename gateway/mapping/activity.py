"""Activity -> CarePlan.activity and back: what someone does under one of the seven core services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.care_plan import Activity
from gateway.domain.codes import ActivityStatus, CoreService, TeamRole
from gateway.domain.referral import Key
from gateway.fhir.bundle import Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, concept, filled, some
from gateway.mapping import datatypes, goal, labels, systems
from gateway.mapping.record_extension import RecordExtension


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What CarePlan.activity has no element for."""

    id: str
    assigned_role: TeamRole | None = None


MARKS = RecordExtension(Marks, "activity")


def to_fhir(activity: Activity, *, key: Key, goals: Mapping[str, Json]) -> Json:
    """`key` is the plan's; `goals` are the references of its goals by their ids."""
    return filled(
        {
            "extension": some(MARKS.write(Marks(id=activity.id, assigned_role=activity.assigned_role))),
            "progress": some(*(datatypes.note(one) for one in activity.progress)),
            "detail": filled(
                {
                    "code": concept(
                        systems.CORE_SERVICE, activity.service.value, labels.CORE_SERVICE[activity.service]
                    ),
                    "goal": [
                        goal.part(one, known=goals, type="Goal", key=key, kind=goal.KIND) for one in activity.goals
                    ],
                    "status": activity.status.value,
                    "statusReason": {"text": activity.status_reason} if activity.status_reason else None,
                    "scheduledPeriod": datatypes.period(activity.scheduled),
                    "location": {"display": activity.place} if activity.place else None,
                    "performer": [{"display": activity.assigned_to}] if activity.assigned_to else None,
                    "description": activity.description,
                }
            ),
        }
    )


def from_fhir(element: Json, *, resolver: Resolver) -> Activity:
    detail = element["detail"]
    marks = MARKS.read(element)
    if marks is None:
        raise ValueError("no id")
    performers = detail.get("performer", ())
    return Activity(
        id=marks.id,
        service=CoreService(code_of(detail["code"], systems.CORE_SERVICE) or ""),
        description=detail["description"],
        status=ActivityStatus(detail["status"]),
        goals=tuple(goal.part_from(ref, resolver=resolver) for ref in detail.get("goal", ())),
        status_reason=detail.get("statusReason", {}).get("text"),
        scheduled=datatypes.period_from(detail.get("scheduledPeriod")),
        assigned_to=performers[0]["display"] if performers else None,
        assigned_role=marks.assigned_role,
        place=detail.get("location", {}).get("display"),
        progress=datatypes.notes_from(element.get("progress")),
    )
