"""References: what they point to, whether that may be, and where it is.

https://hl7.org/fhir/R4/references.html, https://hl7.org/fhir/R4/bundle.html#references. A target that is not in the
resource or its Bundle is asked of the caller's resolver; without one, only its type is checked, where the reference
says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.validation.compiled import ANY_RESOURCE, Json, Member, Rules, TypeRule
from gateway.validation.run import Place, Run, root_place
from gateway.validation.shapes import CORE
from gateway.validation.surroundings import REST, Surroundings

if TYPE_CHECKING:
    from gateway.validation.conformance import Item
    from gateway.validation.engine import Engine

_RELATIVE = re.compile(r"[A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64}")
Resolver = Callable[[str], Json | None]
"""Gives the resource that an absolute or relative reference means, or None; what it gives is not changed."""
MAX_RESOLVED = 200
"""References that a resolver is asked for while one resource is checked; beyond, targets are unknown."""


class Target(msgspec.Struct, frozen=True):
    """A resource that a reference leads to. `how` is contained, bundled, root or outside."""

    resource: Json
    type: str
    place: Place
    how: str


class References:
    def __init__(self, engine: Engine, resolver: Resolver | None = None) -> None:
        self._engine = engine
        self._resolver = resolver
        self._fitting: dict[tuple[int, str], list[str]] = {}

    def of(self, member: Member) -> Callable[[Run, Any, Place], None] | None:
        """The check of a Reference member by the types its element allows."""
        if member.type != "Reference":
            return None
        targets = frozenset(member.targets)
        anything = not targets or bool(targets & ANY_RESOURCE)

        def check(run: Run, value: Any, place: Place) -> None:
            self._check(run, value, place, targets, anything=anything, path=member.path)

        return check

    def _check(
        self, run: Run, value: Json, place: Place, targets: frozenset[str], *, anything: bool, path: str
    ) -> None:
        reference, said = value.get("reference"), value.get("type")
        kind = self.named_type(value)
        if type(reference) is str and reference:
            if reference[0] == "#":
                found = self.target(run, value)
                if found is None:
                    if _in_order(run.root):
                        run.error("structure", "ref-1", "The reference points to a contained resource that is not "
                                  "there.", place)  # fmt: skip
                    return
                kind = found.type
                if self._engine.shapes.find(kind) is None:
                    return  # told where it is contained
            elif run.bundles:
                found = self._in_bundle(run, reference, place)
                if found is not None:
                    if kind and kind != found.type:
                        run.error("required", "reference-type", f"The reference says {kind}, but the entry it leads "
                                  f"to is a {found.type}.", place)  # fmt: skip
                        return
                    kind = found.type
        if type(said) is str and kind and said != kind and said.rpartition("/")[2] != kind:
            run.error("structure", "reference-type", "Reference.type does not name the type of the target.", place)
        elif type(said) is str and said.isalnum() and self._engine.shapes.find(said) is None:
            run.error("structure", "reference-type", "Reference.type is no resource type of R4.", place)
        if kind is None and not anything and type(reference) is str and _RELATIVE.fullmatch(reference):
            run.error("structure", "reference-target", f"The reference must point to {_list(targets)}; what it names "
                      "is no resource type of R4.", place)  # fmt: skip
        elif kind and not anything and kind not in targets:
            run.error("structure", "reference-target", f"The reference must point to {_list(targets)}, not to {kind}.",
                      place, profile=f"{CORE}{path.partition('.')[0]}|4.0.1#{path}")  # fmt: skip

    def _in_bundle(self, run: Run, reference: str, place: Place) -> Target | None:
        """The one entry a reference leads to; two of them are an error."""
        for around in reversed(run.bundles):
            found = around.find(reference)
            if len(found) > 1:
                if around.bundle.get("type") != "history":
                    run.error("forbidden", "reference-ambiguous", "Several entries of the Bundle match the reference.",
                              place)  # fmt: skip
                return None
            if found:
                return self._entry(around, found[0])
            match = REST.fullmatch(reference)
            by_uuid = around.find(f"urn:uuid:{match['id']}") if match and not match["base"] else []
            if len(by_uuid) == 1:
                return self._entry(around, by_uuid[0])
            if len(alike := around.alike(reference)) and around.bundle.get("type") in ("document", "message"):
                del alike
                run.warn("required", "reference-unmatched", "An entry has the reference's type and id, but its fullUrl "
                         "does not match by the rules for Bundles.", place)  # fmt: skip
        return None

    def _entry(self, around: Surroundings, number: int) -> Target:
        resource = around.resource(number)
        kind = str(resource.get("resourceType"))
        shape = self._engine.shapes.find(kind)
        bundle = self._engine.shapes["Bundle"]
        entry = bundle.members["entry"]
        inside = entry.shape
        assert inside is not None
        at = (around.place, entry, number, inside)
        return Target(resource, kind, (at, inside.members["resource"], None, shape), "bundled")

    def target(self, run: Run, value: Any) -> Target | None:
        """The resource that a Reference (or a reference string) leads to, if it is in reach."""
        reference = value.get("reference") if type(value) is dict else value
        if type(reference) is not str or not reference:
            return None
        if reference[0] == "#":
            return self._contained(run, reference[1:])
        for around in reversed(run.bundles):
            found = around.find(reference)
            if len(found) == 1:
                return self._entry(around, found[0])
        return self._outside(run, reference) if self._resolver is not None else None

    def of_canonical(self, member: Member) -> Callable[[Run, Any, Place], None]:
        """The check of a canonical by the types its element allows; `#id` means a contained resource."""
        targets = frozenset(member.targets)
        anything = not targets or bool(targets & ANY_RESOURCE)

        def check(run: Run, value: Any, place: Place) -> None:
            if type(value) is not str:
                return
            kinds = self.defined_as(value)
            if value[:1] == "#" and len(value) > 1:
                found = self._contained(run, value[1:])
                if found is None:
                    run.error("structure", "ref-1", "The canonical points to a contained resource that is not there.",
                              place)  # fmt: skip
                    return
                kinds = frozenset((found.type,))
            if kinds and not anything and kinds.isdisjoint(targets):
                run.error("structure", "canonical-target", f"The canonical must be that of {_list(targets)}, not of "
                          f"{_list(kinds)}.", place)  # fmt: skip

        return check

    def defined_as(self, canonical: str) -> frozenset[str]:
        """The types of the definitions at hand with a canonical."""
        return self._engine.definitions.kinds(canonical.partition("#")[0]) if len(canonical) < 2_000 else frozenset()

    def _outside(self, run: Run, reference: str) -> Target | None:
        assert self._resolver is not None
        known = run.memo.setdefault("outside", {})
        if reference not in known:
            if len(known) >= MAX_RESOLVED:
                return None
            resource = self._resolver(reference)
            kind = resource.get("resourceType") if isinstance(resource, dict) else None
            shape = self._engine.shapes.find(kind) if isinstance(kind, str) else None
            known[reference] = None
            if resource is not None and shape is not None and shape.kind == "resource":
                known[reference] = Target(resource, shape.name, root_place(shape), "outside")
        return known[reference]  # type: ignore[no-any-return]

    def _contained(self, run: Run, id_: str) -> Target | None:
        root = run.root
        kind = str(root.get("resourceType"))
        shape = self._engine.shapes.find(kind)
        if shape is None:
            return None
        if not id_:
            return Target(root, kind, run.root_place, "root")
        listed = root.get("contained")
        for index, resource in enumerate(listed if type(listed) is list else ()):
            if type(resource) is dict and resource.get("id") == id_:
                inner = str(resource.get("resourceType"))
                member = shape.members.get("contained")
                if member is None:
                    return None
                return Target(resource, inner, (run.root_place, member, index, self._engine.shapes.find(inner)),
                              "contained")  # fmt: skip
        return None

    def resolve(self, run: Run, reference: str) -> Json | None:
        """FHIRPath `resolve()`."""
        found = self.target(run, reference)
        return found.resource if found is not None else None

    def named_type(self, value: Json) -> str | None:
        """The target's type as the reference itself says it: in its URL, else in `type`."""
        reference, said = value.get("reference"), value.get("type")
        if type(reference) is str:
            match = REST.fullmatch(reference)
            if match and self._engine.shapes.find(match["type"]) is not None:
                return match["type"]
        if type(said) is str and said.isalnum():
            return said if self._engine.shapes.find(said) is not None else None
        return None

    # Profiles' target rules

    def check_profiles(self, run: Run, rules: Rules, types: list[TypeRule], item: Item) -> None:
        """Check a Reference by a profile's target profiles, aggregation and versioning."""
        value = item.value
        if type(value) is not dict:
            return
        said = f"{rules.profile}#{rules.id}"
        found = self.target(run, value)
        self._check_manner(run, types, value, found, item, said)
        canonicals = [t for rule in types for t in rule.targets]
        if not canonicals or not all(rule.targets for rule in types):
            return
        kind = found.type if found is not None else self.named_type(value)
        if kind is None:
            return
        key = (id(rules), kind)
        fitting = self._fitting.get(key)
        if fitting is None:
            fitting = self._of_type(canonicals, kind, rules.profile)
            if self._engine.shapes.find(kind) is not None:
                self._fitting[key] = fitting
        if not fitting:
            asked = {self._engine.type_of(c, asked_in=rules.profile) or "?" for c in canonicals}
            run.error("structure", "reference-target", f"The reference must point to {_list(asked)}, not to {kind}.",
                      item.place, profile=said)  # fmt: skip
        elif found is not None:
            verdicts = [self._engine.conforms_target(run, c, found, asked_in=rules.profile) for c in fitting]
            if True not in verdicts and None not in verdicts:
                run.error("structure", "reference-profile", f"The {kind} that is referred to meets none of the target "
                          "profiles: " + ", ".join(fitting) + ".", item.place, profile=said)  # fmt: skip

    def _of_type(self, canonicals: list[str], kind: str, asked_in: str) -> list[str]:
        """The target profiles that a resource of type `kind` may meet."""
        types = {canonical: self._engine.type_of(canonical, asked_in=asked_in) for canonical in canonicals}
        return [canonical for canonical, of in types.items() if of is None or of == kind or of in ANY_RESOURCE]

    def _check_manner(
        self, run: Run, types: list[TypeRule], value: Json, found: Target | None, item: Item, said: str
    ) -> None:
        reference = value.get("reference")
        if type(reference) is not str:
            return
        manners = {m for rule in types for m in rule.aggregation}
        if manners and all(rule.aggregation for rule in types):
            bundled = found is not None and found.how == "bundled"
            manner = "contained" if reference.startswith("#") else "bundled" if bundled else "referenced"
            if manner not in manners and not (manner == "bundled" and "referenced" in manners):
                run.error("structure", "reference-aggregation", f"The target must be {_list(manners)}, not {manner}.",
                          item.place, profile=said)  # fmt: skip
        versioning = {rule.versioning for rule in types}
        if versioning == {"specific"} and "/_history/" not in reference:
            run.error("structure", "reference-version", "The reference must name a version (/_history/).", item.place,
                      profile=said)  # fmt: skip
        elif versioning == {"independent"} and "/_history/" in reference:
            run.error("structure", "reference-version", "The reference must not name a version.", item.place,
                      profile=said)  # fmt: skip


def _in_order(root: Json) -> bool:
    """Whether the contained resources have ids and contain no others: else that is told, and not what follows."""
    listed = root.get("contained", [])
    return type(listed) is list and all(
        type(one) is dict and type(one.get("id")) is str and "contained" not in one for one in listed
    )


def _list(names: frozenset[str] | set[str]) -> str:
    return " or ".join(sorted(names))
