"""The ECM care management plan. DHCS ECM Policy Guide (January 2026) pp. 56-62; domains and services in `codes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.domain import codes, values
from gateway.domain.member import Coverage, Member, Organization, Period, PersonName, Professional, SupportPerson
from gateway.domain.referral import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSummary:
    """What was found in one domain."""

    domain: codes.PlanDomain
    summary: values.LongText


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something the member needs. `id` is unique within the plan."""

    id: values.Token
    domain: codes.PlanDomain
    description: values.LongText
    status: codes.NeedStatus
    diagnosis: values.DiagnosisCode | None = None
    identified: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A measurable outcome and when it is due."""

    measure: values.Text
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the member wants to reach. `id` is unique within the plan; `needs` are ids of needs."""

    id: values.Token
    description: values.LongText
    status: codes.GoalStatus
    achievement: codes.Achievement | None = None
    domain: codes.PlanDomain | None = None
    needs: tuple[values.Token, ...] = ()
    start: date | None = None
    targets: tuple[Target, ...] = ()
    status_date: date | None = None
    status_reason: values.Text | None = None
    in_members_words: bool | None = None
    notes: tuple[values.LongText, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What someone does under one of the seven core services. `goals` are ids of goals."""

    id: values.Token
    service: codes.CoreService
    description: values.LongText
    status: codes.ActivityStatus
    goals: tuple[values.Token, ...] = ()
    status_reason: values.Text | None = None
    scheduled: Period | None = None
    assigned_to: values.Text | None = None
    """Name or role of who does it."""
    assigned_role: codes.TeamRole | None = None
    place: values.Text | None = None
    progress: tuple[values.LongText, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAgreement:
    """Who agreed to the plan (the member, a representative, the Lead Care Manager), how and when."""

    name: values.Text
    role: codes.TeamRole
    kind: codes.AgreementKind
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalOversight:
    """The clinician under whose oversight the plan was made or updated."""

    clinician: Professional
    reviewed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """A case conference."""

    on: date
    attendees: tuple[values.Text, ...] = ()
    summary: values.LongText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCopy:
    """A copy of the plan given to someone."""

    to: PersonName
    on: date | None = None
    format: codes.AccessFormat | None = None
    language: values.Language | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarePlan:
    """One version of a member's care management plan. The same `key` with another `version` is its next version."""

    key: Key
    member: Member
    status: codes.CarePlanStatus
    title: values.Text | None = None
    version: values.Token | None = None
    replaces: Key | None = None
    """The plan that this one carries on, for instance the previous health plan's."""
    referral: Key | None = None
    coverage: Coverage | None = None
    populations: tuple[codes.PopulationOfFocus, ...] = ()
    period: Period | None = None
    created: date | None = None
    revised: date | None = None
    review_due: date | None = None
    author: Professional | None = None
    """The Lead Care Manager or whoever wrote it."""
    provider: Organization | None = None
    """The ECM provider that holds the plan."""
    summary: values.LongText | None = None
    domains: tuple[DomainSummary, ...] = ()
    strengths: tuple[values.LongText, ...] = ()
    risks: tuple[values.LongText, ...] = ()
    preferences: tuple[values.LongText, ...] = ()
    needs: tuple[Need, ...] = ()
    goals: tuple[Goal, ...] = ()
    activities: tuple[Activity, ...] = ()
    agreements: tuple[PlanAgreement, ...] = ()
    oversight: ClinicalOversight | None = None
    supports: tuple[SupportPerson, ...] = ()
    conferences: tuple[Conference, ...] = ()
    copies: tuple[PlanCopy, ...] = ()
    notes: tuple[values.LongText, ...] = ()
