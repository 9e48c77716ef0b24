"""Keep a resource: refused when a reference leads nowhere, a new version only when something changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.errors import BadRequest, IllegalMove, Invalid, Issue, NotFound, NotOffered, StaleVersion
from gateway.fhir import ids
from gateway.fhir.part import is_part
from gateway.mapping import loop
from gateway.ports import Json, Kept, Owed, Transaction
from gateway.trust.disclosure import Disclosed, content
from gateway.usecases.references import missing, relative, texts
from gateway.usecases.services import Services, Subscriber

Done = TypeVar("Done")
Stands = Callable[[Subscriber, Kept], bool]
"""Whether a partner has standing on the record that a version belongs to."""
Guard = Callable[[Json | None, Json], list[Issue]]
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: the version now current, whether it is a new resource, whether anything changed."""

    kept: Kept
    created: bool
    changed: bool
    disclosed: Disclosed | None = None


def offered(type: str, services: Services) -> None:
    """Raise NotFound unless resources of `type` are served."""
    if type not in services.types:
        raise NotFound(issues=[Issue("error", "not-supported", "This resource type is not served here.")])


def resource_of(value: object, *, type: str) -> Json:
    """`value` if it is a resource of `type`, else BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest(issues=[Issue("error", "structure", "A resource is a JSON object.", rule="resource")])
    if value.get("resourceType") != type:
        raise BadRequest(
            issues=[Issue("error", "invalid", f"resourceType is not {type}, as the address says.", "resourceType")]
        )
    return value


def identity(id: str) -> str:
    """`id` if it can be a FHIR id, else BadRequest. https://hl7.org/fhir/R4/datatypes.html#id"""
    if not ids.is_id(id):
        raise BadRequest(issues=[Issue("error", "value", "An id has 1 to 64 letters, digits, hyphens and full stops.")])
    return id


def writable(resource: Json, services: Services) -> None:
    """Raise NotOffered for a definition of the gateway's own, and Invalid for a part of a resource."""
    require_whole(resource)
    if f"{resource['resourceType']}/{resource['id']}" in services.reserved:
        raise NotOffered(
            issues=[Issue("error", "not-supported", "This is the gateway's own definition: it is read only.")]
        )


def require_whole(resource: Json) -> None:
    """Raise Invalid for what says of itself that it is a part (SUBSETTED): kept, it would lose all the rest."""
    if is_part(resource):
        message = "This is a part of a resource (SUBSETTED): read it whole, change it, and send it whole."
        raise Invalid(issues=[Issue("error", "incomplete", message, "meta.tag", "subsetted")])


def check(resource: Json, services: Services) -> None:
    """Raise Invalid, with every issue, if the resource breaks a rule."""
    if issues := services.validator.faults(resource):
        raise Invalid(issues=issues)


def within(issue: Issue, *, at: str, type: str) -> Issue:
    """The issue of a resource of `type`, with its place seen from the Bundle that has it in the entry `at`."""
    place = issue.expression or type
    inner = place[len(type) :] if place.startswith(type) else f": {place}"
    return issue.but(expression=f"{at}.resource{inner}")


def check_references(resource: Json, tx: Transaction, services: Services) -> None:
    """Raise Invalid if a reference leads nowhere."""
    if services.check_references:
        own = f"{resource['resourceType']}/{resource.get('id')}"
        if lost := list(missing(resource, tx, known=(own,), types=services.types)):
            raise Invalid(issues=lost)


class Overtaken(StaleVersion):
    """Another request has just changed the same resource: repeat this one."""


def unless_overtaken(do: Callable[[], Done]) -> Done:
    """What a whole unit of work gives, begun anew when another that wrote the same was faster.

    What was decided on a version that is no longer current (is this move allowed, what else is known of the member) has
    to be decided again; SQLite has one writer at a time, so there it never happens.
    """
    for _ in range(_TRIES - 1):
        try:
            return do()
        except Overtaken:
            continue
    return do()


