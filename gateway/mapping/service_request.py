"""Referral -> ServiceRequest and back. Profile: ecm-referral (ECM only), on Gravity SDOHCC 3.0.0.

https://hl7.org/fhir/us/sdoh-clinicalcare/STU3/StructureDefinition-SDOHCC-ServiceRequest.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.domain import codes
from gateway.domain.codes import PopulationOfFocus, Urgency
from gateway.domain.referral import (
    Agreement,
    Attestation,
    DataSharing,
    PreferredProvider,
    ProgramAnswer,
    Referral,
    Streamlined,
)
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.fhir.element import (
    code_of,
    codes_of,
    coding,
    concept,
    extension,
    extension_value,
    extension_values,
    filled,
    some,
)
from gateway.mapping import datatypes, labels, organization, systems
from gateway.mapping.context import Context
from gateway.mapping.record_extension import RecordExtension
from gateway.mapping.referrer import Requester

PROFILES = (
    systems.definition("referral"),
    systems.SDOHCC + "SDOHCC-ServiceRequest",
    systems.US_CORE + "us-core-servicerequest",
)
AGREEMENT = RecordExtension(Agreement, "referral-agreement")
ATTESTATION = RecordExtension(Attestation, "attestation")
DATA_SHARING = RecordExtension(DataSharing, "data-sharing")
STREAMLINED = RecordExtension(Streamlined, "streamlined-authorization")
PROGRAM = RecordExtension(ProgramAnswer, "program-enrollment")
ORIGIN = systems.definition("referral-origin")
FORM = systems.definition("age-form")
CHANNEL = systems.definition("channel")
COMMUNITY_SUPPORT = systems.definition("community-support")
KNOWN_ALREADY = systems.definition("existing-relationship")

ECM = {"system": systems.SERVICE, "code": "ecm-enrollment", "display": "Enhanced Care Management"}
ECM_SERVICE = "ecm"
"""What tables call Enhanced Care Management beside the Community Supports."""
_ECM_CODES = frozenset(["ecm-enrollment", "ecm-referral"])
_ECM_WORDS = frozenset(["enhanced care management", "ecm", "enhanced care management (ecm)"])
SOCIAL_SERVICE = {"system": systems.SNOMED, "code": "410606002", "display": "Social service procedure (procedure)"}
_CATEGORY = {
    True: ("ecm-referral", "ECM referral"),
    False: ("community-supports-referral", "Community Supports referral"),
}
PRIORITY = {Urgency.ROUTINE: "routine", Urgency.EXPEDITED: "urgent"}
_URGENCY = {code: urgency for urgency, code in PRIORITY.items()}
_SDOH = {
    PopulationOfFocus.HOMELESS: ("homelessness", "Homelessness"),
    PopulationOfFocus.HOMELESS_ADULT: ("homelessness", "Homelessness"),
    PopulationOfFocus.HOMELESS_FAMILY: ("homelessness", "Homelessness"),
    PopulationOfFocus.INCARCERATION: ("incarceration-status", "Incarceration Status"),
}
_SDOH_OF_SERVICE = {
    "housing-transition-navigation": ("housing-instability", "Housing Instability"),
    "housing-deposits": ("housing-instability", "Housing Instability"),
    "housing-tenancy-sustaining": ("housing-instability", "Housing Instability"),
    "short-term-post-hospitalization-housing": ("housing-instability", "Housing Instability"),
    "transitional-rent": ("housing-instability", "Housing Instability"),
    "medically-tailored-meals": ("food-insecurity", "Food Insecurity"),
    "home-modifications": ("inadequate-housing", "Inadequate Housing"),
    "asthma-remediation": ("inadequate-housing", "Inadequate Housing"),
}
_UNSPECIFIED = ("sdoh-category-unspecified", "SDOH Category Unspecified")
NEED, WISHES, PREFERRED, CURRENT = "need", "manager-wishes", "preferred-provider", "current-ecm-provider"


@dataclass(frozen=True, slots=True)
class Around:
    """References to what is around a request."""

    patient: Json
    requester: Requester
    coverage: Json | None
    criteria: Json | None


def id_of(referral: Referral, *, context: Context) -> str:
    return context.ids.keyed("ServiceRequest", referral.key)


def to_fhir(referral: Referral, *, around: Around, context: Context, collected: Collected) -> Json:
    """The ServiceRequest; the preferred provider is added to what is collected."""
    preferred = referral.preferred_provider
    return filled(
        {
            "resourceType": "ServiceRequest",
            "id": id_of(referral, context=context),
            "meta": systems.meta(*(PROFILES if referral.service is None else PROFILES[1:])),
            "extension": some(
                *around.requester.extensions,
                extension(ORIGIN, "Code", origin(referral)),
                extension(FORM, "Code", referral.form.value if referral.form else None),
                extension(CHANNEL, "Code", referral.channel.value if referral.channel else None),
                STREAMLINED.write(referral.streamlined),
                *(PROGRAM.write(one) for one in referral.programs),
                *(extension(COMMUNITY_SUPPORT, "Code", one) for one in referral.community_supports),
                AGREEMENT.write(referral.agreement),
                ATTESTATION.write(referral.attestation),
                DATA_SHARING.write(referral.data_sharing),
            ),
            "identifier": [systems.identifier(referral.key)],
            "replaces": some(systems.logical("ServiceRequest", referral.replaces)),
            "status": "active",
            "intent": "order",
            "category": [
                concept(systems.SERVICE, *_CATEGORY[referral.service is None]),
                {"coding": [SOCIAL_SERVICE]},
                *(concept(systems.SDOHCC_CODES, *one) for one in _sdoh_categories(referral)),
            ],
            "priority": PRIORITY[referral.urgency] if referral.urgency else None,
            "code": _code(referral.service),
            "subject": around.patient,
            "authoredOn": datatypes.day(referral.authored),
            "requester": around.requester.reference,
            "performer": some(_performer(preferred, context, collected)),
            "reasonCode": [
                *(concept(systems.POPULATION, one.value, labels.POPULATION[one]) for one in referral.populations),
                *({"coding": [{"system": systems.ICD10, "code": one}]} for one in referral.diagnoses),
            ],
            "insurance": some(around.coverage),
            "supportingInfo": some(around.criteria),
            "note": some(
                datatypes.note(referral.need, NEED),
                datatypes.note(preferred.reason if preferred else None, PREFERRED),
                datatypes.note(referral.manager_wishes, WISHES),
                datatypes.note(referral.current_ecm_provider, CURRENT),
                *(datatypes.note(one) for one in referral.notes),
            ),
        }
    )


def from_fhir(resource: Json, *, resolver: Resolver) -> dict[str, Any]:
    """The fields of Referral that the ServiceRequest itself holds."""
    form = extension_value(resource, FORM)
    channel = extension_value(resource, CHANNEL)
    notes = resource.get("note")
    reasons = resource.get("reasonCode", ())
    replaced = resource.get("replaces", ())
    return {
        "key": systems.key_of(resource["identifier"][0]),
        "service": service_from(resource),
        "populations": tuple(PopulationOfFocus(code) for code in codes_of(reasons, systems.POPULATION)),
        "diagnoses": tuple(codes_of(reasons, systems.ICD10)),
        "form": codes.AgeForm(form) if form else None,
        "authored": datatypes.day_from(resource.get("authoredOn")),
        "channel": codes.Channel(channel) if channel else None,
        "urgency": _URGENCY[resource["priority"]] if "priority" in resource else None,
        "need": datatypes.note_from(notes, NEED),
        "notes": datatypes.notes_from(notes),
        "preferred_provider": _preferred(resource, resolver),
        "manager_wishes": datatypes.note_from(notes, WISHES),
        "streamlined": STREAMLINED.read(resource),
        "programs": PROGRAM.read_all(resource),
        "current_ecm_provider": datatypes.note_from(notes, CURRENT),
        "community_supports": tuple(extension_values(resource, COMMUNITY_SUPPORT)),
        "agreement": AGREEMENT.read(resource),
        "attestation": ATTESTATION.read(resource),
        "data_sharing": DATA_SHARING.read(resource),
        "replaces": systems.key_of(replaced[0]["identifier"]) if replaced else None,
    }


def _code(service: str | None) -> Json:
    """What is asked for. Gravity binds the code to procedures; the service stands beside one."""
    if service is None:
        return {"coding": [ECM, SOCIAL_SERVICE], "text": ECM["display"]}
    label = labels.COMMUNITY_SUPPORT[service]
    return {"coding": [coding(systems.COMMUNITY_SUPPORT, service, label), SOCIAL_SERVICE], "text": label}


def service_from(resource: Json) -> str | None:
    """The Community Support that is asked for; None for Enhanced Care Management."""
    return code_of(resource.get("code"), systems.COMMUNITY_SUPPORT)


def asked_for(resource: Json) -> str | None:
    """Which service of the closed loop is asked for: `ecm`, or a Community Support; None for anything else.

    Who writes FHIR without our codes may name Enhanced Care Management in words, or a Population of Focus.
    """
    if (service := service_from(resource)) is not None:
        return service
    concepts = [resource.get("code") or {}, *resource.get("category", ())]
    words = {" ".join(str(one.get("text", "")).split()).casefold() for one in concepts}
    ours = {code_of(one, systems.SERVICE) for one in concepts}
    focus = any(code_of(one, systems.POPULATION) for one in resource.get("reasonCode", ()))
    return ECM_SERVICE if focus or ours & _ECM_CODES or words & _ECM_WORDS else None


def origin(referral: Referral) -> str:
    """Whether the plan itself found the member or the community refers: plans must report the mix."""
    return "plan" if referral.referrer.source_category is codes.SourceCategory.PLAN else "community"


def _sdoh_categories(referral: Referral) -> list[tuple[str, str]]:
    """What Gravity partners filter by: the social need behind the Populations of Focus where there is a category."""
    if referral.service is not None:
        return [_SDOH_OF_SERVICE.get(referral.service, _UNSPECIFIED)]
    return list(dict.fromkeys(_SDOH[one] for one in referral.populations if one in _SDOH)) or [_UNSPECIFIED]


def _performer(preferred: PreferredProvider | None, context: Context, collected: Collected) -> Json | None:
    if preferred is None:
        return None
    where = collected.add(organization.to_fhir(preferred.organization, ids=context.ids))
    known = extension(KNOWN_ALREADY, "Boolean", preferred.existing_relationship)
    return {"extension": [known], **where} if known else where


def _preferred(resource: Json, resolver: Resolver) -> PreferredProvider | None:
    performer = next(iter(resource.get("performer", ())), None)
    provider = resolver.find(performer)
    if provider is None:
        return None
    return PreferredProvider(
        organization=organization.from_fhir(provider),
        reason=datatypes.note_from(resource.get("note"), PREFERRED),
        existing_relationship=extension_value(performer, KNOWN_ALREADY),
    )
