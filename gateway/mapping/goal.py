"""Goal -> Goal and back. Profile: ecm-goal, on US Core 6.1.0.

https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-goal.html
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.care_plan import Goal, Target
from gateway.domain.codes import Achievement, GoalStatus, PlanDomain
from gateway.domain.referral import Key
from gateway.fhir.bundle import Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, codes_of, concept, extension, extension_value, filled, some
from gateway.mapping import condition, datatypes, labels, systems
from gateway.mapping.context import Context

PROFILES = (systems.definition("goal"), systems.US_CORE + "us-core-goal")
KIND = "/goal"
IN_MEMBERS_WORDS = systems.definition("in-members-words")
_ACHIEVEMENT = systems.THO + "goal-achievement"


def to_fhir(goal: Goal, *, key: Key, subject: Json, needs: Mapping[str, Json], context: Context) -> Json:
    """`key` is the plan's; `needs` are the references of its needs by their ids."""
    return filled(
        {
            "resourceType": "Goal",
            "id": context.ids.keyed("Goal", key, goal.id),
            "meta": systems.meta(*PROFILES),
            "extension": some(extension(IN_MEMBERS_WORDS, "Boolean", goal.in_members_words)),
            "identifier": [{**systems.identifier(key, kind=KIND), "value": goal.id}],
            "lifecycleStatus": goal.status.value,
            "achievementStatus": concept(_ACHIEVEMENT, goal.achievement.value) if goal.achievement else None,
            "category": [concept(systems.PLAN_DOMAIN, goal.domain.value, labels.PLAN_DOMAIN[goal.domain])]
            if goal.domain
            else None,
            "description": {"text": goal.description},
            "subject": subject,
            "startDate": datatypes.day(goal.start),
            "target": [
                filled({"measure": {"text": one.measure}, "dueDate": datatypes.day(one.due)}) for one in goal.targets
            ],
            "statusDate": datatypes.day(goal.status_date),
            "statusReason": goal.status_reason,
            "expressedBy": subject if goal.in_members_words else None,
            "addresses": [part(one, known=needs, type="Condition", key=key, kind=condition.KIND) for one in goal.needs],
            "note": some(*(datatypes.note(one) for one in goal.notes)),
        }
    )


def from_fhir(resource: Json, *, resolver: Resolver) -> Goal:
    achievement = code_of(resource.get("achievementStatus"), _ACHIEVEMENT)
    domains = codes_of(resource.get("category", ()), systems.PLAN_DOMAIN)
    return Goal(
        id=resource["identifier"][0]["value"],
        description=resource["description"]["text"],
        status=GoalStatus(resource["lifecycleStatus"]),
        achievement=Achievement(achievement) if achievement else None,
        domain=PlanDomain(domains[0]) if domains else None,
        needs=tuple(part_from(ref, resolver=resolver) for ref in resource.get("addresses", ())),
        start=datatypes.day_from(resource.get("startDate")),
        targets=tuple(
            Target(measure=one["measure"]["text"], due=datatypes.day_from(one.get("dueDate")))
            for one in resource.get("target", ())
        ),
        status_date=datatypes.day_from(resource.get("statusDate")),
        status_reason=resource.get("statusReason"),
        in_members_words=extension_value(resource, IN_MEMBERS_WORDS),
        notes=datatypes.notes_from(resource.get("note")),
    )


def part(id: str, *, known: Mapping[str, Json], type: str, key: Key, kind: str) -> Json:
    """A reference to a need or goal of the plan; by identifier where the plan does not hold it."""
    return known.get(id) or {"type": type, "identifier": {**systems.identifier(key, kind=kind), "value": id}}


def part_from(ref: Json, *, resolver: Resolver) -> str:
    """The id within the plan of what a reference from `part` points at."""
    found = resolver.find(ref)
    id: str = found["identifier"][0]["value"] if found else ref["identifier"]["value"]
    return id
