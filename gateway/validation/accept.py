"""The fast way: one compiled JSON Schema per type and set of profiles says in microseconds that a resource is valid.

`accepts(resource, profiles)` is True only where the engine finds no error; False says nothing, and the engine decides.
So there is one truth, and a property test holds the two together. Schemas are built when first needed and kept in a
cache file that the definitions' fingerprint and this code's version invalidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from gateway.errors import BadProfile, GatewayError
from gateway.fhirpath import FhirPathError
from gateway.validation.accept_cache import SchemaCache
from gateway.validation.accept_checks import Acceptance, Check, Checks
from gateway.validation.accept_kept import Kept, Key
from gateway.validation.accept_keyword import Keyword
from gateway.validation.accept_presence import apart
from gateway.validation.accept_ready import RECURSIVE, Ready, Run, TakenApart
from gateway.validation.accept_refused import Refused, first_refused, refused_in
from gateway.validation.canonical import CHECKS
from gateway.validation.compiled import Json, Profile, Shape
from gateway.validation.schema_codings import coding_schema
from gateway.validation.schema_elements import is_recursive, value_types
from gateway.validation.schema_extensions import Inlined, contexts, extension_document
from gateway.validation.schema_profiles import Profiles2Schema
from gateway.validation.schema_shapes import Shapes2Schema
from gateway.validation.schema_values import CHECK, Schema
from gateway.validation.vital_signs import vital_signs

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_REGEX = jsonschema_rs.RegexOptions()
"""Linear time, whatever the text."""

ENGINE_ONLY = frozenset(CHECKS)
"""Types that the engine has rules of its own for, beyond their definition."""


def _name(kind: str, profiles: Sequence[Profile], scope: str | None) -> str:
    return "+".join([kind, *sorted({profile.canonical for profile in profiles}), f"in {scope}"])


def _marked(schema: Schema) -> Schema:
    """The document, which says whether it refers to itself."""
    return {**schema, "$comment": RECURSIVE} if is_recursive(schema) else schema


def key_of(resource: Json, profiles: Sequence[Profile] = ()) -> Key:
    """What is compiled once: the type and every profile. TypeError or KeyError where that is not simple."""
    kind = resource["resourceType"]
    declared = resource["meta"]["profile"] if "meta" in resource and "profile" in resource["meta"] else ()
    if type(declared) is not list and type(declared) is not tuple:
        raise TypeError
    key = (kind, *declared)
    if profiles:
        key += tuple(profile.canonical for profile in profiles)
    return (*key, *vital_signs(resource)) if kind == "Observation" else key


class Acceptor:
    """Accepts resources for one engine."""

    def __init__(self, engine: Engine, *, cache: Path | None = None, engine_only: bool = False) -> None:
        self._engine = engine
        self._engine_only = engine_only
        """Nothing is accepted here: what a reference leads to must be looked at."""
        self._state = Acceptance()
        self._checks = Checks(engine, self._state, self._extension)
        self._keyword = Keyword(self._checks.asked)
        self._cache = SchemaCache(cache, f"{engine.definitions.fingerprint} {engine.displays}")
        self._kept: Kept[Ready] = Kept()
        self._ready = self._kept.ready
        self._apart = TakenApart(self._run)
        self._paths: frozenset[str] | None = None
        self._extensions: dict[tuple[str, str | None], Check] = {}
        self._building = Lock()

    def accepts(self, resource: Any, profiles: Sequence[Profile] = (), *, eager: bool = True) -> bool:
        """Whether the resource surely has no error by its type, the profiles it declares and `profiles`. Where not
        `eager`, nothing is compiled for the first few of a kind, which are then not accepted."""
        try:
            kind = resource["resourceType"]
            declared = resource["meta"]["profile"] if "meta" in resource and "profile" in resource["meta"] else ()
            key = (kind, *declared)
            if profiles:
                key = (*key, *(profile.canonical for profile in profiles))
            if kind == "Observation":
                key = (*key, *vital_signs(resource))
            ready = self._ready[key]
        except KeyError:
            return self._first(resource, profiles, eager=eager)
        except (TypeError, AttributeError):
            return False
        there = resource.keys()
        if ready is None or not there <= ready.members:
            return False
        if not ready.presence.usual <= there and ready.presence.missing(resource):
            return False
        return self._holds(ready.run, resource)

    def refused(self, resource: Json, shape: Shape, key: Key, *, first: bool = False) -> Refused | None:
        """Where a resource of a shape is not accepted by what its key stands for (or where it first was seen not to
        be); None when that is not known."""
        try:
            found = self._ready[key]
            part = None if found is None else self._apart.part(found, resource)
            if found is None or part is None or part.never:
                return None
            there, known = resource.keys(), part.members.keys()
            missing = frozenset() if found.presence.usual <= there else found.presence.missing(resource)
            if missing or not there <= known:
                strange = {name: None for name in resource if name not in known}
                rest = {name: resource[name] for name in there & known} if strange else resource
                if first or self._holds(found.run, rest):
                    return Refused(dict(strange), missing, whole=False) if first or not self._state.ids else None
            state = self._state
            state.resource, state.run, state.unsure, state.ids = resource, None, False, set()
            where = (first_refused if first else refused_in)(part, resource, shape, state=state)
        except (KeyError, ValueError, TypeError, RecursionError, UnicodeError):
            return None
        return where._replace(missing=missing) if missing and where is not None else where

    def forget(self) -> None:
        """Let go of the engine, when nobody needs this any more: the collector of cycles cannot see that."""
        self._keyword.forget()

    def save(self) -> None:
        """Write what was compiled to the cache file, if there is one."""
        self._cache.save()

    def _holds(self, run: Run, resource: Json) -> bool:
        state = self._state
        state.resource, state.run, state.unsure, state.ids = resource, None, False, set()
        try:
            return run(resource) and not state.unsure
        except (ValueError, TypeError, RecursionError, UnicodeError):
            return False

    def _first(self, resource: Any, profiles: Sequence[Profile], *, eager: bool) -> bool:
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            return False
        kind = resource["resourceType"]
        meta = resource.get("meta")
        declared = meta.get("profile", ()) if isinstance(meta, dict) else ()
        if not isinstance(declared, list | tuple) or not all(isinstance(one, str) for one in declared):
            return False
        vital = tuple(vital_signs(resource)) if kind == "Observation" else ()
        key = (kind, *declared, *(profile.canonical for profile in profiles), *vital)
        with self._building:
            if key not in self._ready:
                if not self._kept.worth_it(key, eager=eager):
                    return False
                self._kept.make_room()
                self._ready[key] = self._known(key) or self._made(key, declared, vital, profiles)
            ready = self._ready[key]
        return ready is not None and not ready.presence.missing(resource) and self._holds(ready.run, resource)

    def _known(self, key: Key) -> Ready | None:
        """What the cache file has for a type and its profiles, so that these need not be compiled."""
        named = None if self._engine_only else self._cache.stored("\n".join(key))
        schema = None if named is None else self._cache.stored(named["name"])
        if named is None or schema is None:
            return None
        name = named["name"]
        return self._kept.named(name, lambda: Ready.of(schema, lambda: self._cache.stored(name) or {}, self._run))

    def _made(
        self, key: Key, declared: Sequence[str], vital: Sequence[str], profiles: Sequence[Profile]
    ) -> Ready | None:
        wanted = self._wanted(key[0], (*declared, *vital), profiles)
        if wanted is None:
            return None
        scope = self._scope(declared, profiles)
        name = _name(key[0], wanted, scope)
        ready = self._kept.named(name, lambda: self._validator(key[0], wanted, scope))
        known = (self._engine.profile(one, asked_in=None) is not None for one in (*declared, *vital))
        if ready is not None and all(known):  # what else a resource claims is not kept in a file
            self._cache.get("\n".join(key), lambda: {"name": name})
        return ready

    def _wanted(self, kind: str, canonicals: Sequence[str], profiles: Sequence[Profile]) -> list[Profile] | None:
        """The profiles to hold a resource to; None where the engine must decide."""
        shape = self._engine.shapes.find(kind)
        if self._engine_only or shape is None or shape.kind != "resource" or shape.abstract or kind in ENGINE_ONLY:
            return None
        found = list(profiles)
        for canonical in canonicals:
            try:
                profile = self._engine.strictly(canonical)
            except BadProfile:
                continue  # told as a warning
            if profile is not None:
                found.append(profile)
            elif self._engine.references.defined_as(canonical) - {"StructureDefinition"}:
                return None  # something else
        names = (shape.name, *shape.ancestors)
        if any(profile.type not in names for profile in found):
            return None
        return [profile for profile in found if not profile.is_type]

    def _scope(self, declared: Sequence[str], profiles: Sequence[Profile]) -> str | None:
        """The profile in whose package canonicals without a version are meant: the engine's choice."""
        for canonical in declared:
            profile = self._engine.profile(canonical, asked_in=None)
            if profile is not None:
                return profile.canonical
        return profiles[0].canonical if profiles else None

    # Schemas

    def _validator(self, kind: str, profiles: Sequence[Profile], scope: str | None) -> Ready | None:
        """None where a profile has what cannot be made a schema: the engine then decides alone."""
        name = _name(kind, profiles, scope)

        def document() -> Schema:
            return self._cache.get(name, lambda: self._document(kind, profiles, scope))

        try:
            return Ready.of(document(), document, self._run)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, FhirPathError, GatewayError):
            return None

    def _document(self, kind: str, profiles: Sequence[Profile], scope: str | None) -> Schema:
        shape = self._engine.shapes[kind]
        if kind == "Extension":
            values = value_types(profiles[0].rules)
            types = Shapes2Schema(self._engine, scope=scope, values=values, contexts=self._contexts())
            types.coding = self._coding
            return _marked({**extension_document(self._engine, profiles[0], types), "$defs": types.defs})
        types = Shapes2Schema(self._engine, scope=scope, contexts=self._contexts())
        overlays = Profiles2Schema(self._engine, types)
        types.overlay = overlays.profile
        types.extensions = Inlined(self._engine, profiles, types).on
        types.coding = self._coding
        types.told = frozenset(told for profile in profiles for told in overlays.targeted(profile.rules, shape))
        root = types.ref(shape)
        parts = {profile.canonical: overlays.profile(profile, shape) for profile in profiles}
        listed = [part for part in parts.values() if part] or [{}]
        return _marked(apart({**root, "allOf": listed, "$defs": types.defs}))

    @cached_property
    def _coding(self) -> Schema:
        return coding_schema(self._engine)

    def _contexts(self) -> frozenset[str]:
        """Paths of elements that some extension is meant for."""
        if self._paths is None:
            self._paths = frozenset(self._cache.get("contexts", lambda: contexts(self._engine.definitions)))
        return self._paths

    def _extension(self, profile: Profile, scope: str | None) -> Check:
        """The check of an extension against its definition, compiled when first met."""
        key = (profile.canonical, scope)
        found = self._extensions.get(key)
        if found is None:
            made: list[Ready | None] = []

            def check(value: Any) -> bool:
                if not made:
                    made.append(self._validator("Extension", [profile], scope))
                ready = made[0]
                return ready is not None and ready.run(value)

            found = self._extensions[key] = check
        return found

    def _run(self, schema: Schema) -> Run:
        asked = {CHECK: self._keyword.of_schema()}
        made = jsonschema_rs.Draft202012Validator(schema, pattern_options=_REGEX, keywords=asked)
        return made.is_valid
