"""Terminology offline: which codes a value set has, which a code system has, what they are called.

    terminology = Terminology(definitions)
    terminology.membership("http://hl7.org/fhir/ValueSet/request-status", None, "active").verdict  # member

What cannot be known here (SNOMED CT, LOINC, RxNorm, VSAC's value sets) is `unknown` with a reason, never wrong. A set
that is known in part decides what it can: its listed codes are members, a code of a system it does not name is not.
A TerminologyServer, if there is one, is asked only what is unknown here.
"""

from __future__ import annotations

from typing import Any, Protocol

from gateway.validation.terminology.code_systems import Concept
from gateway.validation.terminology.membership import Membership
from gateway.validation.terminology.names import SetNames, Sets
from gateway.validation.terminology.outer_bounds import surely_has
from gateway.validation.terminology.server import TerminologyServer, checked
from gateway.validation.terminology.systems import LONGEST, Source, Systems
from gateway.validation.terminology.value_sets import Question, ValueSet, compile_value_set
from gateway.validation.terminology.value_sets import Sets as Expansions

__all__ = ["Membership", "Terminology", "TerminologyServer"]

Json = dict[str, Any]

MAX_LISTED = 5_000
"""Codes that `codes` lists at most."""
_LISTS = 1_000
_KEPT = 2_000
_ANSWERS = 20_000


_MEMBER, _NOT_MEMBER = Membership("member"), Membership("not-member")


class Definitions(Source, Sets, Protocol):
    """What is needed of `gateway.packages.Definitions`."""

    def code_system_of(self, value_set: str) -> str | None: ...