def put(tx: Transaction, resource: Json, *, expected: int | None = None, posted: bool = False) -> Written:
    """Keep `resource` unless the current version says the same; IllegalMove if a referral's Task may not move so."""
    return put_over(tx.read(resource["resourceType"], resource["id"]), resource, tx, expected=expected, posted=posted)


def put_over(
    current: Kept | None,
    resource: Json,
    tx: Transaction,
    *,
    expected: int | None = None,
    guard: Guard = loop.guard,
    posted: bool = False,
) -> Written:
    """The same, where the current version was read already. Overtaken if another transaction was faster since.

    `guard` says what forbids a referral's Task to move so, `posted` that it was created by POST.
    """
    before = None
    if current is not None and not current.deleted and expected in (None, current.version):
        before = content(current)
        if _says(before) == _says(resource):
            return Written(current, created=False, changed=False)
    if wrong := guard(before, resource):
        raise IllegalMove(issues=wrong)
    seen = current.version if current is not None else 0
    try:
        kept = tx.put(resource, expected=seen if expected is None else expected, posted=posted)
    except StaleVersion:
        if expected is None:
            raise Overtaken from None
        raise
    return Written(kept, created=current is None or current.deleted, changed=True)


def _says(resource: Json) -> Json:
    """The resource without what the server stamps."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return {**{k: v for k, v in resource.items() if k != "meta"}, "meta": meta}


def messages_for(
    written: Iterable[tuple[Written, Json]], *, subscribers: Sequence[Subscriber], kind: str, stands: Stands
) -> list[Owed]:
    """What each subscriber that has standing is owed for these changes, what is referred to first."""
    changed = [(w.kept, resource) for w, resource in written if w.changed]
    if not changed or not subscribers:
        return []
    ordered = _targets_first(changed)
    lanes = _lanes(ordered)
    urgent = any(resource.get("priority") in ("urgent", "asap", "stat") for _, resource in changed)
    return [
        Owed(
            partner.name,
            lanes[kept.reference],
            kind,
            kept.type,
            kept.id,
            kept.version,
            urgent,
        )
        for partner in subscribers
        for kept, resource in ordered
        if partner.wants(kept.type) and stands(partner, kept)
    ]


def _lanes(ordered: Sequence[tuple[Kept, Json]]) -> dict[str, str]:
    """Whose lane each is delivered in, the same for every version of it however many members one change is about.

    What belongs to no member (an organization) has its own; what is said of a member's record (its Provenance) goes
    with the member.
    """
    lanes: dict[str, str] = {}
    for kept, resource in ordered:
        lane = kept.reference if kept.type == "Patient" else _member(resource)
        if lane is None:
            named = {f"{target[0]}/{target[1]}" for text in texts(resource) if (target := relative(text))}
            lane = min((lanes[one] for one in named if lanes.get(one, "").startswith("Patient/")), default=None)
        lanes[kept.reference] = lane or kept.reference
    return lanes


def _member(resource: Json) -> str | None:
    """The Patient that a resource is about: its subject, patient, for or beneficiary."""
    for name in ("subject", "patient", "for", "beneficiary"):
        reference = resource.get(name)
        if isinstance(reference, dict) and str(reference.get("reference", "")).startswith("Patient/"):
            return str(reference["reference"])
    return None


def _targets_first(changed: Sequence[tuple[Kept, Json]]) -> list[tuple[Kept, Json]]:
    """The same, each after those it refers to (cycles in the order given)."""
    if len(changed) == 1:
        return list(changed)
    by_reference = {kept.reference: (kept, resource) for kept, resource in changed}
    ordered: dict[str, tuple[Kept, Json]] = {}
    open_: set[str] = set()

    def place(reference: str) -> None:
        if reference in ordered or reference in open_:
            return
        open_.add(reference)
        for text in texts(by_reference[reference][1]):
            target = relative(text)
            if target and (name := f"{target[0]}/{target[1]}") in by_reference:
                place(name)
        ordered[reference] = by_reference[reference]

    for reference in by_reference:
        place(reference)
    return list(ordered.values())
