"""Where a resource was not accepted, read from what its schema says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import jsonschema_rs


class Refused(NamedTuple):
    """Where a resource was not accepted: the members in which, those that are missing, and whether for something else
    about the resource as a whole."""

    names: frozenset[str]
    missing: frozenset[str]
    whole: bool


def refused_by(faults: Iterable[jsonschema_rs.ValidationError], absent: frozenset[str]) -> Refused | None:
    """What faults say, and the members that are `absent`; None where a resource is refused for what no schema can say
    of some element of it."""
    names, missing, whole = set(), set(absent), False
    for fault in faults:
        path = fault.instance_path
        if path and path[0] != "resourceType":  # where invariants of the resource are asked
            names.add(str(path[0]))
            continue
        kind = fault.kind
        if path:
            whole = True
        elif kind.name == "required":
            missing.add(kind.as_dict()["property"])
        elif kind.name == "not" and kind.as_dict().get("schema") == {}:
            return None
        else:
            whole = True
    return Refused(frozenset(names), frozenset(missing), whole)
