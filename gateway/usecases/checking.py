"""Validation as the use cases ask for it. A Validator serves all threads at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.errors import Issue
from gateway.validation import Validator


class Checker:
    """A Validator, asked for everything or only for what refuses."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator

    def check(self, resource: Any, *, profiles: Sequence[str] = ()) -> list[Issue]:
        """Everything found, hints included: for those who ask for it."""
        return self._validator.check(resource, profiles)

    def faults(self, resource: Any, *, profiles: Sequence[str] = ()) -> list[Issue]:
        """Nothing if there is no error, else everything found: for what is to be kept. The fast way."""
        if self._validator.is_valid(resource, profiles):
            return []
        return self._validator.check(resource, profiles)


def compile_all(validator: Validator, *, types: Sequence[str], profiles: Callable[[str], Sequence[str]]) -> int:
    """Compile what each type is held to: by itself, by each of its profiles, and by ours with those they derive from
    (as our mappers write them into meta.profile). Kept in the validator's cache file; how many there were."""
    wanted: dict[tuple[str, ...], None] = {}
    for type in types:
        wanted[(type,)] = None
        for canonical in profiles(type):
            wanted[(type, canonical)] = None
            wanted[(type, *_lineage(validator, canonical))] = None
    for type, *canonicals in wanted:
        validator.acceptor.accepts({"resourceType": type, "meta": {"profile": canonicals}})
    validator.acceptor.save()
    return len(wanted)


def _lineage(validator: Validator, canonical: str) -> list[str]:
    """A profile and the published ones it derives from, without versions."""
    found = []
    while (definition := validator.definitions.get("StructureDefinition", canonical)) is not None:
        if definition.get("derivation") != "constraint":
            break
        found.append(canonical.partition("|")[0])
        canonical = str(definition.get("baseDefinition", ""))
    return found
