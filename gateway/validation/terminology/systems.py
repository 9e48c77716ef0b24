"""What is known of codes by their system: listed in a package, or told by a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from gateway.validation.terminology.code_systems import CodeSystem, Concept
from gateway.validation.terminology.filters import holds
from gateway.validation.terminology.rules import IGNORE_CASE, RULES, language_filter
from gateway.validation.terminology.truth import Truth

Json = dict[str, Any]
Filter = tuple[str, str, str]
"""Property, operator, value."""

_KEPT = 300
"""Code systems kept ready at a time."""


class Source(Protocol):
    """Where definitions come from (`gateway.packages.Definitions`)."""

    def get(self, type: str, canonical: str, *, scope: str | None = None) -> Json | None: ...

    def scope_of(self, type: str, canonical: str, *, scope: str | None = None) -> str | None: ...

    def supplements(self, system: str) -> list[Json]: ...

    def every(self, type: str, url: str) -> list[Json]: ...


LONGEST = 2_000
"""Characters of a system, version or code up to which answers are kept: longer ones are made up."""


class Systems:
    """Answers about codes of code systems, three-valued: None is what cannot be known here."""

    def __init__(self, definitions: Source) -> None:
        self._definitions = definitions
        self._versions: dict[str, list[CodeSystem]] = {}
        self._ready: dict[tuple[str, str | None, str | None], tuple[CodeSystem | None, bool]] = {}

    def find(self, system: str, *, version: str | None = None, scope: str | None = None) -> CodeSystem | None:
        """The code system at hand, of another version when this one is not."""
        return self._find(system, version, scope)[0]

    def _find(self, system: str, version: str | None, scope: str | None) -> tuple[CodeSystem | None, bool]:
        """The code system and whether it is of the version asked for."""
        key = (system, version, scope)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._prepare(system, version, scope)
            if len(self._ready) >= _KEPT:
                self._ready.clear()
            if len(system) + len(version or "") < LONGEST:
                self._ready[key] = ready
        return ready

    def _prepare(self, system: str, version: str | None, scope: str | None) -> tuple[CodeSystem | None, bool]:
        exact = True
        found = self._definitions.get("CodeSystem", f"{system}|{version}" if version else system, scope=scope)
        if found is None and version:
            found, exact = self._definitions.get("CodeSystem", system, scope=scope), False
        try:
            made = None if found is None else CodeSystem(found, supplements=self._definitions.supplements(system))
            return made, exact
        except (TypeError, AttributeError):
            return None, exact

    def concept(
        self, system: str, code: str, *, version: str | None = None, scope: str | None = None
    ) -> Concept | None:
        found = self.find(system, version=version, scope=scope)
        return None if found is None else found.find(code)

    def has(self, system: str, code: str, *, version: str | None = None, scope: str | None = None) -> Truth:
        """Whether the system has the code."""
        found, exact = self._find(system, version, scope)
        answer = None if found is None else found.has(code)
        if answer is False and not exact:
            return None
        if answer is False and version is None and self.elsewhere(system, code):
            return True
        rule = RULES.get(system)
        return rule(code) if answer is None and rule is not None else answer

    def elsewhere(self, system: str, code: str) -> list[Concept]:
        """The code in every version at hand: R4 core's value sets name codes that HL7 has renamed since."""
        if system not in self._versions:
            if len(self._versions) >= _KEPT:
                self._versions.clear()
            self._versions[system] = self._every(system)
        return [found for one in self._versions[system] if (found := one.find(code)) is not None]

    def everywhere(self, system: str, code: str) -> bool:
        """Whether no version at hand lacks the code, so that it does not matter which one is meant."""
        found = self.elsewhere(system, code)
        return len(found) == len(self._versions.get(system, (None,)))

    def _every(self, system: str) -> list[CodeSystem]:
        found = self._definitions.every("CodeSystem", system)
        try:
            return [CodeSystem(one) for one in found] if len(found) > 1 else []
        except (TypeError, AttributeError):
            return []

    def passes(
        self, system: str, code: str, wanted: Filter, *, version: str | None = None, scope: str | None = None
    ) -> Truth:
        """Whether a code of the system passes a filter."""
        prop, op, value = wanted
        if system == "urn:ietf:bcp:47":
            return language_filter(code, prop, op, value)
        found, exact = self._find(system, version, scope)
        if found is None:
            return None
        concept = found.find(code)
        if concept is None:
            return False if found.complete and exact else None
        return holds(found, concept, prop=prop, op=op, value=value)

    def ignores_case(self, system: str, *, version: str | None = None, scope: str | None = None) -> bool:
        found = self.find(system, version=version, scope=scope)
        return system in IGNORE_CASE if found is None else not found.case_sensitive

    def inactive(self, system: str, code: str, *, scope: str | None = None) -> bool:
        concept = self.concept(system, code, scope=scope)
        return concept is not None and concept.inactive

    def codes(
        self,
        system: str,
        listed: frozenset[str] | None,
        filters: Iterable[Filter],
        *,
        version: str | None = None,
        scope: str | None = None,
    ) -> set[str] | None:
        """The codes that a value set's part chooses, if they can be listed exactly (case matters, content complete)."""
        found, exact = self._find(system, version, scope)
        filters = tuple(filters)
        if listed is None and (found is None or not found.complete or not exact):
            return None
        chosen = listed if listed is not None else {concept.code for concept in found or ()}
        if filters:
            passed = {
                code: [self.passes(system, code, each, version=version, scope=scope) for each in filters]
                for code in chosen
            }
            if any(None in truths for truths in passed.values()):
                return None
            chosen = {code for code, truths in passed.items() if all(truths)}
        cased = any(code.upper() != code.lower() for code in chosen)
        return None if cased and self.ignores_case(system, version=version, scope=scope) else set(chosen)
