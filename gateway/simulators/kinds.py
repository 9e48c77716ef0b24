"""What each kind of simulated partner accepts, as public material of November 2026 shows it.

ehr: a FHIR server that takes everything. epic: owns its Tasks (update, no create), takes Communication and
DocumentReference, no transactions. oracle: no Task at all, no ServiceRequest, CarePlan or CareTeam writes, no
transactions; takes DocumentReference and Communication. findhelp: a community platform by a contract of our own, which
takes whole referrals and no care plans or teams. plan: a health plan that takes everything and gives out
its own ids.
"""

from __future__ import annotations

from gateway.simulators.fhir import WRITES, Capabilities

_CREATE = frozenset(["create"])
_UPDATE = frozenset(["update"])
_NONE: frozenset[str] = frozenset()

KINDS: dict[str, Capabilities] = {
    "ehr": Capabilities(),
    "epic": Capabilities(
        transaction=False,
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
    "findhelp": Capabilities(types={"CarePlan": _NONE, "CareTeam": _NONE, "*": WRITES}),
    "plan": Capabilities(sender_ids=False),
}
