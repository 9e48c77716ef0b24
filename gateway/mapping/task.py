"""Referral -> Task for referral management: the conversation about one referral until its loop is closed.

Profile: ecm-referral-task, on Gravity SDOHCC 3.0.0.
https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/StructureDefinition-SDOHCC-TaskForReferralManagement.html
Only the first state is written here; later moves change the kept Task and a repeated referral leaves it as it is.
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.referral import Referral
from gateway.fhir.codec import Json
from gateway.fhir.element import concept, extension, extension_value, filled, some
from gateway.mapping import datatypes, systems
from gateway.mapping.context import Context
from gateway.mapping.service_request import PRIORITY

PROFILES = (systems.definition("referral-task"), systems.SDOHCC + "SDOHCC-TaskForReferralManagement")
RECEIVED = systems.definition("received")


def id_of(referral: Referral, *, context: Context) -> str:
    return context.ids.keyed("Task", referral.key)


def to_fhir(
    referral: Referral, *, request: Json, subject: Json, requester: Json, owner: Json | None, context: Context
) -> Json:
    """The Task as it begins: requested, pending. `owner` is the plan."""
    return filled(
        {
            "resourceType": "Task",
            "id": id_of(referral, context=context),
            "meta": systems.meta(*PROFILES),
            "extension": some(extension(RECEIVED, "DateTime", datatypes.moment(referral.received))),
            "identifier": [systems.identifier(referral.key, kind="/task")],
            "status": "requested",
            "businessStatus": concept(systems.REFERRAL_STATUS, "pending", "Pending"),
            "intent": "order",
            "priority": PRIORITY[referral.urgency] if referral.urgency else None,
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": request,
            "for": subject,
            "authoredOn": datatypes.moment(context.now),
            "requester": requester,
            "owner": owner,
        }
    )


def received_from(resource: Json | None) -> datetime | None:
    """When the plan received the referral that a Task follows."""
    return datatypes.moment_from(extension_value(resource, RECEIVED))
