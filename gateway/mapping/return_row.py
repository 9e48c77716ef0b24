"""What a return file can say of one referral: fields by name, read from its resources as they were disclosed.

The names are those that mappings/partners/<partner>/return.csv uses in `from`. What is not known is None: nothing is
made up, and a plan's own default may stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.domain.codes import TeamRole
from gateway.domain.dates import PACIFIC
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, extension_value
from gateway.mapping import loop, organization, patient, systems, team_membership
from gateway.mapping.return_layout import Value


@dataclass(frozen=True, slots=True)
class Facts:
    """One referral as it may leave: its Task, and the other resources by reference."""

    task: Json
    others: Mapping[str, Json]
    today: date
    month: str

    def at(self, reference: Json | None) -> Json:
        """The resource that a reference leads to; {} where it did not come along."""
        return self.others.get((reference or {}).get("reference", ""), {})

    def first(self, type: str) -> Json:
        found = (one for one in self.others.values() if one["resourceType"] == type)
        return next(found, {})

    @property
    def member(self) -> Json:
        return self.at(self.task.get("for"))

    @property
    def request(self) -> Json:
        return self.at(self.task.get("focus"))

    @property
    def team(self) -> Json:
        return self.first("CareTeam")

    @property
    def plan(self) -> Json:
        """The plan: who owns the Task or pays, as our code of it says."""
        named = (one for one in self.others.values() if one["resourceType"] == "Organization")
        return next((one for one in named if organization.identifier_from(one, systems.PLAN)), {})

    @property
    def provider(self) -> Json:
        """The ECM provider on the team today, else who owns the Task and is not the plan."""
        managing = next(iter(self.team.get("managingOrganization", ())), None)
        holder = self._holder(TeamRole.ECM_PROVIDER) or self.at(managing)
        owner = self.at(self.task.get("owner"))
        return holder or (owner if owner and owner != self.plan else {})

    @property
    def lead(self) -> Json:
        """Today's Lead Care Manager as a Practitioner."""
        return self._holder(TeamRole.LEAD_CARE_MANAGER)

    def _holder(self, role: TeamRole) -> Json:
        found = self.at(team_membership.who(self.team, role, on=self.today))
        named = "practitioner" if found.get("practitioner") else "organization"
        return self.at(found.get(named)) if found.get("resourceType") == "PractitionerRole" else found


def _day(text: object) -> date | None:
    return loop.instant(text).astimezone(PACIFIC).date() if isinstance(text, str) else None


def _name(resource: Json, part: str) -> str | None:
    names = resource.get("name") or [{}]
    official = next((one for one in names if one.get("use") == "official"), names[0])
    value = official.get(part)
    return " ".join(value) if isinstance(value, list) else value


def _whole_name(resource: Json) -> str | None:
    said = " ".join(filter(None, (_name(resource, "given"), _name(resource, "family"))))
    return said or _name(resource, "text")


def _telecom(resource: Json, system: str) -> str | None:
    return next((one.get("value") for one in resource.get("telecom", ()) if one.get("system") == system), None)


def _phone(resource: Json) -> str | None:
    """Ten digits where the number is one of the United States, else as it is."""
    said = _telecom(resource, "phone")
    return said[2:] if said and said.startswith("+1") and len(said) == 12 else said


def _home(resource: Json, part: str) -> str | None:
    listed = [one for one in resource.get("address", ()) if one.get("use") in ("home", None)]
    value = next((one.get(part) for one in listed if one.get("type") != "postal"), None)
    return ", ".join(value) if isinstance(value, list) else value


def _populations(facts: Facts) -> str | None:
    codes = (code_of(one, systems.POPULATION) for one in facts.request.get("reasonCode", ()))
    return "; ".join(code for code in codes if code) or None


def _homeless(facts: Facts) -> str | None:
    said = extension_value(facts.member, patient.NO_FIXED_ADDRESS)
    return None if said is None else "yes" if said else "no"


def _closed_on(facts: Facts) -> date | None:
    reason = code_of(facts.task.get("statusReason"), loop.DISCONTINUATION)
    return _day(facts.task.get("lastModified")) if reason else None


FIELDS: Mapping[str, tuple[type, Callable[[Facts], Value]]] = {
    "plan.code": (str, lambda f: organization.identifier_from(f.plan, systems.PLAN) if f.plan else None),
    "plan.name": (str, lambda f: f.plan.get("name")),
    "cin": (str, lambda f: organization.identifier_from(f.member, systems.CIN) if f.member else None),
    "last_name": (str, lambda f: _name(f.member, "family")),
    "first_name": (str, lambda f: _name(f.member, "given")),
    "birth_date": (date, lambda f: _day(f.member.get("birthDate"))),
    "homeless": (str, _homeless),
    "address": (str, lambda f: _home(f.member, "line")),
    "city": (str, lambda f: _home(f.member, "city")),
    "state": (str, lambda f: _home(f.member, "state")),
    "zip": (str, lambda f: _home(f.member, "postalCode")),
    "phone": (str, lambda f: _phone(f.member)),
    "email": (str, lambda f: _telecom(f.member, "email")),
    "populations": (str, _populations),
    "life_cycle": (str, lambda f: loop.state_of(f.task)),
    "task_status": (str, lambda f: f.task.get("status")),
    "referral_status": (str, lambda f: code_of(f.task.get("businessStatus"), systems.REFERRAL_STATUS)),
    "status_date": (date, lambda f: _day(f.task.get("lastModified") or f.task.get("authoredOn"))),
    "closure_reason": (str, lambda f: code_of(f.task.get("statusReason"), loop.CLOSURE)),
    "discontinuation_reason": (str, lambda f: code_of(f.task.get("statusReason"), loop.DISCONTINUATION)),
    "discontinuation_date": (date, _closed_on),
    "start_date": (date, lambda f: _day(f.team.get("period", {}).get("start"))),
    "end_date": (date, lambda f: _day(f.team.get("period", {}).get("end"))),
    "lead.name": (str, lambda f: _whole_name(f.lead)),
    "lead.phone": (str, lambda f: _phone(f.lead)),
    "lead.email": (str, lambda f: _telecom(f.lead, "email")),
    "provider.name": (str, lambda f: f.provider.get("name")),
    "provider.npi": (str, lambda f: organization.identifier_from(f.provider, systems.NPI) if f.provider else None),
    "provider.tin": (str, lambda f: organization.identifier_from(f.provider, systems.TIN) if f.provider else None),
    "provider.phone": (str, lambda f: _phone(f.provider)),
    "produced": (date, lambda f: f.today),
    "reporting_period": (str, lambda f: f.month),
}
"""Name -> its type, and how it is read."""
