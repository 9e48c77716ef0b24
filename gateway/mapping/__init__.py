"""Partner record <-> domain <-> FHIR; pure.

Domain -> FHIR and back, one module for each resource; whole documents by these:

    referral.to_fhir(referral, *, context) -> Bundle       referral.from_fhir(bundle) -> Referral
    care_plan.to_fhir(plan, *, context) -> Bundle          care_plan.from_fhir(bundle) -> CarePlan
    care_team.to_fhir(team, *, context) -> Bundle          care_team.from_fhir(bundle) -> CareTeam

`context` is a `context.Context`: ids (tenant and salt), now, source document, operator, names of plans.
Each Bundle is a transaction of `PUT Type/id` with ids from the sources' own keys, so sending it again changes nothing
that the record does not change. Entries with `request.ifNoneMatch == "*"` (Task, Provenance) are for writing once:
where the id is kept already, what is kept stays. `from_fhir` raises Unmappable; `to_fhir` cannot fail.
"""
