"""What must hold of a whole referral, care plan or care team, beyond its single fields.

A rule yields Findings; the door turns their domain paths into places of the source. Rules are run on records whose
unreadable fields are None, so that one refusal lists everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.domain.care_plan import CarePlan
from gateway.domain.care_team import CareTeam, Membership
from gateway.domain.codes import AgeForm, PopulationOfFocus, TeamRole, TeamStatus
from gateway.domain.dates import age
from gateway.domain.member import Address, Member
from gateway.domain.referral import Referral

ADULT_AGE = 21
FORMER_FOSTER_AGE = 26
_CONTACTS = tuple(f"member.{name}" for name in "phones email address mailing_address found_at supports".split())


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a rule found at a domain path (`member.phones`)."""

    severity: Literal["error", "warning", "information"]
    path: str
    rule: str
    message: str
    code: str = "business-rule"
    asks: tuple[str, ...] = ()
    """Where else what is missing may be given: if something there could not be read, that is the fault."""


def of_referral(referral: Referral, today: date) -> Iterator[Finding]:
    """One way to contact, who refers, at least one Population of Focus; the rest only warns."""
    if not contactable(referral.member):
        yield Finding(
            "error",
            "member.phones",
            "referral-contact",
            "is missing: give one way to contact the member (phone, e-mail, address, where the member is found, or a "
            "support person's phone or e-mail)",
            "required",
            asks=_CONTACTS,
        )
    who = referral.referrer
    if not (who.name or who.organization or who.is_member):
        yield Finding(
            "error",
            "referrer.name",
            "referral-referrer",
            "is missing: say who refers (a person, an organization, or the member)",
            "required",
            asks=("referrer.name", "referrer.organization", "referrer.is_member"),
        )
    if not referral.populations and referral.service is None:
        yield Finding(
            "error",
            "populations",
            "referral-population",
            "is missing: at least one Population of Focus is needed",
            "required",
        )
    yield from _repeats((a.criterion for a in referral.criteria), "criteria", "criterion-once")
    yield from _repeats((a.program for a in referral.programs), "programs", "program-once")
    if referral.authored and referral.authored > today:
        yield Finding("warning", "authored", "referral-date-future", "is after today")
    yield from _form(referral, today)


def contactable(member: Member) -> bool:
    """Whether there is any way to reach the member."""
    direct = member.phones or member.email or member.found_at
    placed = any(_somewhere(address) for address in (member.address, member.mailing_address))
    return bool(direct or placed or any(person.phones or person.email for person in member.supports))


def _somewhere(address: Address | None) -> bool:
    return address is not None and bool(address.lines or address.city or address.zip)


def _form(referral: Referral, today: date) -> Iterator[Finding]:
    born = referral.member.birth_date
    if born is None or born > today:
        return
    years = age(born, on=referral.authored or today)
    youth = {PopulationOfFocus.CHILD_WELFARE, PopulationOfFocus.INCARCERATION} & set(referral.populations)
    if referral.form is AgeForm.ADULT and years < ADULT_AGE:
        yield Finding("warning", "form", "form-age", "is the adult form for a member under 21")
    if referral.form is AgeForm.CHILD and years >= ADULT_AGE and not (youth and years < FORMER_FOSTER_AGE):
        yield Finding("warning", "form", "form-age", "is the children and youth form for a member of 21 or older")


def of_care_team(team: CareTeam, today: date) -> Iterator[Finding]:
    """Exactly one active Lead Care Manager, never two at a time; each member is one person or organization."""
    yield from _repeats((one.id for one in team.members), "members", "team-member-once")
    for at, one in enumerate(team.members):
        given = [part for part in (one.professional, one.organization, one.support) if part is not None]
        if len(given) != (0 if one.role is TeamRole.MEMBER else 1) and one.role is not None:
            yield Finding(
                "error",
                f"members[{at}]",
                "team-member-one",
                "must name exactly one of professional, organization or support (none for the member)",
            )
        if one.support is not None and one.role is not TeamRole.SUPPORT_PERSON:
            yield Finding(
                "error", f"members[{at}].role", "team-support-role", "must be support-person for a support person"
            )
        if one.support is not None and one.support.authorization is None:
            yield Finding(
                "warning",
                f"members[{at}].support.authorization",
                "team-support-authorization",
                "is missing: without the member's authorization nothing may be shared with a support person",
            )
        yield from _backwards(one, at)
    yield from _leads(team, today)


