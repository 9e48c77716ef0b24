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
CORRECTED: Final[dict[str, str]] = {
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
