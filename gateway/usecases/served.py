"""Which resource types are served, and by the profiles of which packages they are checked."""

from __future__ import annotations

PACKAGES = (
    "hl7.fhir.r4.core#4.0.1",
    "hl7.fhir.us.core#6.1.0",
    "hl7.fhir.us.core#7.0.0",
    "hl7.fhir.us.sdoh-clinicalcare#3.0.0",
    "hl7.fhir.uv.subscriptions-backport.r4#1.1.0",
)
"""Published packages whose definitions are loaded, `name#version`; later ones win where no version is named."""

GUIDES = (
    "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0",
    "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|7.0.0",
    "http://hl7.org/fhir/us/sdoh-clinicalcare/ImplementationGuide/hl7.fhir.us.sdoh-clinicalcare|3.0.0",
    "http://hl7.org/fhir/uv/subscriptions-backport/ImplementationGuide/hl7.fhir.uv.subscriptions-backport.r4|1.1.0",
)
"""The same packages as implementation guides."""

SERVED = frozenset(
    """
    AllergyIntolerance CarePlan CareTeam Communication Condition Consent Coverage Device DiagnosticReport
    DocumentReference Encounter Endpoint Goal Group HealthcareService Immunization Location Medication
    MedicationDispense MedicationRequest Observation Organization Patient Practitioner PractitionerRole Procedure
    Provenance Questionnaire QuestionnaireResponse RelatedPerson ServiceRequest Specimen Task
    """.split()
)
"""What a referral, a care plan, a care team or the record around them is made of."""
