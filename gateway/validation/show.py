"""A compiled profile as text: one rule a line, so that a package upgrade is reviewed as a diff of rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gateway.validation.compiled import MISSING, Criterion, Profile, Rules, TypeRule


def show(profile: Profile) -> str:
    """Every rule that the profile adds to its type, in the order of the definition."""
    lines = [f"{profile.canonical} on {profile.type}"]
    lines += [f"  imposes {canonical}" for canonical in profile.imposed]
    lines += [f"  may stand on {kind} {expression}" for kind, expression in profile.contexts]
    lines += [f"  where {expression}" for expression in profile.context_invariants]
    if profile.modifier:
        lines.append("  modifier extension")
    lines += _rules(profile.rules, "  ")
    return "\n".join(lines) + "\n"


def _rules(rules: Rules, indent: str) -> Iterator[str]:
    for line in _own(rules):
        yield f"{indent}{rules.id}: {line}"
    for child in rules.children.values():
        yield from _rules(child, indent)
    slicing = rules.slicing
    if slicing is None:
        return
    by = ", ".join(f"{d.kind} {d.path}" for d in slicing.discriminators) or "nothing"
    yield f"{indent}{rules.id}: sliced by {by}, {slicing.rules}{', ordered' if slicing.ordered else ''}"
    for part in slicing.slices:
        yield f"{indent}{part.id}: slice where {' and '.join(map(_criterion, part.criteria)) or 'its rules hold'}"
        yield from _rules(part, indent)


def _own(rules: Rules) -> Iterator[str]:
    if rules.min or rules.max is not None:
        yield f"{rules.min}..{'*' if rules.max is None else rules.max}"
    if rules.types is not None:
        yield f"type {' | '.join(map(_type, rules.types))}"
    for name in ("fixed", "pattern"):
        value = getattr(rules, name)
        if value is not MISSING:
            yield f"{name} {_json(value)}"
    if rules.binding is not None:
        bound = rules.binding
        yield f"{bound.strength} {bound.value_set}" + (f", at most {bound.maximum}" if bound.maximum else "")
        yield from (f"also {purpose} {value_set}" for purpose, value_set in bound.extra)
    for constraint in rules.constraints:
        best = ", best practice" if constraint.best_practice else ""
        yield f"{constraint.key} ({constraint.severity}{best}) {constraint.expression}"
    yield from _limits(rules)


def _limits(rules: Rules) -> Iterator[str]:
    for name, value in (("least", rules.min_value), ("greatest", rules.max_value)):
        if value is not MISSING:
            yield f"{name} value {_json(value[1])}"
    for name, length in (("least", rules.min_length), ("greatest", rules.max_length)):
        if length is not None:
            yield f"{name} length {length}"
    if rules.must_have_value:
        yield "must have a value"
    yield from (f"value or {canonical}" for canonical in rules.value_alternatives)
    yield from (f"{name} {_json(value)}" for name, value in sorted(rules.extras.items()))


def _type(rule: TypeRule) -> str:
    profiles = f"({', '.join(rule.profiles)})" if rule.profiles else ""
    targets = f" to {', '.join(rule.targets)}" if rule.targets else ""
    manner = f" {'/'.join(rule.aggregation)}" if rule.aggregation else ""
    return f"{rule.code}{profiles}{targets}{manner}{' ' + rule.versioning if rule.versioning else ''}"


def _criterion(criterion: Criterion) -> str:
    return f"{criterion.path or '$this'} {criterion.test} {_json(criterion.expected)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