class Terminology:
    """Questions about codes. Every answer is kept, within bounds; make one per set of definitions."""

    def __init__(self, definitions: Definitions, *, server: TerminologyServer | None = None) -> None:
        self._definitions = definitions
        self._server = server
        self._systems = Systems(definitions)
        self._sets = Expansions(self._systems, self._value_set)
        self._set_names = SetNames(definitions)
        self._compiled: dict[tuple[str, str | None], ValueSet | None] = {}
        self._lists: dict[tuple[str, str | None], frozenset[tuple[str, str]] | None] = {}
        self._answers: dict[tuple[str, str | None, str, str | None], Membership] = {}

    def membership(self, value_set: str, system: str | None, code: str, *, scope: str | None = None) -> Membership:
        """Whether (system, code) is in the value set. `system` None: a bare `code`, in if any system there has it.

        `scope` is the package (`name#version`) where the binding stands, for canonicals without a version.
        """
        key = (value_set, system, code, scope)
        found = self._answers.get(key)
        if found is None:
            found = self._decide(value_set, system, code, scope)
            if self._server is not None and found.truth is None and system is not None:
                return self._asked(self._server, value_set, system, code)
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            if len(code) + len(system or "") < LONGEST:
                self._answers[key] = found
        return found

    def _asked(self, server: TerminologyServer, value_set: str, system: str, code: str) -> Membership:
        """What an outside server says; kept by nobody here, as it may say something else the next time."""
        try:
            found = checked(server.membership(value_set, system, code))
        except Exception:  # whatever it is, no resource is to blame
            found = None
        return found or Membership("unknown", "the terminology server did not answer")

    def codes(self, value_set: str, *, scope: str | None = None) -> frozenset[tuple[str, str]] | None:
        """All (system, code) of the set, exactly: another code, or another spelling, is not in it.

        None when the set cannot be listed: unknown in part, more than MAX_LISTED codes, or case does not matter.
        """
        key = (value_set, scope)
        if key not in self._lists:
            if len(self._lists) >= _LISTS:
                return self._list(value_set, scope)
            self._lists[key] = self._list(value_set, scope)
        return self._lists[key]

    def _list(self, value_set: str, scope: str | None) -> frozenset[tuple[str, str]] | None:
        compiled = self._value_set(value_set, scope)
        try:
            found = None if compiled is None else self._sets.codes(compiled, most=MAX_LISTED)
        except RecursionError:
            return None
        return None if found is None or len(found) > MAX_LISTED else frozenset(found)

    def code_known(
        self, system: str, code: str, *, version: str | None = None, scope: str | None = None
    ) -> bool | None:
        """Whether the code system has the code; None when the system is not wholly at hand."""
        return self._systems.has(system, code, version=version, scope=scope)

    def everywhere(self, system: str, code: str) -> bool:
        """Whether no version of the code system that is at hand lacks the code."""
        return self._systems.everywhere(system, code)

    def complete(self, system: str) -> bool:
        """Whether all codes of the code system are at hand."""
        found = self._systems.find(system)
        return found is not None and found.complete

    def concept(self, system: str, code: str, *, scope: str | None = None) -> Concept | None:
        """The concept, with displays, properties, `inactive` and `abstract`; None when it is not listed here."""
        return self._systems.concept(system, code, scope=scope)

    def display_fits(self, system: str, code: str, display: str, *, scope: str | None = None) -> bool | None:
        """Whether `display` is one of the code's names (case and spacing aside); None when none is known."""
        concepts = [self.concept(system, code, scope=scope), *self._systems.elsewhere(system, code)]
        known = {_plain(text) for concept in concepts if concept is not None for text in concept.displays}
        return _plain(display) in known if known else None

    def named_so(self, system: str, code: str, display: str) -> bool:
        """Whether some value set at hand calls the code so."""
        return _plain(display) in {_plain(text) for text in self._set_names.of(system, code)}

    def within(self, value_set: Json, system: str | None, code: str) -> bool | None:
        """Whether a code is in a value set that is contained where it is used."""
        try:
            compiled = compile_value_set(value_set, scope=None)
            return None if compiled is None else self._sets.holds(compiled, Question(system, code, seen={}))
        except (TypeError, AttributeError, KeyError, ValueError, RecursionError):
            return None

    def member_of(self, value: Any, value_set: str, *, type: str | None = None) -> bool | None:
        """FHIRPath's memberOf: a code or string, a Coding, a Quantity, or a CodeableConcept (any coding)."""
        if isinstance(value, str):
            return self.membership(value_set, None, value).truth
        if not isinstance(value, dict):
            return None
        codings = value.get("coding") if "coding" in value or type == "CodeableConcept" else [value]
        truths = [self._coding_in(coding, value_set) for coding in codings or ()]
        return True if True in truths else None if None in truths else False

    def _coding_in(self, coding: Any, value_set: str) -> bool | None:
        if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
            return False
        system = coding.get("system")
        if not isinstance(system, str):
            return False
        return self.membership(value_set, system, coding["code"]).truth

    def _decide(self, value_set: str, system: str | None, code: str, scope: str | None) -> Membership:
        compiled = self._value_set(value_set, scope)
        question = Question(system, code, seen={value_set: None})
        if compiled is None:
            truth = surely_has(value_set, system, code)
            question.reasons.add(f"the value set {value_set} is not at hand")
        else:
            try:
                truth = self._sets.holds(compiled, question)
            except RecursionError:
                truth = None
                question.reasons.add("its value sets are nested too deeply")
        if truth is None:
            reason = "; ".join(sorted(question.reasons)) or "the value set cannot be expanded here"
            return Membership("unknown", reason)
        return _MEMBER if truth else _NOT_MEMBER

    def _value_set(self, canonical: str, scope: str | None) -> ValueSet | None:
        key = (canonical, scope)
        try:
            return self._compiled[key]
        except KeyError:
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            found = self._compiled[key] = self._compile(canonical, scope)
            return found

    def _compile(self, canonical: str, scope: str | None) -> ValueSet | None:
        found = self._definitions.get("ValueSet", canonical, scope=scope)
        if found is None:
            system = self._definitions.code_system_of(canonical.partition("|")[0])
            if system is None:
                return None
            found = {"compose": {"include": [{"system": system}]}}
        home = self._definitions.scope_of("ValueSet", canonical, scope=scope) or scope
        return compile_value_set(found, scope=home)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
