"""Extensions that HL7 has defined for R4's types after R4, in its extensions pack: by name, so that others under HL7's
address can be told to be none. https://hl7.org/fhir/extensions/
"""

from __future__ import annotations

from gateway.validation.shapes import CORE

_LATER = {
    "allergyintolerance": "abatement",
    "careplan": "",
    "careteam": "",
    "condition": "diseaseCourse reviewed",
    "diagnosticreport": "businessEvent focus interpretationContext workflowStatus geneticsAnalysis "
    "geneticsAssessedCondition geneticsFamilyMemberHistory geneticsReferences",
    "encounter": "recordLinkage",
    "goal": "",
    "immunization": "procedure",
    "location": "communication distance",
    "obligation": "profile-flag",
    "observation": "analysisDateTime componentCategory grouper humanTranscribed human-transcribed natureOfAbnormalTest "
    "structureLaterality structureType structure-type supportingDevice v2-subid "
    "geneticsAllele geneticsAminoAcidChange geneticsAncestry geneticsCopyNumberEvent geneticsDNARegionName "
    "geneticsGene geneticsGenomicSourceClass geneticsInterpretation geneticsPhaseSet geneticsVariant",
    "organization": "brand portal",
    "patient": "bornStatus contactPriority fetalStatus knownNonDuplicate multipleBirthTotal preferredPharmacy "
    "sexForClinicalUse sexParameterForClinicalUse sexParameterForClinicalUse-backport unknownIdentity genderIdentity",
    "procedure": "schedule",
    "servicerequest": "geneticsItem order-callback-phone-number performCondition rejectreason specimenSuggestion",
    "task": "candidateList",
}
"""What stands before the first hyphen, in small letters, and the names after it that came later than R4."""
_NAMES = {family: frozenset(names.split()) for family, names in _LATER.items()}


def surely_unknown(url: str) -> bool:
    """Whether a url under HL7's address, which no loaded definition has, is surely no extension of HL7's."""
    family, _, name = url.removeprefix(CORE).partition("-")
    known = _NAMES.get(family.lower())
    return url.startswith(CORE) and known is not None and name != "" and name not in known
