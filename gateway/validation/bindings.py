"""Bindings: codes against value sets, as strong as the binding says. https://hl7.org/fhir/R4/terminologies.html#strength

Required: an error. Extensible: a warning. Preferred: information. A value set that cannot be expanded here gives
information that it was not checked, never a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from gateway.errors import Severity
from gateway.validation.compiled import Binding, Member
from gateway.validation.run import Place, Run
from gateway.validation.shapes import CORE

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

Displays = Literal["error", "warning"]
Verdict = Literal["member", "not-member", "unknown", "no-code"]
_PLAIN = frozenset(("code", "string", "uri", "id", "markdown", "url", "canonical"))
QUANTITIES = frozenset(("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance", "MoneyQuantity"))
CODED = _PLAIN | QUANTITIES | {"Coding", "CodeableConcept"}
_SEVERITY: dict[str, Severity] = {"required": "error", "extensible": "warning", "preferred": "information"}
_EXTRA: dict[str, Severity] = {"required": "error", "maximum": "error", "extensible": "warning"}


class Bindings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, member: Member) -> Callable[[Run, Any, Place], None] | None:
        """The check of a member by the binding its type gives it; None when there is nothing to check."""
        binding = member.binding
        if binding is None or member.type not in CODED:
            return None
        if binding.strength == "example" and not binding.maximum:
            return None
        kind, said = member.type, f"{CORE}{member.path.partition('.')[0]}|4.0.1#{member.path}"
        if kind == "code" and binding.strength == "required" and not binding.maximum:
            return self._required_code(binding, said)

        def bound(run: Run, value: Any, place: Place) -> None:
            self.check(run, binding, kind, value, place, said)

        return bound

    def _required_code(self, binding: Binding, said: str) -> Callable[[Run, Any, Place], None]:
        """The common case, at the cost of one set lookup."""
        allowed: frozenset[str] | None = None
        message = f"The code must be one of {binding.value_set}."

        def bound(run: Run, value: Any, place: Place) -> None:
            nonlocal allowed
            if allowed is None:
                listed = self._engine.terminology.codes(binding.value_set)
                allowed = frozenset(code for _, code in listed) if listed is not None else frozenset()
            if value not in allowed and allowed and not binding.extra:
                run.error("code-invalid", "binding-required", message, place, profile=said)
            elif value not in allowed:
                self.check(run, binding, "code", value, place, said)

        return bound

    def check(self, run: Run, binding: Binding, type: str, value: Any, place: Place, said: str) -> None:
        """Check a coded value against a binding, its maximum and its additional bindings."""
        if type not in CODED:
            return
        scope = self._engine.scope_of_rule(said)
        severity = _SEVERITY.get(binding.strength)
        if severity is not None and binding.value_set:
            self._one(run, severity, binding.value_set, type, value, place, said, scope)
        if binding.maximum:
            self._one(run, "error", binding.maximum, type, value, place, said, scope)
        for purpose, value_set in binding.extra:
            strength = _EXTRA.get(purpose)
            if strength is not None:
                self._one(run, strength, value_set, type, value, place, said, scope)

    def _one(
        self, run: Run, severity: Severity, value_set: str, type: str, value: Any, place: Place, said: str,
        scope: str | None,
    ) -> None:  # fmt: skip
        verdict = self._verdict(value_set, type, value, scope)
        if verdict == "member":
            return
        if verdict == "unknown":
            run.note("not-supported", "binding-unchecked", "The code was not checked: the value set cannot be expanded "
                     f"here ({value_set}).", place, profile=said)  # fmt: skip
        elif verdict == "no-code":
            if severity != "information":
                # a quantity may lack a coded unit: then there is nothing to look up
                bad: Severity = "warning" if type in QUANTITIES else severity
                told = "must" if bad == "error" else "should"
                run.add(bad, "code-invalid", "binding-no-code", f"There {told} be a code from {value_set}.", place,
                        profile=said)  # fmt: skip
        elif not self._told(type, value):
            told = {"error": "must", "warning": "should, where one fits,"}.get(severity, "preferably should")
            run.add(severity, "code-invalid", f"binding-{_name(severity)}", f"The code {told} be one of {value_set}.",
                    place, profile=said)  # fmt: skip

    def member(self, value_set: str, type: str, value: Any, *, asked_in: str | None) -> bool | None:
        """Whether a coded value is in a value set; None when that cannot be told."""
        scope = self._engine.scope_of_rule(asked_in) if asked_in else None
        verdict = self._verdict(value_set, type, value, scope)
        return None if verdict == "unknown" else verdict == "member"

    def _verdict(self, value_set: str, type: str, value: Any, scope: str | None) -> Verdict:
        membership = self._engine.terminology.membership
        if type in _PLAIN:
            return membership(value_set, None, value, scope=scope).verdict if _is_text(value) else "no-code"
        if not isinstance(value, dict):
            return "no-code"
        verdicts = [
            membership(value_set, system, code, scope=scope).verdict if system is not None else "not-member"
            for system, code in _codings(type, value)
        ]
        if not verdicts:
            return "no-code"
        if "member" in verdicts:
            return "member"
        return "unknown" if "unknown" in verdicts else "not-member"

    def _told(self, type: str, value: Any) -> bool:
        """Whether the fault has been told already, as a code that its system does not have."""
        if type not in ("Coding", "CodeableConcept"):
            return False
        known = self._engine.terminology.code_known
        return any(system is not None and known(system, code) is False for system, code in _codings(type, value))

    def check_coding(self, run: Run, value: Any, place: Place) -> None:
        """Any Coding, bound or not: its system must have its code, and the display be one of the code's names."""
        system, code = value.get("system"), value.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            return
        terminology = self._engine.terminology
        known = terminology.code_known(system, code)
        if known is False:
            run.error("code-invalid", "code-unknown", "The code system does not have this code.", place)
            return
        if known is None:
            once = ("codes-unchecked", id(run), id(run.root))
            if once in run.memo:
                return
            run.memo[once] = True
            run.note("not-supported", "codes-unchecked", "Codes of code systems that are not at hand (such as SNOMED "
                     "CT or LOINC) were not checked.", run.root_place)  # fmt: skip
            return
        version = value.get("version")
        if isinstance(version, str) and terminology.code_known(system, code, version=version) is False:
            run.error("code-invalid", "code-unknown", "The version of the code system that is named does not have this "
                      "code.", place)  # fmt: skip
            return
        display = value.get("display")
        if not isinstance(display, str) or terminology.display_fits(system, code, display) is not False:
            return
        if not terminology.named_so(system, code, display):
            run.add(self._wrong_display(run, system), "code-invalid", "display", "The display is none of the names "
                    "that the code system has for the code.", place)  # fmt: skip

    def _wrong_display(self, run: Run, system: str) -> Severity:
        """How bad it is. Names in other languages, and of code systems of which a part is here, may be right."""
        told: set[Any] = {one.get("language") for one in (run.resource, run.root)} - {None}
        spoken = all(type(one) is str and one.partition("-")[0].lower() == "en" for one in told)
        return self._engine.displays if spoken and self._engine.terminology.complete(system) else "warning"


def _is_text(value: Any) -> bool:
    return type(value) is str


def _name(severity: str) -> str:
    return {"error": "required", "warning": "extensible"}.get(severity, "preferred")


def _codings(type: str, value: Any) -> Iterator[tuple[str | None, str]]:
    listed = value.get("coding") if type == "CodeableConcept" else [value]
    for coding in listed if isinstance(listed, list) else ():
        code = coding.get("code") if isinstance(coding, dict) else None
        if isinstance(code, str):
            system = coding.get("system")
            yield (system if isinstance(system, str) else None), code
