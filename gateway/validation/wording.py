"""What the invariants met most often ask, in our words: condensed definitions carry their expressions but no prose."""

from __future__ import annotations

from typing import Final

from gateway.validation.compiled import Constraint, Rules

SAID: Final[dict[str, str]] = {
    "att-1": "an attachment with data must say its contentType",
    "bdl-1": "only search results and histories have a total",
    "bdl-2": "only entries of search results have search",
    "bdl-3": "entries of batches, transactions and histories must have a request, others must not",
    "bdl-4": "entries of responses and histories must have a response, others must not",
    "bdl-5": "an entry must have a resource, a request or a response",
    "bdl-7": "a fullUrl may occur once only, unless the versions differ",
    "bdl-8": "a fullUrl must not name a version",
    "bdl-9": "a document must have an identifier with system and value",
    "bdl-10": "a document must have a timestamp",
    "bdl-11": "the first entry of a document must be a Composition",
    "bdl-12": "the first entry of a message must be a MessageHeader",
    "cmp-1": "a section must have text, entries or sections",
    "cmp-2": "a section with emptyReason must have no entries",
    "con-3": "a condition from a problem list should have a clinicalStatus, unless it was entered in error",
    "con-4": "a condition that has abated must be inactive, resolved or in remission",
    "con-5": "a condition entered in error must not have a clinicalStatus",
    "cpl-3": "an activity must have a reference or a detail, not both",
    "cpt-2": "a contact point with a value must have a system",
    "ctm-1": "only a practitioner acts on behalf of someone",
    "dom-6": "a resource should have a narrative: put text with a div",
    "gol-1": "a target with a due date or value must say its measure",
    "inv-1": "exactly one of value, resource and part must be there",
    "inv-1 TestReport": "an action must be an operation or an assertion, not both",
    "inv-2": "an action must be an operation or an assertion, not both",
    "inv-1 Task": "lastModified must not be before authoredOn",
    "obs-3": "a reference range must have a low or high value or text",
    "obs-6": "an observation with a value must not have a dataAbsentReason",
    "obs-7": "a component with the observation's own code rules out a value beside it",
    "org-1": "an organization must have a name or an identifier",
    "pat-1": "a contact must have a name, a telecom, an address or an organization",
    "per-1": "start must not be after end",
    "prr-1": "orderDetail must not be there without a code",
    "qty-3": "a quantity with a code must have its system",
    "rat-1": "numerator and denominator must both be there, or neither with an extension",
    "rng-2": "low must not be more than high",
    "sqty-1": "a simple quantity must not have a comparator",
    "sqt-1": "a simple quantity must not have a comparator",
    "tim-1": "a duration must have its unit",
    "tim-2": "a period must have its unit",
    "vs-2": "a vital sign without components or members must have a value or a dataAbsentReason",
    "vs-3": "a component without a value must have a dataAbsentReason",
}
"""By key, for rules that R4 core states; elsewhere the same key may mean another rule. Core has one key twice."""
_ONE = {"lastModified": " Task", "assert": " TestReport"}
"""What tells the rules apart that core names inv-1."""
_CORE = "http://hl7.org/fhir/StructureDefinition/"


def sentence(constraint: Constraint, *, said: str) -> str:
    """What the invariant asks, as one sentence; `said` is where it was stated, empty for a type's own."""
    source = constraint.source or said
    core = not source or source.startswith(_CORE)
    key = constraint.key
    if key == "inv-1":
        key += next((kind for word, kind in _ONE.items() if word in constraint.expression), "")
    told = constraint.human or (SAID.get(key) if core else None)
    if told is None:
        return f"{constraint.key}: this must hold: {constraint.expression[:300]}"
    return f"{constraint.key}: {told}{'' if told.endswith('.') else '.'}"


def called(rules: Rules) -> str:
    """The name of an element, or of a slice of it."""
    name = rules.name + ("[x]" if rules.choice else "")
    return f"{name} (slice {rules.slice_name})" if rules.slice_name else name


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
