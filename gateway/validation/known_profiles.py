"""Profiles by canonical: compiled when first asked for, and kept."""

from __future__ import annotations

from threading import RLock

from gateway.errors import BadProfile
from gateway.packages.definitions import Definitions
from gateway.validation.compiled import Profile
from gateway.validation.profiles import compile_profile
from gateway.validation.shapes import CORE, Shapes

MOST_PROFILES = 5_000
"""Canonicals remembered; instances may make up any number of unknown ones."""
MAX_CANONICAL = 2_000
"""Longer ones are nobody's canonicals, and are not remembered."""


class KnownProfiles:
    """Every profile that a set of definitions has."""

    def __init__(self, definitions: Definitions, shapes: Shapes) -> None:
        self.definitions = definitions
        self.shapes = shapes
        self._profiles: dict[tuple[str, str | None], Profile | BadProfile | None] = {}
        self._compiling = RLock()
        """Each profile has one tree of rules, whichever threads ask first: what is planned from it goes by identity."""
        self._scopes: dict[str, str | None] = {}
        self._types: dict[tuple[str, str | None], str | None] = {}

    def scope_of_rule(self, said: str) -> str | None:
        """The package in which the canonicals of a rule (`url|version#element`) are meant."""
        return self._scope(said.partition("#")[0])

    def profile(self, canonical: str, *, asked_in: str | None) -> Profile | None:
        """The compiled profile for a canonical, as seen from the profile that names it; None when it is not known or
        cannot be compiled."""
        try:
            return self.strictly(canonical, asked_in=asked_in)
        except BadProfile:
            return None

    def strictly(self, canonical: str, *, asked_in: str | None = None) -> Profile | None:
        """The same, but BadProfile when it cannot be compiled."""
        scope = self._scope(asked_in) if asked_in else None
        key = (canonical, scope)
        try:
            found = self._profiles[key]
        except KeyError:
            if len(canonical) > MAX_CANONICAL:
                return None
            with self._compiling:
                found = self._profiles[key] if key in self._profiles else self._first(key)
        if isinstance(found, BadProfile):
            raise found
        return found

    def _first(self, key: tuple[str, str | None]) -> Profile | BadProfile | None:
        if len(self._profiles) > MOST_PROFILES:
            self._profiles = {k: found for k, found in self._profiles.items() if found is not None}
        found: Profile | BadProfile | None
        try:
            found = self._compile(*key)
        except BadProfile as error:
            found = error
        self._profiles[key] = found
        return found

    def _scope(self, canonical: str) -> str | None:
        if canonical not in self._scopes:
            self._scopes[canonical] = self.definitions.scope_of("StructureDefinition", canonical)
        return self._scopes[canonical]

    def _compile(self, canonical: str, scope: str | None) -> Profile | None:
        definition = self.definitions.structure(canonical, scope=scope)
        if definition is None:
            return None
        home = self.definitions.scope_of("StructureDefinition", canonical, scope=scope)
        return compile_profile(
            definition,
            shapes=self.shapes,
            structure=lambda other: self.definitions.structure(other, scope=home),
        )

    def type_of(self, canonical: str, *, asked_in: str | None) -> str | None:
        """The FHIR type that a profile constrains; None when it is not known."""
        key = (canonical, asked_in)
        if key not in self._types:
            self._types[key] = self._type_of(canonical, asked_in)
        return self._types[key]

    def _type_of(self, canonical: str, asked_in: str | None) -> str | None:
        if canonical.startswith(CORE) and "/" not in canonical[len(CORE) :]:
            shape = self.shapes.find(canonical[len(CORE) :].partition("|")[0])
            if shape is not None:
                return shape.name
        found = self.definitions.find(
            "StructureDefinition", canonical, scope=self._scope(asked_in) if asked_in else None
        )
        return found.of if found is not None else None
