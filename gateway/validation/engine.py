"""The engine: everything compiled from one set of definitions, and the walk over one resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from gateway import fhirpath
from gateway.errors import BadProfile
from gateway.packages.definitions import Definitions
from gateway.validation.bindings import Bindings, Displays
from gateway.validation.bundle import Bundles
from gateway.validation.canonical import CHECKS
from gateway.validation.compiled import ANY_RESOURCE, Json, Profile
from gateway.validation.conformance import Conformance
from gateway.validation.contained import check_contained, check_referred
from gateway.validation.datatypes import (
    QUANTITIES,
    check_attachment,
    check_coding,
    check_identifier,
    check_meta,
    check_quantity,
    check_reference,
    check_sampled_data,
)
from gateway.validation.elements import Walker
from gateway.validation.extensions import Examples, Extensions, Unknown
from gateway.validation.invariants import Invariants
from gateway.validation.known_profiles import MAX_CANONICAL, KnownProfiles
from gateway.validation.narrative import acceptable, check_div
from gateway.validation.questionnaires import Questionnaires
from gateway.validation.references import References, Resolver, Target
from gateway.validation.run import Place, Run
from gateway.validation.shapes import Shapes
from gateway.validation.surroundings import Surroundings
from gateway.validation.terminology import Terminology, TerminologyServer
from gateway.validation.vital_signs import vital_signs

SNOMED = "http://snomed.info/sct"


class Engine:
    """Compiled definitions, shared by all runs. Profiles are compiled when first asked for and kept."""

    def __init__(
        self,
        definitions: Definitions,
        *,
        now: Callable[[], datetime],
        unknown_extensions: Unknown = "error",
        terminology_server: TerminologyServer | None = None,
        resolver: Resolver | None = None,
        example_urls: Examples = "allow",
        displays: Displays = "error",
    ) -> None:
        self.definitions = definitions
        self.displays: Displays = displays
        self.now = now
        self.shapes = Shapes(definitions)
        known = KnownProfiles(definitions, self.shapes)
        self.profile, self.strictly = known.profile, known.strictly
        self.type_of, self.scope_of_rule = known.type_of, known.scope_of_rule
        self.model = fhirpath.Model(definitions)
        self.invariants = Invariants(self)
        self.terminology = Terminology(definitions, server=terminology_server)
        self.offline = terminology_server is None
        """Answers about codes stay what they are."""
        self.bindings = Bindings(self)
        self.references = References(self, resolver)
        self.extensions = Extensions(self, unknown_extensions, examples=example_urls)
        self.conformance = Conformance(self)
        self.bundles = Bundles(self)
        self.questionnaires = Questionnaires(self)
        self.walker = Walker(
            self,
            {
                "Extension": self.extensions.check,
                "Attachment": check_attachment,
                "Coding": self.coding,
                "Identifier": check_identifier,
                "Meta": check_meta,
                "Reference": check_reference,
                "SampledData": check_sampled_data,
                **dict.fromkeys(QUANTITIES, check_quantity),
                "xhtml": check_div,
            },
        )
        self._other_than_system = lru_cache(maxsize=4096)(self._named_otherwise)

    def no_system(self, url: str) -> str | None:
        """What else a url names that is meant as a code system: a value set, a supplement, an edition; None where it
        may be one."""
        return self._other_than_system(url) if len(url) <= MAX_CANONICAL else None

    def _named_otherwise(self, url: str) -> str | None:
        system = self.definitions.find("CodeSystem", url)
        if system is None:
            if url.startswith(f"{SNOMED}/"):
                return "version of SNOMED CT"
            if url.startswith("https:") and self.definitions.find("CodeSystem", f"http:{url[6:]}") is not None:
                return "place that is reached by https, where the code system's URL begins with http,"
            return "value set" if self.definitions.find("ValueSet", url) is not None else None
        return "supplement" if system.kind == "supplement" else None

    def coding(self, run: Run, value: Any, place: Place) -> None:
        """What holds for every Coding, bound or not."""
        check_coding(run, value, place)
        self.bindings.check_coding(run, value, place)

    # Resources

    def resource(self, run: Run, value: Json, place: Place, profiles: Iterable[Profile] = ()) -> None:
        """Check a resource whose place names its shape: type, Bundle, contained resources, profiles."""
        shape = place[3]
        assert shape is not None
        wanted = list(profiles)
        outer_scope = run.scope
        run.scope = self.scope_of(value, wanted)
        bundle = shape.name == "Bundle"
        around = Surroundings(value, place) if bundle else None
        if around is not None:
            run.bundles.append(around)
        try:
            self.walker.walk(run, value, place)
            if around is not None:
                self.bundles.check(run, value, place, around)
            if run.root is value:
                check_referred(run, value, place)
            for profile in self.claims(run, value, place):
                self.conformance.apply(run, profile, value, place)
            if shape.name in CHECKS:
                CHECKS[shape.name](self, run, value, place)
            elif shape.name == "Questionnaire":
                self.questionnaires.check(run, value, place)
            elif shape.name == "QuestionnaireResponse":
                self.questionnaires.check_response(run, value, place)
            elif shape.name == "Observation":
                for canonical in vital_signs(value):
                    self.conformance.apply_named(run, canonical, value, place)
            for profile in wanted:
                self.conformance.apply(run, profile, value, place)
        finally:
            run.scope = outer_scope
            if around is not None:
                run.bundles.pop()

    def scope_of(self, value: Json, wanted: Sequence[Profile]) -> str | None:
        """The profile in whose package a resource's extensions are meant."""
        return self._claimed(value) or (wanted[0].canonical if wanted else None)

    def _claimed(self, value: Json) -> str | None:
        """The first profile that the resource claims and that is known."""
        meta = value.get("meta")
        declared = meta.get("profile") if type(meta) is dict else None
        for canonical in declared if type(declared) is list else ():
            if type(canonical) is str:
                profile = self.profile(canonical, asked_in=None)
                if profile is not None:
                    return profile.canonical
        return None

    def claims(self, run: Run, value: Json, place: Place) -> Iterator[Profile]:
        """The profiles that a resource claims, each in its turn; says of those that are none for it."""
        meta = value.get("meta")
        declared = meta.get("profile") if type(meta) is dict else None
        if type(declared) is not list:
            return
        for number, canonical in enumerate(declared):
            if type(canonical) is not str:
                continue
            try:
                profile = self.strictly(canonical)
            except BadProfile:
                run.warn("not-supported", "profile-broken", "A profile that the resource claims cannot be compiled, so "
                         "it was not checked.", place, profile=canonical)  # fmt: skip
                continue
            if profile is None:
                message = f"The profile that meta.profile[{number}] claims is not known here, so it was not checked."
                run.warn("not-found", "profile-unknown", message, place)
            elif not profile.is_type:
                yield profile
            elif profile.type != value.get("resourceType"):
                run.error("structure", "profile-type", "The resource claims the profile of another type.", place,
                          profile=canonical)  # fmt: skip

    def nested(self, run: Run, value: Any, parent: Json, place: Place, *, contained: bool) -> None:
        """Check a resource inside another: contained, in a Bundle's entry, or in Parameters."""
        kind = value.get("resourceType") if type(value) is dict else None
        shape = self.shapes.find(kind) if type(kind) is str else None
        if shape is None or shape.kind != "resource" or shape.abstract:
            unknown_resource(run, value, place)
            return
        here: Place = (place[0], place[1], place[2], shape)
        before = (run.resource, run.root, run.root_place, run.env)
        was_contained = run.root is not run.resource
        around = run.bundles[-1] if run.bundles else None
        entry_url = around.entry_url if around is not None else None
        run.resource, run.env = value, None
        if not contained:
            run.root, run.root_place = value, here
            if around is not None and around.bundle is before[0]:
                url = parent.get("fullUrl")
                around.entry_url = url if type(url) is str else None
        try:
            if contained:
                check_contained(run, value, here, nested=was_contained)
            elif run.accepting is not None and run.accepting(run, value, here):
                return
            self.resource(run, value, here)
        finally:
            run.resource, run.root, run.root_place, run.env = before
            if around is not None:
                around.entry_url = entry_url

    # Conformance of a part, where it stands

    def apply_at(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None) -> None:
        """Check a value by a profile, in its own resource if it is one."""
        before = (run.resource, run.root, run.root_place, run.env)
        if place[1].type in ANY_RESOURCE:
            run.resource, run.env = value, None
            if not place[1].path.endswith(".contained"):
                run.root, run.root_place = value, place
        try:
            self.conformance.apply_named(run, canonical, value, place, asked_in=asked_in)
        finally:
            run.resource, run.root, run.root_place, run.env = before

    def conforms_at(self, run: Run, canonical: str, value: Json, place: Place, *, asked_in: str | None) -> bool | None:
        """Whether a value meets a profile, in its own resource if it is one."""
        before = (run.resource, run.root, run.root_place, run.env)
        if place[1].type in ANY_RESOURCE:
            run.resource, run.env = value, None
            if not place[1].path.endswith(".contained"):
                run.root, run.root_place = value, place
        try:
            return self.conformance.conforms(run, canonical, value, place, asked_in=asked_in)
        finally:
            run.resource, run.root, run.root_place, run.env = before

    def conforms_target(self, run: Run, canonical: str, target: Target, *, asked_in: str | None) -> bool | None:
        """Whether the target of a reference meets a profile."""
        if target.how == "outside":
            return self._conforms_outside(run, canonical, target, asked_in=asked_in)
        return self.conforms_at(run, canonical, target.resource, target.place, asked_in=asked_in)

    def _conforms_outside(self, run: Run, canonical: str, target: Target, *, asked_in: str | None) -> bool | None:
        """A resource of its own: nothing of the one being checked surrounds it."""
        before = (run.resource, run.root, run.root_place, run.env, run.bundles)
        run.resource = run.root = target.resource
        run.root_place, run.env, run.bundles = target.place, None, []
        try:
            return self.conformance.conforms(run, canonical, target.resource, target.place, asked_in=asked_in)
        finally:
            run.resource, run.root, run.root_place, run.env, run.bundles = before

    def env(self, run: Run) -> fhirpath.Env:
        """What FHIRPath may ask of the resource being checked."""
        if run.env is None:
            run.env = fhirpath.Env(
                run.resource,
                run.root,
                resolver=lambda reference: self.references.resolve(run, reference),
                terminology=self.terminology,
                conforms=lambda value, url: self._conforms(run, value, url),
                html=acceptable,
                now=self.now(),
            )
        return run.env  # type: ignore[no-any-return]

    def _conforms(self, run: Run, value: Any, canonical: str) -> bool | None:
        kind = value.get("resourceType") if type(value) is dict else None
        shape = self.shapes.find(kind) if type(kind) is str else None
        if shape is None:
            return None
        place: Place = (run.root_place[0], run.root_place[1], run.root_place[2], shape)
        return self.conforms_at(run, canonical, value, place, asked_in=None)


def unknown_resource(run: Run, value: Any, place: Place) -> None:
    """Report a value that is no resource."""
    if type(value) is not dict:
        run.error("structure", "json-object", "A resource must be a JSON object.", place)
    elif type(value.get("resourceType")) is not str:
        run.error("structure", "resource-type", "A resource must name its type in resourceType.", place)
    else:
        run.error("structure", "resource-type", "resourceType does not name a resource type of FHIR R4.", place)
