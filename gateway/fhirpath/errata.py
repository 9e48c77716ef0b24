"""Published invariants that do not say what they mean, and what is evaluated in their place.

HL7's validator replaces the same ones; without that, valid resources fail or the rule never bites. Regular expressions
of 4.0.1 were written for a `matches()` that meant the whole text, which normative FHIRPath 2.0 does not.
"""

from __future__ import annotations

from typing import Final

_REF_1: Final = (
    "reference.startsWith('#').not() or "
    "(reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))"
)
_PREFIX = "(?:[YZEPTGMkhdcmunpfazy]|da)?"
_TIME: Final = f"^{_PREFIX}(?:s|min|h|d|wk|mo(?:_[jsg])?|a(?:_[jtg])?)(?:[{{][^}}]*[}}])?$"
_LENGTH: Final = f"^(?:{_PREFIX}(?:m|pc)|AU|Ao|.*[\\[].*)(?:[{{][^}}]*[}}])?$"
_AGE: Final = (
    "(code.exists() or value.empty()) and (system.empty() or system = %ucum) and "
    "(value.empty() or value.hasValue().not() or value > 0)"
)
_DURATION: Final = "code.exists() implies ((system = %ucum) and value.exists())"
_DISTANCE: Final = "(code.exists() or value.empty()) and (system.empty() or system = %ucum)"


def _measuring(expression: str, units: str) -> str:
    """The invariants of these quantities say in words only what their units measure."""
    return f"({expression}) and ((code.exists() and system = %ucum) implies code.matches('{units}'))"


CORRECTED: Final[dict[str, str]] = {
    _AGE: _measuring(_AGE, _TIME),
    _DURATION: _measuring(_DURATION, _TIME),
    _DISTANCE: _measuring(_DISTANCE, _LENGTH),
    "probability is decimal implies (probability as decimal) <= 100": (
        "(probability.exists() and (probability is decimal)) implies ((probability as decimal) <= 100)"
    ),
    "enableWhen.count() > 2 implies enableBehavior.exists()": "enableWhen.count() >= 2 implies enableBehavior.exists()",
    _REF_1: f"reference.exists() implies (reference = '#' or ({_REF_1}))",
    "fullUrl.contains('/_history/').not()": "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": (
        "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')"
    ),
    "telecom or endpoint": "telecom.exists() or endpoint.exists()",
    "practitioner or organization or healthcareService or location": (
        "practitioner.exists() or organization.exists() or healthcareService.exists() or location.exists()"
    ),
}


def corrected(expression: str) -> str:
    """The expression to evaluate for a published one (itself, for nearly all)."""
    found = CORRECTED.get(expression)
    if found is not None:
        return found
    opening = "path.matches('"
    if expression.startswith((opening + "[A-Za-z]", opening + "[^")) and expression.endswith("')"):
        return f"{opening}^{expression[len(opening) : -2]}$')"
    return expression
