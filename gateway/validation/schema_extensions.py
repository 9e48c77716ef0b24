"""Extensions that a resource's profiles name, checked in the resource's own schema.

An extension is what the definition that its url names says it is, wherever it stands. Those that no profile names are
asked of Python, by the same rules (`placed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gateway.errors import BadProfile
from gateway.validation.compiled import Profile, Rules
from gateway.validation.schema_elements import value_types, whole_value
from gateway.validation.schema_profiles import Profiles2Schema
from gateway.validation.schema_shapes import Shapes2Schema
from gateway.validation.schema_values import Schema

if TYPE_CHECKING:
    from gateway.packages.definitions import Definitions
    from gateway.packages.facts import Entry
    from gateway.validation.engine import Engine

_MOST = 20
"""Extensions that one document has; others are asked of Python."""


def placed(engine: Engine, url: str, names: frozenset[str], *, modifier: bool, scope: str | None) -> Profile | None:
    """The definition of an extension that may surely stand on an element with these names; None where it may not, or
    where that cannot be told."""
    try:
        profile = engine.strictly(url, asked_in=scope)
    except BadProfile:
        return None
    if profile is None or profile.type != "Extension" or profile.is_type or profile.context_invariants:
        return None
    if profile.modifier != modifier or not profile.for_r4:
        return None
    if profile.contexts and not any(_fits(kind, said, names) for kind, said in profile.contexts):
        return None
    return profile


def extension_document(engine: Engine, profile: Profile, shapes: Shapes2Schema) -> Schema:
    """What an extension must be by its definition; `shapes` are made for the values that it may have."""
    shape = engine.shapes["Extension"]
    overlays = Profiles2Schema(engine, shapes)
    shapes.overlay = overlays.profile
    return {**shapes.ref(shape), "allOf": [overlays.profile(profile, shape) or {}]}


def contexts(definitions: Definitions) -> Schema:
    """Paths of elements that some extension is meant for."""
    found: Schema = {}
    for definition in definitions.resources("StructureDefinition", _defines_extension):
        for context in definition.get("context", ()):
            if isinstance(context, dict) and "." in str(context.get("expression")):
                found[str(context["expression"])] = True
    return found


def _defines_extension(entry: Entry) -> bool:
    return entry.of == "Extension" and not entry.kind.endswith("specialization")


class Inlined:
    """The extensions that the profiles of one document name, for its elements."""

    def __init__(self, engine: Engine, profiles: Iterable[Profile], within: Shapes2Schema) -> None:
        self._engine = engine
        self._within = within
        self._urls = list(dict.fromkeys(url for profile in profiles for url in _named(profile.rules)))[:_MOST]
        self._made: dict[str, Schema] = {}

    def on(self, names: Iterable[str], modifier: bool) -> list[tuple[str, Schema | None]]:
        """(url, schema) of those that may stand on an element with these names; None for those that have parts, which
        are asked of Python: it remembers the good ones, in a third of the time."""
        wanted, scope = frozenset(names), self._within.scope
        found: list[tuple[str, Schema | None]] = []
        for url in self._urls:
            profile = placed(self._engine, url, wanted, modifier=modifier, scope=scope)
            if profile is not None:
                found.append((url, self._schema(profile) if whole_value(profile.rules) else None))
        return found

    def _schema(self, profile: Profile) -> Schema:
        made = self._made.get(profile.canonical)
        if made is None:
            prefix = f"x{len(self._made)}."
            shapes = Shapes2Schema(
                self._engine, scope=self._within.scope, values=value_types(profile.rules), within=self._within,
                prefix=prefix,
            )  # fmt: skip
            self._within.defs[prefix] = extension_document(self._engine, profile, shapes)
            made = self._made[profile.canonical] = {"$ref": f"#/$defs/{prefix}"}
        return made


def _named(rules: Rules) -> Iterator[str]:
    """The urls of the extensions that rules speak of, anywhere below."""
    slices = rules.slicing.slices if rules.slicing is not None else ()
    if rules.name in ("extension", "modifierExtension"):
        for part in slices:
            for rule in part.types or ():
                yield from (canonical.partition("|")[0] for canonical in rule.profiles)
        return
    for inner in (*rules.children.values(), *slices):
        yield from _named(inner)


def _fits(kind: str, said: str, names: frozenset[str]) -> bool:
    return kind == "element" and (said in names or said.rpartition("#")[2] in names)
