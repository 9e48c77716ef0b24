"""Concept tables as ConceptMaps: which of our codes a label that senders write is read as.

https://hl7.org/fhir/R4/conceptmap.html. Generated from `mappings/concepts`, so that a partner sees what is used.
Tables whose codes are no code system (placeholders, words for yes and no) have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from gateway.fhir.codec import Json
from gateway.fhir.element import filled
from gateway.mapping import systems
from gateway.mapping.concepts import Concept, Row

LABELS = f"{systems.BASE}/sid/label/"
"""Followed by the name of the table: the labels of one table as a system of codes."""
TARGETS: dict[str, str] = {
    "access-format": systems.code_system("access-format"),
    "age-form": systems.code_system("age-form"),
    "agreement": systems.code_system("agreement"),
    "channel": systems.code_system("channel"),
    "community-support": systems.code_system("community-support"),
    "contact-method": systems.code_system("contact-method"),
    "kinship": systems.code_system("kinship"),
    "language": systems.BCP47,
    "plan": systems.PLAN,
    "population": systems.POPULATION,
    "relationship": systems.code_system("referrer-relationship"),
    "source-category": systems.code_system("source-category"),
}
_MARKS = {"S": "sourced", "R": "recalled: confirm with the plan", "D": "our own"}


def concept_maps(concepts: Mapping[str, Concept], *, on: date) -> list[Json]:
    """The ConceptMaps of the tables that lead to a code system, with the rows that hold on a day."""
    return [_concept_map(concepts[name], TARGETS[name], on) for name in sorted(concepts.keys() & TARGETS.keys())]


def _concept_map(concept: Concept, target: str, on: date) -> Json:
    rows = [row for rows in concept.rows.values() for row in rows if row.valid(on)]
    return {
        "resourceType": "ConceptMap",
        "id": f"ecm-{concept.name}",
        "url": f"{systems.BASE}/ConceptMap/ecm-{concept.name}",
        "name": "Ecm" + "".join(word.capitalize() for word in concept.name.split("-")) + "Labels",
        "status": "active",
        "experimental": True,
        "date": on.isoformat(),
        "group": [{"source": LABELS + concept.name, "target": target, "element": [_element(row) for row in rows]}],
    }


def _element(row: Row) -> Json:
    return {"code": " ".join(row.label.split()), "target": list(_targets(row))}


def _targets(row: Row) -> Iterator[Json]:
    until = f"; until {row.valid_to.isoformat()}" if row.valid_to else ""
    since = f"; since {row.valid_from.isoformat()}" if row.valid_from else ""
    for code in row.code.split(" "):
        yield filled({"code": code, "equivalence": "equivalent", "comment": _MARKS[row.mark] + since + until})
