"""Where each element that the mappers write comes from: one field of a filled record after another is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from gateway.mapping import care_plan, care_team, referral
from tests.mapping.contexts import CONTEXT
from tests.mapping.filled import (
    CARE_PLAN,
    CARE_TEAM,
    FOR_COMMUNITY_SUPPORT,
    FROM_FAMILY,
    FROM_ORGANIZATION,
    REFERRAL,
    changes,
)

CASES: list[tuple[Callable[..., dict[str, Any]], Any]] = [
    (referral.to_fhir, REFERRAL),
    (referral.to_fhir, FROM_FAMILY),
    (referral.to_fhir, FROM_ORGANIZATION),
    (referral.to_fhir, FOR_COMMUNITY_SUPPORT),
    (care_plan.to_fhir, CARE_PLAN),
    (care_team.to_fhir, CARE_TEAM),
]
Leaf = tuple[str, str]
"""Element path (no indexes, extensions by name) and the place with indexes."""


def leaves(value: Any, path: str, place: str = "") -> Iterator[tuple[Leaf, Any]]:
    """Every primitive of a resource."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "url" and "xtension" in path:
                continue
            yield from leaves(one, f"{path}.{name}", f"{place}.{name}")
    elif isinstance(value, list):
        seen: Counter[str] = Counter()
        for one in value:
            name = f"({one['url'].rpartition('/')[2]})" if path.endswith("xtension") else ""
            yield from leaves(one, path + name, f"{place}{name}[{seen[name]}]")
            seen[name] += 1
    else:
        yield (path, place), value


def written(bundle: dict[str, Any]) -> dict[Leaf, Any]:
    """Every primitive of a Bundle's resources by its place."""
    found: dict[Leaf, Any] = {}
    seen: Counter[str] = Counter()
    for entry in bundle["entry"]:
        resource = {name: value for name, value in entry["resource"].items() if name != "resourceType"}
        type = entry["resource"]["resourceType"]
        found |= dict(leaves(resource, type, f"[{seen[type]}]"))
        seen[type] += 1
    return found


def kinds(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["resourceType"] for entry in bundle["entry"]]


def table() -> dict[str, set[str]]:
    """For each element path what it comes from: fields of the domain, a fixed value, an id, a reference."""
    rows: dict[str, set[str]] = {}
    for to_fhir, record in CASES:
        bundle = to_fhir(record, context=CONTEXT)
        before = written(bundle)
        for leaf, value in before.items():
            rows.setdefault(leaf[0], set()).update(_given(leaf[0], value))
        for field, other in changes(record):
            changed = to_fhir(other, context=CONTEXT)
            after = written(changed)
            same = Counter(kinds(bundle)), Counter(kinds(changed))
            for leaf, value in before.items():
                type = leaf[0].partition(".")[0]  # another number of them: who is who cannot be told
                if (
                    same[0][type] == same[1][type]
                    and after.get(leaf) != value
                    and not leaf[0].endswith((".id", ".reference"))
                ):
                    rows[leaf[0]].add(field)
    return {path: _fields(sources) or sources for path, sources in rows.items()}


def _fields(sources: set[str]) -> set[str]:
    return {one for one in sources if one[0] != "'"}


def _given(path: str, value: Any) -> Iterator[str]:
    if path.endswith(".reference"):
        yield "-> " + str(value).partition("/")[0]
    elif path.endswith(".id"):
        yield "(id)"
    elif path in ("Task.authoredOn", "Provenance.recorded") or path.startswith("Provenance.entity.what"):
        yield "(context)"
    else:
        yield f"'{value}'"