def _backwards(one: Membership, at: int) -> Iterator[Finding]:
    period = one.period
    if period and period.start and period.end and period.end < period.start:
        yield Finding("error", f"members[{at}].period.end", "period-order", "is before the start")


def _leads(team: CareTeam, today: date) -> Iterator[Finding]:
    now = team.leads(today)
    if team.status is TeamStatus.ACTIVE and len(now) != 1:
        found = "none" if not now else str(len(now))
        yield Finding(
            "error", "members", "team-one-lead", f"must hold exactly one active lead-care-manager; found {found} today"
        )
    leads = [(at, one) for at, one in enumerate(team.members) if one.role is TeamRole.LEAD_CARE_MANAGER]
    for position, (at, one) in enumerate(leads):
        earlier = [other for _, other in leads[:position]]
        if any(_together(one, other) for other in earlier) and len(now) < 2:
            yield Finding(
                "error", f"members[{at}].period", "team-one-lead", "overlaps another lead-care-manager's time"
            )
        if one in now and one.professional and not (one.professional.phones and one.professional.email):
            yield Finding(
                "warning",
                f"members[{at}].professional",
                "team-lead-contact",
                "should give phone and e-mail: the member and discharging facilities need them",
            )


def _together(one: Membership, other: Membership) -> bool:
    return one.period is None or other.period is None or one.period.overlaps(other.period)


def of_care_plan(plan: CarePlan, today: date) -> Iterator[Finding]:
    """Ids are unique, references inside the plan lead somewhere, dates do not run backwards; the rest only warns."""
    needs = [need.id for need in plan.needs]
    goals = [goal.id for goal in plan.goals]
    yield from _repeats(needs, "needs", "need-once")
    yield from _repeats(goals, "goals", "goal-once")
    yield from _repeats((activity.id for activity in plan.activities), "activities", "activity-once")
    yield from _repeats((summary.domain for summary in plan.domains), "domains", "domain-once")
    for at, goal in enumerate(plan.goals):
        yield from _dangling(goal.needs, needs, f"goals[{at}].needs", "goal-need", "need")
    for at, activity in enumerate(plan.activities):
        yield from _dangling(activity.goals, goals, f"activities[{at}].goals", "activity-goal", "goal")
    if plan.period and plan.period.start and plan.period.end and plan.period.end < plan.period.start:
        yield Finding("error", "period.end", "period-order", "is before the start")
    if plan.created and plan.revised and plan.revised < plan.created:
        yield Finding("error", "revised", "plan-revised-order", "is before the plan was created")
    if not plan.agreements:
        yield Finding("warning", "agreements", "plan-agreement", "is empty: nobody is recorded as having agreed")
    if plan.review_due and plan.review_due < today:
        yield Finding("warning", "review_due", "plan-review-due", "has passed")


def _dangling(used: Iterable[str], known: list[str], path: str, rule: str, noun: str) -> Iterator[Finding]:
    for at, one in enumerate(used):
        if one not in known:
            yield Finding("error", f"{path}[{at}]", rule, f"names no {noun} of this plan", "not-found")


def _repeats(ids: Iterable[str | None], path: str, rule: str) -> Iterator[Finding]:
    repeated = sum(1 for one, times in Counter(ids).items() if one is not None and times > 1)
    if repeated:
        yield Finding("error", path, rule, f"names {repeated} of its entries more than once", "duplicate")
