"""The addresses that appear in what we emit: code systems, identifier systems, profiles, extensions.

Everything under `BASE` is ours. The state has assigned no address that we could read for a Client Index Number, a
health care plan code or a Population of Focus, so none is invented: these are local.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, unquote

from gateway.domain.referral import Key
from gateway.fhir.codec import Json

BASE = "https://ecm-gateway.example/fhir"

CIN = f"{BASE}/sid/medi-cal-cin"
PLAN = f"{BASE}/sid/plan"
"""Our code of a managed care plan."""
PATIENT = f"{BASE}/sid/patient"
PRACTITIONER = f"{BASE}/sid/practitioner"
SOURCE = f"{BASE}/sid/source/"
"""Followed by the name of the sender who gave the identifier."""
MEMBER_ID = f"{BASE}/sid/member-id/"
"""Followed by the plan that gave the number, or `unknown`."""
SHA256 = f"{BASE}/sid/sha-256"
NPI = "http://hl7.org/fhir/sid/us-npi"
TIN = "urn:oid:2.16.840.1.113883.4.4"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
BCP47 = "urn:ietf:bcp:47"
NUCC = "http://nucc.org/provider-taxonomy"
SNOMED = "http://snomed.info/sct"

THO = "http://terminology.hl7.org/CodeSystem/"
SDOHCC_CODES = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/"


def code_system(name: str) -> str:
    """One of our code systems (`population-of-focus`)."""
    return f"{BASE}/CodeSystem/ecm-{name}"


def definition(name: str) -> str:
    """One of our profiles or extensions (`referral-origin`)."""
    return f"{BASE}/StructureDefinition/ecm-{name}"


POPULATION = code_system("population-of-focus")
SERVICE = code_system("service")
CORE_SERVICE = code_system("core-service")
PLAN_DOMAIN = code_system("plan-domain")
TEAM_ROLE = code_system("team-role")
REFERRAL_STATUS = code_system("referral-status")
COMMUNITY_SUPPORT = code_system("community-support")


def meta(*profiles: str) -> Json:
    return {"profile": list(profiles)}


@lru_cache(maxsize=1024)
def sid(source: str) -> str:
    """The system of the identifiers that one sender gives."""
    return SOURCE + quote(source, safe="")


def identifier(key: Key, *, kind: str = "") -> Json:
    """A sender's key as an Identifier: its name is in the system, so keys of two senders never meet.

    `kind` tells apart things inside one keyed document (`/need`).
    """
    return {"system": sid(key.source) + kind, "value": key.id}


def key_of(element: Json, *, kind: str = "") -> Key:
    """The sender's key back from an Identifier. Raises ValueError where the system is not one of SOURCE."""
    system: str = element["system"]
    if not system.startswith(SOURCE) or not system.endswith(kind):
        raise ValueError("not a source identifier")
    return Key(source=unquote(system[len(SOURCE) : len(system) - len(kind)]), id=element["value"])


def logical(type: str, key: Key | None) -> Json | None:
    """A Reference by identifier to a resource that may not be here."""
    return None if key is None else {"type": type, "identifier": identifier(key)}
