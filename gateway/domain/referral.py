"""An ECM referral: the elements of the DHCS ECM Referral Standards, each of which may be unknown but a few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from gateway.domain import codes, values
from gateway.domain.member import Address, Coverage, Member, Organization, Period, PersonName, Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Who names a thing and by which id: the same key twice is the same thing.

    `source` is the sender's stable name (a partner folder's name, an organization's), `id` is unique within it.
    """

    source: values.Token
    id: values.Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """Who refers: a person, an organization, both, or the member or family (`relationship`)."""

    name: PersonName | None = None
    title: values.Text | None = None
    npi: values.Npi | None = None
    """The person's own NPI; the organization has its own."""
    organization: Organization | None = None
    phones: tuple[Phone, ...] = ()
    email: values.Email | None = None
    address: Address | None = None
    relationship: codes.Relationship | None = None
    relationship_other: values.Text | None = None
    kinship: codes.Kinship | None = None
    """For family: what the referrer is to the member."""
    is_member: bool | None = None
    """The member refers themself."""
    source_category: codes.SourceCategory | None = None
    updates_by: codes.UpdatesBy | None = None
    is_ecm_provider: bool | None = None
    """The referring organization is itself an ECM provider of this plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionAnswer:
    """One box of the form. Absent means not asked or left open."""

    KEY: ClassVar[str] = "criterion"

    criterion: values.CriterionId
    answer: codes.Answer
    note: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramAnswer:
    """Whether the member is enrolled in a program that may overlap with ECM."""

    KEY: ClassVar[str] = "program"

    program: values.ProgramCode
    answer: codes.Answer
    note: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The member's (or representative's) agreement to be referred. Never a condition of a referral."""

    kind: codes.AgreementKind
    on: date | None = None
    by: values.Text | None = None
    """Who agreed, if not the member."""
    asked_by: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """The referrer's word that the referral is accurate."""

    given: bool
    name: values.Text | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSharing:
    """An authorization to share protected data that came with the referral."""

    form: codes.DataSharingForm
    signed: date | None = None
    period: Period | None = None
    note: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferredProvider:
    """The ECM provider the member wants, and why."""

    organization: Organization
    reason: values.LongText | None = None
    existing_relationship: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamlined:
    """Streamlined (formerly presumptive) authorization: services have begun before the plan decided."""

    used: bool
    services_began: date | None = None
    provider_type: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One request for ECM, or for one Community Support, for one member."""

    key: Key
    """The sender's own; without one the content names the referral, and a correction of it is another referral."""
    member: Member
    referrer: Referrer
    populations: tuple[codes.PopulationOfFocus, ...] = ()
    """At least one for Enhanced Care Management; a Community Support needs none."""
    service: values.CommunitySupport | None = None
    """The Community Support that is asked for; absent, Enhanced Care Management."""
    coverage: Coverage | None = None
    criteria: tuple[CriterionAnswer, ...] = ()
    form: codes.AgeForm | None = None
    """The form that was filled, where the sender says."""
    authored: date | None = None
    """Date of referral."""
    received: datetime | None = None
    """When the plan received it; starts the decision clock."""
    channel: codes.Channel | None = None
    urgency: codes.Urgency | None = None
    need: values.LongText | None = None
    """The need in the referrer's words."""
    notes: tuple[values.LongText, ...] = ()
    diagnoses: tuple[values.DiagnosisCode, ...] = ()
    """Welcome, never asked for."""
    preferred_provider: PreferredProvider | None = None
    manager_wishes: values.LongText | None = None
    """Wishes about the Lead Care Manager: language, gender, place."""
    streamlined: Streamlined | None = None
    programs: tuple[ProgramAnswer, ...] = ()
    current_ecm_provider: values.LongText | None = None
    community_supports: tuple[values.CommunitySupport, ...] = ()
    """Community Supports in use."""
    agreement: Agreement | None = None
    attestation: Attestation | None = None
    data_sharing: DataSharing | None = None
    replaces: Key | None = None
    """An earlier referral that this one follows (a closed loop never reopens)."""

    def __post_init__(self) -> None:
        # Boxes ticked have no order of their own; one order makes the same facts one record whichever door they came
        # by. A criterion that could not be read is None until the whole record is refused.
        object.__setattr__(self, "criteria", tuple(sorted(self.criteria, key=lambda one: one.criterion or "")))
