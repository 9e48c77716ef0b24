"""The library's door: load definitions once, check resources many times.

    v = Validator.load(["hl7.fhir.us.core#6.1.0"])
    issues = v.check(resource, profiles=["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gateway.errors import BadProfile, Invalid, Issue, Malformed
from gateway.fhir import codec
from gateway.fhir.outcome import outcome
from gateway.packages.definitions import Definitions
from gateway.validation.compiled import Json, Profile
from gateway.validation.engine import Engine, unknown_resource
from gateway.validation.extensions import Unknown
from gateway.validation.run import NOWHERE, Enough, Run, root_place

_NUMBERS = re.compile(r"(\d+)")


class Validator:
    """Checks FHIR R4 resources. One instance serves all threads that take turns; build it once per process."""

    def __init__(
        self,
        definitions: Definitions,
        *,
        unknown_extensions: Unknown = "error",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.definitions = definitions
        self.engine = Engine(definitions, now=clock or _now, unknown_extensions=unknown_extensions)

    @classmethod
    def load(
        cls,
        packages: Iterable[str | Path] = (),
        *,
        resources: Iterable[Json | bytes] = (),
        folder: Path | None = None,
        unknown_extensions: Unknown = "error",
        clock: Callable[[], datetime] | None = None,
    ) -> Self:
        """Load packages (`name#version` of a condensed one, or the path of a .tgz or folder) and loose definitions
        (dict, or JSON/XML bytes; later ones win). R4 core is always there.

        `unknown_extensions` is how bad an extension is whose definition is not known: "error" as in HL7's validator,
        or "warning" or "information" for a gateway that carries what it does not know. Modifier extensions that are
        not known are always errors. Raises BadPackage, BadProfile.
        """
        loose = [_definition(one) for one in resources]
        definitions = Definitions.load(packages, folder=folder, resources=loose)
        return cls(definitions, unknown_extensions=unknown_extensions, clock=clock)

    def check(self, resource: Any, profiles: Sequence[str] = ()) -> list[Issue]:
        """Everything found in a resource: [] when it is valid and all was checked.

        `resource` is a dict, or JSON or XML bytes (then issues have line and column). It is checked by its type, by
        the profiles in `meta.profile` and by those named here (canonicals, `|version` if one is meant). Never raises
        for what the resource is, and never changes it. Raises BadProfile when a profile named here is not known or
        cannot be compiled.
        """
        wanted = [self._wanted(canonical) for canonical in profiles]
        source: bytes | None = None
        if isinstance(resource, bytes | bytearray | memoryview):
            source = bytes(resource)
            try:
                resource = codec.read(source)
            except Malformed as error:
                return list(error.issues)
        return self._check(resource, wanted, source)

    def is_valid(self, resource: Any, profiles: Sequence[str] = ()) -> bool:
        """Whether a resource has no error."""
        return not any(issue.is_error for issue in self.check(resource, profiles))

    def require(self, resource: Any, profiles: Sequence[str] = ()) -> Any:
        """The same resource when it has no error; else raise Invalid with every issue."""
        issues = self.check(resource, profiles)
        if any(issue.is_error for issue in issues):
            raise Invalid(issues=issues)
        return resource

    def outcome(self, issues: Iterable[Issue]) -> Json:
        """The issues as an OperationOutcome."""
        return outcome(issues)

    def profile(self, canonical: str) -> Profile:
        """A compiled profile; BadProfile when it is not known or cannot be compiled."""
        return self._wanted(canonical)

    def _wanted(self, canonical: str) -> Profile:
        profile = self.engine.profile(canonical, asked_in=None)
        if profile is None:
            raise BadProfile(f"The profile {canonical} is not known: load the package that defines it.")
        return profile

    def _check(self, resource: Any, wanted: Sequence[Profile], source: bytes | None) -> list[Issue]:
        run = Run(self.engine)
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        shape = self.engine.shapes.find(kind) if isinstance(kind, str) else None
        if shape is None or shape.kind != "resource" or shape.abstract:
            unknown_resource(run, resource, NOWHERE)
            return [replace(issue, expression=None) for issue in run.found]
        place = root_place(shape)
        run.resource = run.root = run.top = resource
        run.root_place = place
        try:
            self.engine.resource(run, resource, place, [p for p in wanted if p.derivation == "constraint"])
            for profile in wanted:
                if profile.derivation != "constraint" and profile.type not in (shape.name, *shape.ancestors):
                    run.error("structure", "profile-type", f"The resource is a {shape.name}, not a {profile.type}.",
                              place, profile=profile.canonical)  # fmt: skip
        except Enough:
            run.found.append(Issue("error", "too-costly", "There are more issues than are listed.", rule="more"))
        except RecursionError:
            run.found.append(Issue("error", "too-costly", "The resource is nested too deeply.", rule="depth"))
        return sorted(run.found, key=_order)


def _order(issue: Issue) -> tuple[Any, ...]:
    parts = _NUMBERS.split(issue.expression or "")
    place = tuple((int(p), "") if i % 2 else (-1, p) for i, p in enumerate(parts))
    return (place, issue.rule or "", issue.message)


def _definition(one: Json | bytes) -> Json:
    if isinstance(one, dict):
        return one
    found = codec.read(one)
    return found if isinstance(found, dict) else {}


def _now() -> datetime:
    return datetime.now(UTC)
