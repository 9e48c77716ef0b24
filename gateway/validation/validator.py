"""The library's door: load definitions once, check resources many times.

v = Validator.load(["hl7.fhir.us.core#6.1.0"])
issues = v.check(resource, profiles=["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from weakref import finalize

from gateway.errors import BadProfile, Invalid, Issue, Malformed
from gateway.fhir import codec, xml
from gateway.fhir.outcome import outcome
from gateway.fhir.xml_declaration import misdeclared
from gateway.packages.definitions import Definitions
from gateway.validation.accept import Acceptor, key_of
from gateway.validation.bindings import Displays
from gateway.validation.compiled import Json, Profile
from gateway.validation.engine import Engine, unknown_resource
from gateway.validation.extensions import Examples, Unknown
from gateway.validation.hints import Hints
from gateway.validation.loose import looks_like_xml, loose_definitions
from gateway.validation.narrow_nested import Nested
from gateway.validation.narrowing import Narrowing
from gateway.validation.not_json import not_json
from gateway.validation.references import Resolver
from gateway.validation.run import NOWHERE, Enough, Run, root_place
from gateway.validation.show import show
from gateway.validation.telling import Listed, at, listed, nearest, told
from gateway.validation.terminology import TerminologyServer
from gateway.validation.unread import begins, unread


class Validator:
    """Checks FHIR R4 resources. One instance serves all threads at once; build it once per process."""

    def __init__(
        self,
        definitions: Definitions,
        *,
        unknown_extensions: Unknown = "error",
        clock: Callable[[], datetime] | None = None,
        terminology_server: TerminologyServer | None = None,
        cache: Path | None = None,
        resolver: Resolver | None = None,
        example_urls: Examples = "allow",
        displays: Displays = "error",
    ) -> None:
        self.definitions = definitions
        self.engine = Engine(
            definitions,
            now=clock or _now,
            unknown_extensions=unknown_extensions,
            terminology_server=terminology_server,
            resolver=resolver,
            example_urls=example_urls,
            displays=displays,
        )
        self.acceptor = Acceptor(self.engine, cache=cache, engine_only=resolver is not None)
        self._narrowing = Narrowing(self.engine, self.acceptor)
        self._hints = Hints(self.engine)
        self._nested = Nested(self.acceptor, self._narrowing, self._hints)
        finalize(self, self.acceptor.forget).atexit = False

    @classmethod
    def load(
        cls,
        packages: str | Path | Iterable[str | Path] = (),
        *,
        resources: Json | bytes | Iterable[Json | bytes] = (),
        folder: Path | None = None,
        unknown_extensions: Unknown = "error",
        clock: Callable[[], datetime] | None = None,
        terminology_server: TerminologyServer | None = None,
        cache: Path | None = None,
        resolver: Resolver | None = None,
        example_urls: Examples = "allow",
        displays: Displays = "error",
    ) -> Self:
        """Load packages (`name#version` of a condensed one, or the path of a .tgz or folder) and loose definitions
        (dict, or JSON/XML bytes; later ones win). R4 core is always there.

        `unknown_extensions` is how bad an extension is whose definition is not known: "error" as in HL7's validator,
        or "warning" or "information" for a gateway that carries what it does not know. Modifier extensions that are
        not known are always errors. `cache` is a file in which what was compiled for `is_valid` and `require` may be
        kept between starts (see `acceptor.save`). `resolver` gives resources outside the one being checked, so that
        they too are held to target profiles (at most 200 a check, each asked for once; then there is no fast way).
        `displays` is how bad a display is that is none of its code's names ("error" as in HL7's validator, "warning").
        `example_urls="refuse"` makes unknown extensions of example.org and the like errors. `terminology_server` is
        asked for codes that cannot be judged here (put `Guarded` around one that is outside). Raises BadPackage,
        BadProfile.
        """
        loose = loose_definitions(resources, folder=folder)
        definitions = Definitions.load(packages, folder=folder, resources=loose)
        return cls(definitions, unknown_extensions=unknown_extensions, clock=clock, cache=cache, resolver=resolver,
                   terminology_server=terminology_server, example_urls=example_urls, displays=displays)  # fmt: skip

    def check(self, resource: Any, profiles: Sequence[str] = (), *, line: int | None = None) -> list[Issue]:
        """Everything found in a resource: [] when it is valid and all was checked.

        `resource` is a dict, or JSON or XML bytes (then issues have line and column; `line` is the number of the first
        in its file, for a line of NDJSON). It is checked by its type, by the profiles in `meta.profile` and by those
        named here (canonicals, `|version` if one is meant). Never raises for what the resource is, and never changes
        it. Raises BadProfile when a profile named here is not known or cannot be compiled.
        """
        wanted = self._asked(profiles) if profiles else []
        if type(resource) is not dict and isinstance(resource, bytes | bytearray | memoryview):
            return self._check_source(bytes(resource), wanted, line=line)
        return list(self._check(resource, wanted).issues)

    def _check_source(self, data: bytes, wanted: Sequence[Profile], *, line: int | None = None) -> list[Issue]:
        try:
            if looks_like_xml(data):
                read = xml.read(data, self.engine.shapes)
                known = self._check(read.value, wanted)
                found = [at(i, nearest(read.places, w)) for i, w in zip(known.issues, known.ways(), strict=True)]
                said = [*_of_the_xml(data), *read.issues]
                return [*said, *(i for i in found if not told(i, read.issues))]
            value, compactly = codec.read_as_written(data)
            known = self._check(value, wanted)
        except Malformed as error:
            lines = _resources(data) if line is None else None
            if lines is not None:
                return [issue for number, one in lines for issue in self._check_source(one, wanted, line=number)]
            return unread(error.issues, data, shapes=self.engine.shapes, line=line)
        if not known.issues:
            return []
        ways = known.ways()
        start = begins(data, line=line) if None in ways else None
        where = known.sought().find(data, value=value, above=(line or 1) - 1, compactly=compactly)
        return [at(i, where[w] if w is not None else start) for i, w in zip(known.issues, ways, strict=True)]

    def is_valid(self, resource: Any, profiles: Sequence[str] = ()) -> bool:
        """Whether a resource has no error."""
        if profiles or not isinstance(resource, dict):
            wanted = self._asked(profiles)
            if isinstance(resource, bytes | bytearray | memoryview):
                try:
                    resource = codec.read(bytes(resource))
                except Malformed:  # or XML, or NDJSON
                    return not any(issue.is_error for issue in self.check(resource, profiles))
            beyond = self._beyond(resource, wanted)
            return beyond is not None and (
                self.acceptor.accepts(resource, beyond) or not self._faulty(resource, beyond)
            )
        return self.acceptor.accepts(resource) or not self._faulty(resource, ())

    def _faulty(self, resource: Any, wanted: Sequence[Profile]) -> bool:
        """Whether the engine finds an error; it stops at the first one."""
        run = self._narrowing.errors(resource, wanted, first=True) or self._errors(resource, wanted, first=True)
        return run.failed

    def _beyond(self, resource: Any, wanted: Sequence[Profile]) -> Sequence[Profile] | None:
        """The profiles without the types that are named beside them; None where the resource is of none of these."""
        types = [one.type for one in wanted if one.is_type] if wanted else wanted
        if not types:
            return wanted
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        shape = self.engine.shapes.find(kind) if isinstance(kind, str) else None
        if shape is None or any(type not in (shape.name, *shape.ancestors) for type in types):
            return None
        return [one for one in wanted if not one.is_type]

    def require(self, resource: Any, profiles: Sequence[str] = ()) -> Any:
        """The same resource when it has no error; else raise Invalid with every error.

        Warnings are among the issues as far as they were met on the way: `check` tells all of them.
        """
        if isinstance(resource, dict):
            wanted = self._beyond(resource, self._asked(profiles))
            if wanted is not None:
                if self.acceptor.accepts(resource, wanted):
                    return resource
                run = self._narrowing.errors(resource, wanted) or self._errors(resource, wanted)
                if run.failed:
                    raise Invalid(issues=listed(run).issues)
                return resource
        elif self.is_valid(resource, profiles):
            return resource
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

    def show(self, canonical: str) -> str:
        """A compiled profile as text, one rule a line (for golden files); BadProfile as `profile`."""
        return show(self._wanted(canonical))

    def _asked(self, profiles: Sequence[str]) -> list[Profile]:
        return [self._wanted(canonical) for canonical in ([profiles] if isinstance(profiles, str) else profiles)]

    def _wanted(self, canonical: str) -> Profile:
        profile = self.engine.strictly(canonical)
        if profile is None:
            message = f"The profile {canonical} is not known: load the package that defines it."
            raise BadProfile(issues=[Issue("error", "exception", message, rule="profile-unknown")])
        return profile

    def explain(self, resource: Any, profiles: Sequence[str] = ()) -> list[Issue]:
        """What `check` tells of a value, found by the walk over all of it and nothing else: what the fast ways are held
        to."""
        return list(listed(self._walk(Run(self.engine), resource, self._asked(profiles))).issues)

    def _check(self, resource: Any, wanted: Sequence[Profile]) -> Listed:
        quickly = self._quickly(resource, wanted)
        if quickly is not None:
            return quickly
        run = Run(self.engine)
        run.accepting = self._nested.everything
        return listed(self._walk(run, resource, wanted))

    def _quickly(self, resource: Any, wanted: Sequence[Profile]) -> Listed | None:
        """Everything found, by the fast way and what it leaves to tell; None where only the walk over all can tell."""
        beyond = self._beyond(resource, wanted)
        if type(resource) is not dict or beyond is None:
            return None
        wanted = beyond
        if self.acceptor.accepts(resource, wanted, eager=False):
            return self._hints.gather(resource, wanted, key_of(resource, wanted))
        found = self._narrowing.where(resource, wanted)
        if found is None:
            return None
        run, looked = found
        return self._hints.add(
            run, resource, wanted, key_of(resource, wanted), without=looked.names, items=looked.items
        )

    def _errors(self, resource: Any, wanted: Sequence[Profile], *, first: bool = False) -> Run:
        """The engine's run over a resource, but for what the fast way accepts inside it; `first` stops it at the first
        error."""
        run = Run(self.engine, first=first)
        run.accepting = self._nested.errors
        return self._walk(run, resource, wanted)

    def _walk(self, run: Run, resource: Any, wanted: Sequence[Profile]) -> Run:
        """The engine's run over a resource."""
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        shape = self.engine.shapes.find(kind) if isinstance(kind, str) else None
        if shape is None or shape.kind != "resource" or shape.abstract:
            with suppress(Enough):
                unknown_resource(run, resource, NOWHERE)
            run.found[:] = [issue.but(expression=None) for issue in run.found]
            run.places.clear()
            return run
        place = root_place(shape)
        run.resource = run.root = run.top = resource
        run.root_place = place
        try:
            self.engine.resource(run, resource, place, [p for p in wanted if not p.is_type])
            for profile in wanted:
                if profile.is_type and profile.type not in (shape.name, *shape.ancestors):
                    run.error("structure", "profile-type", f"The resource is a {shape.name}, not a {profile.type}.",
                              place, profile=profile.canonical)  # fmt: skip
        except Enough:
            run.found.append(Issue("error", "too-costly", "There are more issues than are listed.", rule="more"))
        except RecursionError:
            run.found.append(Issue("error", "too-costly", "The resource is nested too deeply.", rule="depth"))
        except (TypeError, AttributeError):
            run.found += not_json(resource)
        return run


def _of_the_xml(data: bytes) -> list[Issue]:
    """What is wrong with what the XML says of itself, whatever it holds."""
    wrong = misdeclared(data)
    return [] if wrong is None else [Issue("error", "structure", wrong, rule="xml", line=1, column=1)]


def _resources(data: bytes) -> list[tuple[int, bytes]] | None:
    """The lines of NDJSON with their numbers; None when the bytes are none."""
    lines = [(n, line) for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if len(lines) < 2 or not all(line.strip().startswith(b"{") and line.strip().endswith(b"}") for _, line in lines):
        return None
    return lines


def _now() -> datetime:
    return datetime.now(UTC)
