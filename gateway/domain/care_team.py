"""The ECM care team: who works with the member, as what, from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gateway.domain import codes, values
from gateway.domain.member import Coverage, Member, Organization, Period, Professional, SupportPerson
from gateway.domain.referral import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One person's or organization's place on the team.

    Exactly one of `professional`, `organization` and `support` is given; none of them for the member's own place.
    `id` is unique within the team and stays the same while the membership lasts.
    """

    id: values.Token
    role: codes.TeamRole
    professional: Professional | None = None
    organization: Organization | None = None
    support: SupportPerson | None = None
    period: Period | None = None
    note: values.Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeam:
    """A member's ECM care team. An active team has exactly one active Lead Care Manager."""

    key: Key
    member: Member
    status: codes.TeamStatus
    members: tuple[Membership, ...]
    name: values.Text | None = None
    period: Period | None = None
    provider: Organization | None = None
    """The ECM provider that manages the team."""
    coverage: Coverage | None = None
    populations: tuple[codes.PopulationOfFocus, ...] = ()
    referral: Key | None = None
    pcp_notified: date | None = None
    notes: tuple[values.LongText, ...] = ()

    def leads(self, on: date) -> tuple[Membership, ...]:
        """The Lead Care Managers whose time on the team covers the day `on`."""
        return tuple(
            one
            for one in self.members
            if one.role is codes.TeamRole.LEAD_CARE_MANAGER and (one.period is None or one.period.covers(on))
        )
