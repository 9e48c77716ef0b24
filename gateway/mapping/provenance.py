"""Where resources came from: Provenance naming the source document by its hash and the mapping that read it.

Profile: ecm-provenance, on US Core 6.1.0.
https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-provenance.html
"""

from __future__ import annotations

from functools import lru_cache

from gateway.domain.member import Organization
from gateway.fhir.codec import Json
from gateway.fhir.element import concept, extension, filled, some
from gateway.mapping import datatypes, organization, systems
from gateway.mapping.context import MAPPING_VERSION, Context
from gateway.mapping.ids import Ids

PROFILES = (systems.definition("provenance"), systems.US_CORE + "us-core-provenance")
VERSION = systems.definition("mapping-version")
ROW = systems.definition("source-row")
_AUTHOR = concept(systems.THO + "provenance-participant-type", "author", "Author")
_TRANSMITTER = concept(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type", "transmitter", "Transmitter"
)


def to_fhir(target: Json, *, author: Json | None, operator: Json, context: Context) -> Json:
    """One Provenance for `target` and one source document: the same document again gives the same one.

    `author` is an organization, a professional in their role there, or a private person.
    """
    source = context.source
    return {
        "resourceType": "Provenance",
        "id": context.ids.of("Provenance", target["reference"], source.sha256, str(source.row), MAPPING_VERSION),
        "meta": systems.meta(*PROFILES),
        "extension": [{"url": VERSION, "valueString": MAPPING_VERSION}],
        "target": [target],
        "recorded": datatypes.moment(context.now),
        "agent": some(
            {"type": _AUTHOR, "who": author} if author else None,
            {"type": _TRANSMITTER, "who": operator},
        ),
        "entity": [
            filled(
                {
                    "extension": some(extension(ROW, "PositiveInt", source.row)),
                    "role": "source",
                    "what": {
                        "type": "Binary",
                        "identifier": {"system": systems.SHA256, "value": source.sha256},
                        "display": f"{source.name} ({source.media_type})",
                    },
                }
            )
        ],
    }


def operator(context: Context) -> Json:
    """The organization that runs this gateway."""
    return {**_operator(context.operator, context.ids)}


@lru_cache(64)
def _operator(operator: Organization, ids: Ids) -> Json:
    """The same in every document: made once."""
    return organization.to_fhir(operator, ids=ids)
