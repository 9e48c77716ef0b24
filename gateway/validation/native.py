"""Invariants of R4 core that are asked so often that they are answered without FHIRPath, by their expression.

None stands for a rule that is checked elsewhere: empty elements by the walk, contained resources and local references
where they are met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.validation.run import Run

Native = Callable[[Run, Any], bool]


def _narrative(run: Run, value: Any) -> bool:
    text = value.get("text")
    return type(text) is dict and bool(text.get("div"))


NATIVE: Final[dict[str, Native | None]] = {
    "text.`div`.exists()": _narrative,
    "text.div.exists()": _narrative,
    "extension.exists() != value.exists()": None,
    "hasValue() or (children().count() > id.count())": None,
    "htmlChecks()": None,
    "contained.contained.empty()": None,
    "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()": None,
    "contained.meta.security.empty()": None,
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) | "
    "%resource.descendants().as(uri) | %resource.descendants().as(url))) or descendants().where(reference = '#')"
    ".exists() or descendants().where(as(canonical) = '#').exists() or descendants().where(as(canonical) = '#')"
    ".exists()).not()).trace('unmatched', id).empty()": None,
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in "
    "%rootResource.contained.id.trace('ids'))": None,
}
