"""What each kind of simulated partner accepts, as public material of November 2026 shows it.

ehr: a FHIR server that takes everything. epic: owns its Tasks (search by code or member, update, no create), takes
Communication and DocumentReference, no transactions, no conditional writes. oracle: a tenant in every path, no Task at
all, no ServiceRequest, CarePlan or CareTeam writes, no transactions; searches need the member and a closed range of
times, pages repeat ids, a stale If-Match is 409, what is not JSON is 406. plan: a health plan that takes everything and
gives out its own ids. findhelp is no FHIR server: see `findhelp`.
"""

from __future__ import annotations

from gateway.simulators.fhir import Capabilities, FhirMemory
from gateway.simulators.findhelp import FindhelpMemory
from gateway.simulators.searching import SearchRule
from gateway.simulators.server import Memory

_CREATE = frozenset(["create"])
_UPDATE = frozenset(["update"])
_NONE: frozenset[str] = frozenset()
_MEMBER = frozenset(["_id", "patient", "subject"])
TENANT = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
"""The simulated Oracle partner's only tenant."""
FINDHELP = "findhelp"

CAPABILITIES: dict[str, Capabilities] = {
    "ehr": Capabilities(),
    "epic": Capabilities(
        transaction=False,
        sender_ids=False,
        search_before_create=True,
        searches={
            "Task": SearchRule(
                needs=frozenset(["code", "patient", "subject", "encounter", "_id"]),
                knows=frozenset(["code", "patient", "subject", "encounter", "_id"]),
            ),
            "ServiceRequest": SearchRule(needs=_MEMBER),
            "Communication": SearchRule(needs=_MEMBER),
            "DocumentReference": SearchRule(needs=_MEMBER),
        },
        types={
            "Task": _UPDATE,
            "ServiceRequest": _UPDATE,
            "Communication": _CREATE,
            "DocumentReference": _CREATE | _UPDATE,
            "QuestionnaireResponse": _CREATE,
            "Condition": _CREATE,
            "Patient": _CREATE,
            "*": _NONE,
        },
    ),
    "oracle": Capabilities(
        transaction=False,
        sender_ids=False,
        search_before_create=True,
        stale=409,
        json_only=True,
        tenant=TENANT,
        searches={
            "ServiceRequest": SearchRule(
                needs=_MEMBER,
                knows=frozenset(["_id", "patient", "subject", "code", "_lastUpdated"]),
                closed_range=True,
                repeats=True,
            ),
            "DocumentReference": SearchRule(needs=_MEMBER, repeats=True),
            "Communication": SearchRule(needs=_MEMBER, repeats=True),
        },
        types={
            "DocumentReference": _CREATE | _UPDATE,
            "Communication": _CREATE,
            "Condition": _CREATE | _UPDATE,
            "Procedure": _CREATE,
            "Provenance": _CREATE,
            "RelatedPerson": _CREATE,
            "*": _NONE,
        },
    ),
    "plan": Capabilities(sender_ids=False),
}
KINDS = (*CAPABILITIES, FINDHELP)


def memory(kind: str) -> Memory:
    """A new partner of a kind, knowing nothing."""
    return FindhelpMemory() if kind == FINDHELP else FhirMemory(CAPABILITIES[kind])
