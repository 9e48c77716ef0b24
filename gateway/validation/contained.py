"""Contained resources: what they may not have, and that something refers to them.

https://hl7.org/fhir/R4/references.html#contained
"""

from __future__ import annotations

import re
from typing import Any

from gateway.validation.compiled import Json
from gateway.validation.run import Place, Run

_LOCAL_LINK = re.compile(r'(?:href|src)="(#[A-Za-z0-9\-.]{1,64})"')


def check_contained(run: Run, value: Json, place: Place, *, nested: bool) -> None:
    """Check one contained resource; `nested` when its container is contained itself."""
    if nested:
        run.error("invariant", "dom-2", "dom-2: a contained resource must not contain others.", place)
    if not isinstance(value.get("id"), str):
        run.error("invariant", "contained-id", "A contained resource must have an id, so that it can be referred to.",
                  place)  # fmt: skip
    meta = value.get("meta")
    if type(meta) is dict:
        if "versionId" in meta or "lastUpdated" in meta:
            run.error("invariant", "dom-4", "dom-4: a contained resource must not have meta.versionId or "
                      "meta.lastUpdated.", place)  # fmt: skip
        if "security" in meta:
            run.error("invariant", "dom-5", "dom-5: a contained resource must not have security labels.", place)


def check_referred(run: Run, root: Json, place: Place) -> None:
    """dom-3: each contained resource is referred to from its container, or refers to it."""
    listed = root.get("contained")
    shape = place[3]
    if type(listed) is not list or shape is None:
        return
    outside = {k: v for k, v in root.items() if k != "contained"}
    local = fragments(outside)
    for resource in listed:
        local |= fragments(resource)
    member = shape.members.get("contained")
    seen: set[str] = set()
    for index, resource in enumerate(listed):
        if type(resource) is not dict or member is None or not isinstance(resource.get("id"), str):
            continue
        here: Place = (place, member, index, None)
        if resource["id"] in seen:
            run.error("duplicate", "contained-id", "Two contained resources have the same id.", here)
        seen.add(resource["id"])
        if "#" + resource["id"] not in local and "#" not in fragments(resource):
            run.error("invariant", "dom-3", "dom-3: nothing refers to the contained resource; refer to it as # and its "
                      "id, or leave it out.", here)  # fmt: skip


def fragments(value: Any) -> set[str]:
    """Every string in `value` that is a local reference (`#...`)."""
    found: set[str] = set()
    stack = [value]
    while stack:
        one = stack.pop()
        if type(one) is dict:
            stack.extend(one.values())
        elif type(one) is list:
            stack.extend(one)
        elif type(one) is str:
            if one[:1] == "#":
                found.add(one)
            elif '="#' in one:  # a link or image in a narrative
                found.update(_LOCAL_LINK.findall(one))
    return found
