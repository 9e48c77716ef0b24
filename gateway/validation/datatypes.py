"""Rules of R4's data types that their definitions say in words only. https://hl7.org/fhir/R4/datatypes.html"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from gateway.validation.primitives import decoded
from gateway.validation.run import Place, Run, pointer
from gateway.validation.terminology.ucum import is_unit

UCUM = "http://unitsofmeasure.org"
QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")
"""The types of quantities; R4 has the rest as profiles of Quantity."""
_TERMINOLOGIES = ("loinc.org", "snomed.info/sct", "unitsofmeasure.org", "www.nlm.nih.gov/research/umls/rxnorm")
MISSPELT = frozenset(
    written for name in _TERMINOLOGIES for written in (f"https://{name}", f"http://{name}/", f"https://{name}/")
)
CANONICAL_URLS = frozenset(
    f"{name}.url"
    for name in "ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition "
    "ConceptMap EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition "
    "ImplementationGuide Library Measure MessageDefinition OperationDefinition PlanDefinition Questionnaire "
    "ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter StructureDefinition "
    "StructureMap TerminologyCapabilities TestScript ValueSet".split()
)
_UUID = re.compile(r"(?i)urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+(?:[#|].*)?")
_SPACE = re.compile(r"[\s\\]")
_USUAL = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_RELATIVE = re.compile(
    r"(?:[^/?#]+/)*[A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#\S*)?"
    r"|[A-Za-z]+\?[_A-Za-z][\w.:\-]*=[^&]*(?:&[_A-Za-z][\w.:\-]*=[^&]*)*"
)
_SEARCH = re.compile(r"[A-Za-z]+\?")
_ASKING = frozenset(("transaction", "batch"))
_ABSOLUTE = re.compile(r"(?i)[a-z][a-z0-9+.\-]*:\S+")
SAMPLE = r"(?:[ELU]|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_SAMPLE = re.compile(SAMPLE)


def check_attachment(run: Run, value: Any, place: Place) -> None:
    """The size and the hash said must be those of the data."""
    size, digest = value.get("size"), value.get("hash")
    if type(value.get("data")) is not str or (data := decoded(value["data"])) is None:
        return
    if type(size) is int and size != len(data):
        run.error("structure", "attachment-size", f"Attachment.size is {size}, but the data has {len(data)} bytes.",
                  place)  # fmt: skip
    said = decoded(digest) if type(digest) is str else None
    if said is not None and said != hashlib.sha1(data, usedforsecurity=False).digest():
        run.error("value", "attachment-hash", "Attachment.hash is not the SHA-1 of the data, in base64.", place)


def check_coding(run: Run, value: Any, place: Place) -> None:
    """A code needs a system, and the system is an absolute URI."""
    system = value.get("system")
    if "code" in value and "system" not in value:
        run.warn("code-invalid", "coding-system", "A code without its system has no defined meaning: give the system.",
                 place)  # fmt: skip
    elif type(system) is str and system and not _ABSOLUTE.fullmatch(system):
        run.error("code-invalid", "coding-system", "Coding.system must be an absolute URI.", place)
    elif type(system) is str and system in MISSPELT:
        run.error("code-invalid", "coding-system", "Coding.system is not how the code system's URL is written.", place)
    elif type(system) is str and (other := run.engine.no_system(system)) is not None:
        run.error("code-invalid", "coding-system", f"Coding.system names a {other}; it must name the code system.",
                  place)  # fmt: skip


def check_identifier(run: Run, value: Any, place: Place) -> None:
    """An identifier's system is an absolute URI; values of urn:ietf:rfc:3986 are URIs themselves."""
    system, text = value.get("system"), value.get("value")
    if type(system) is not str or not system:
        return
    if not _ABSOLUTE.fullmatch(system):
        run.error("code-invalid", "identifier-system", "Identifier.system must be an absolute URI.", place)
    elif system == "urn:ietf:rfc:3986" and type(text) is str and not _ABSOLUTE.fullmatch(text):
        told = run.warn if run.root.get("resourceType") == "StructureDefinition" else run.error  # R4's own examples
        told("invalid", "identifier-value", "With the system urn:ietf:rfc:3986 the value should be a full URI.",
                  place)  # fmt: skip


def check_quantity(run: Run, value: Any, place: Place) -> None:
    """A unit said to be of UCUM is one; the system of a unit is an absolute URI."""
    code, system = value.get("code"), value.get("system")
    if type(system) is str and system and (system in MISSPELT or not _ABSOLUTE.fullmatch(system)):
        run.error("code-invalid", "unit-system", "Quantity.system must be the absolute URI of a code system, such as "
                  f"{UCUM}.", place)  # fmt: skip
    elif system == UCUM and type(code) is str and code and not is_unit(code):
        run.error("code-invalid", "ucum", "Quantity.code must be a unit of UCUM, case-sensitive.", place)


def check_meta(run: Run, value: Any, place: Place) -> None:
    """Security labels are a set."""
    labels = value.get("security")
    if type(labels) is list and len(labels) > 1 and any(one in labels[:number] for number, one in enumerate(labels)):
        run.error("duplicate", "meta-security", "The same security label must not be given twice.", place)


def check_sampled_data(run: Run, value: Any, place: Place) -> None:
    """Decimals, or E, L and U, with spaces between."""
    data = value.get("data")
    if type(data) is str and not all(map(_SAMPLE.fullmatch, data.split())):
        run.error("invalid", "sampled-data", "SampledData.data must be decimals, or E, L or U, with a space between.",
                  place)  # fmt: skip


def check_canonical_url(run: Run, value: Any, place: Place) -> None:
    """The url by which others name a definition is absolute."""
    if type(value) is str and not _ABSOLUTE.fullmatch(value):
        run.error("invalid", "type-uri", "The url of a definition must be an absolute URI.", place)


def check_element_id(run: Run, value: Any, place: Place) -> None:
    """An element's id, which R4 types as a string, has no white space and is of one element only."""
    if type(value) is not str:
        return
    if _SPACE.search(value):
        run.error("value", "type-id", "An element's id must not have white space.", place)
    if run.resource.get("resourceType") == "StructureDefinition":
        return  # its differential and its snapshot name the same elements
    known: dict[str, Place] = run.memo.setdefault(("ids", id(run.resource)), {})
    first = known.setdefault(value, place)
    if first is not place and pointer(first) != pointer(place):
        run.error("duplicate", "element-id", "Another element of the resource has the same id.", place)


def check_reference(run: Run, value: Any, place: Place) -> None:
    """A reference has a form that can be followed."""
    reference = value.get("reference")
    if type(reference) is not str or not reference or _USUAL.fullmatch(reference):
        return
    if reference.startswith("urn:uuid:") and not _UUID.fullmatch(reference):
        run.warn("value", "reference-form", "The reference is not a valid urn:uuid.", place)
    elif reference.startswith("urn:oid:") and not _OID.fullmatch(reference):
        run.error("value", "reference-form", "The reference must have a valid OID after urn:oid:.", place)
    elif _SPACE.search(reference):
        run.error("value", "reference-form", "The reference must be a URL without white space.", place)
    elif run.bundles and _SEARCH.match(reference) and run.bundles[-1].bundle.get("type") not in _ASKING:
        run.error("value", "reference-form", "Only in transactions and batches may a reference be a search.", place)
    elif ":" not in reference and reference[0] != "#" and not _RELATIVE.fullmatch(reference):
        run.error("value", "reference-form", "A relative reference must be a type and an id (Patient/1), or a search "
                  "(Patient?identifier=...).", place)  # fmt: skip
