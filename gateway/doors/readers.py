"""All doors that read the domain's records, compiled once from the mappings folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway.domain import rules
from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam
from gateway.domain.referral import Referral
from gateway.domain.referral_change import ReferralChange, of_referral_change
from gateway.domain.rules import Finding
from gateway.doors import json_record
from gateway.doors.json_record import JsonReader
from gateway.doors.table_file import TableReader
from gateway.errors import BadTable, NotFound
from gateway.mapping import concepts as concept_tables
from gateway.mapping import criteria, leaves, partners, return_layout
from gateway.mapping.concepts import Concept
from gateway.mapping.partners import Layout
from gateway.mapping.return_layout import ReturnLayout
from gateway.mapping.return_row import FIELDS

Rules = Callable[[Any, date], Iterable[Finding]]

KINDS: Mapping[str, tuple[type, Rules]] = {
    "referral": (Referral, rules.of_referral),
    "care-plan": (CarePlan, rules.of_care_plan),
    "care-team": (CareTeam, rules.of_care_team),
    "referral-change": (ReferralChange, of_referral_change),
}
"""Kind -> its record and the rules of the whole record."""

NEEDED = leaves.CONCEPTS | {"placeholder", "unknown-word"}
"""Concept tables that reading cannot do without, whatever the partners' tables name."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Every reader by kind and partner."""

    concepts: Mapping[str, Concept]
    layouts: Mapping[tuple[str, str], Layout]
    by_kind: Mapping[str, JsonReader[Any]]
    returns: Mapping[str, ReturnLayout] = field(default_factory=dict)
    """How plans want their return files written, by partner."""

    @classmethod
    def load(cls, folder: Path) -> Readers:
        """Compile what a mappings folder holds; BadTable if anything in it is wrong."""
        concepts = concept_tables.load(folder / "concepts")
        concepts["criterion"] = criteria.criterion_concept(folder / "criteria")
        if absent := sorted(NEEDED - concepts.keys()):
            raise BadTable(f"concepts/: there is no table {', '.join(absent)}")
        layouts = partners.load(folder / "partners", {kind: root for kind, (root, _) in KINDS.items()}, concepts)
        fields = {name: type for name, (type, _) in FIELDS.items()}
        returns = return_layout.load(
            folder / "partners",
            fields=fields,
            plans=concepts["plan"].codes,
            supports=concepts["community-support"].codes,
        )
        return cls(concepts, layouts, {kind: _json(folder / "schemas", kind, concepts) for kind in KINDS}, returns)

    def json(self, kind: str) -> JsonReader[Any]:
        """The reader of JSON records: `referral`, `care-plan` or `care-team`."""
        try:
            return self.by_kind[kind]
        except KeyError:
            raise NotFound("There is no JSON record of this kind.") from None

    def table(self, partner: str, kind: str) -> TableReader[Any]:
        """The reader of a partner's files; NotFound when it has no layout for this kind."""
        try:
            layout = self.layouts[partner, kind]
        except KeyError:
            raise NotFound("There is no table for this partner and kind of record.") from None
        root, whole = KINDS[kind]
        return TableReader(layout, root, whole)


def _json(folder: Path, kind: str, concepts: Mapping[str, Concept]) -> JsonReader[Any]:
    root, whole = KINDS[kind]
    path = folder / f"{kind}.schema.json"
    try:
        return json_record.compiled(path.read_bytes(), kind, root, concepts=concepts, rules=whole)
    except (OSError, ValueError) as error:
        raise BadTable(f"schemas/{path.name}: cannot be read ({type(error).__name__})") from error
