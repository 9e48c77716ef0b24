"""What a batch or transaction may say beside its resources: anything else is refused, not passed over.

An entry whose `ifNoneExist` is misspelt would otherwise be done without its condition.
https://hl7.org/fhir/R4/bundle.html#resource
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from gateway.errors import Issue

BUNDLE = frozenset("resourceType id meta language identifier type timestamp link entry signature".split())
ENTRY = frozenset("id extension link fullUrl resource request".split())
REQUEST = frozenset("id extension method url ifNoneMatch ifModifiedSince ifMatch ifNoneExist".split())
_ELSEWHERE = frozenset("total search response implicitRules modifierExtension".split())
"""Elements of a Bundle that no batch or transaction may have (bdl-1, bdl-2, bdl-4), or that change what it means."""


def strange(value: Mapping[str, Any], known: frozenset[str], *, of: str, at: str) -> Iterator[Issue]:
    """An error for each member that does not belong here, by its number where its name may be anybody's."""
    for number, name in enumerate(value, start=1):
        if name in known or (name.startswith("_") and name[1:] in known):
            continue
        if name in _ELSEWHERE:
            message = f"{name} does not belong into the {of} of a batch or transaction."
        else:
            close = get_close_matches(name[:64], known, n=1, cutoff=0.8)
            message = f"Member {number} here is no element of {of}.{f' Did you mean {close[0]}?' if close else ''}"
        yield Issue("error", "structure", message, at, "unknown-element")
