"""The member, the people and organizations around the member, and how each can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.domain import codes, values


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """`text` is the name as written where the source gives it whole; its parts are absent unless they are certain."""

    first: values.Text | None = None
    last: values.Text | None = None
    middle: values.Text | None = None
    suffix: values.Text | None = None
    text: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberName:
    """A member's name in its parts: unlike others', it must be certain."""

    first: values.Text
    last: values.Text
    middle: values.Text | None = None
    suffix: values.Text | None = None
    preferred: values.Text | None = None
    """What the member wants to be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A telephone number, of what kind, and whose it is."""

    number: values.PhoneNumber
    extension: values.Token | None = None
    kind: codes.PhoneKind | None = None
    note: values.Text | None = None
    """Whose it is or when to call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address, as far as it is known."""

    lines: tuple[values.Text, ...] = ()
    city: values.Text | None = None
    county: values.County | None = None
    state: values.State | None = None
    zip: values.Zip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days, both ends included; without an end it is open."""

    start: date | None = None
    end: values.EndDate | None = None

    def covers(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def overlaps(self, other: Period) -> bool:
        after = self.start and other.end and self.start > other.end
        before = other.start and self.end and other.start > self.end
        return not (after or before)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPreference:
    """How the member wants to be reached; absent where it was not asked."""

    method: codes.ContactMethod | None = None
    best_time: values.Text | None = None
    may_leave_message: bool | None = None
    may_text: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization as one document states it; two with one NPI may still differ in all else."""

    name: values.Text
    npi: values.Npi | None = None
    tin: values.Tin | None = None
    phones: tuple[Phone, ...] = ()
    email: values.Email | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Professional:
    """Someone who works for the member: a name and where they work; ids and contact where known."""

    name: PersonName
    title: values.Text | None = None
    """Job title or credential as written."""
    npi: values.Npi | None = None
    phones: tuple[Phone, ...] = ()
    email: values.Email | None = None
    organization: Organization | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportAuthorization:
    """What the member allows a support person: recorded, as the Policy Guide asks (core service 6)."""

    given: codes.Answer
    on: date | None = None
    until: date | None = None
    scope: values.Text | None = None
    """What may be shared or decided, in the member's words."""
    by: codes.AgreementKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPerson:
    """A parent, guardian, caregiver, relative or friend."""

    name: PersonName
    kinship: codes.Kinship | None = None
    kinship_other: values.Text | None = None
    phones: tuple[Phone, ...] = ()
    email: values.Email | None = None
    address: Address | None = None
    language: values.Language | None = None
    makes_decisions: bool | None = None
    """Legally decides for the member (parent of a minor, conservator)."""
    authorization: SupportAuthorization | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A Medi-Cal member. Only name and birth date are always known."""

    name: MemberName
    birth_date: values.BirthDate
    cin: values.Cin | None = None
    member_id: values.Token | None = None
    """The managed care plan's own number of the member; the plan is `coverage.plan`."""
    mrn: values.Token | None = None
    """Medical record number at the sender."""
    address: Address | None = None
    """Where the member lives."""
    mailing_address: Address | None = None
    no_fixed_address: bool | None = None
    found_at: values.LongText | None = None
    """Where the member can be found: a shelter, an encampment, a clinic."""
    phones: tuple[Phone, ...] = ()
    email: values.Email | None = None
    spoken_language: values.Language | None = None
    written_language: values.Language | None = None
    interpreter_needed: bool | None = None
    contact_preference: ContactPreference | None = None
    gender: codes.Gender | None = None
    races: tuple[codes.Race, ...] = ()
    ethnicity: codes.Ethnicity | None = None
    formats: tuple[codes.AccessFormat, ...] = ()
    access_needs: values.LongText | None = None
    """Other accessibility needs in words."""
    supports: tuple[SupportPerson, ...] = ()
    """Parents, guardians, caregivers."""
    pcp: Professional | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The member's Medi-Cal managed care plan."""

    plan: values.PlanCode | None = None
    plan_code: values.HcpCode | None = None
    """DHCS health care plan (HCP) code of plan and county, three digits."""
    county: values.County | None = None
    aid_code: values.AidCode | None = None
    medicare: bool | None = None
    """Also enrolled in Medicare."""
    period: Period | None = None
