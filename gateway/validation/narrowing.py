"""The errors of a resource that the fast way refused, found where it refused them.

The fast way names the places that it does not accept. Only the members of the resource in which these lie are walked
by the engine, with the invariants that read them and what must be there; what the fast way accepts has no error, so
the rest is not looked at again. The checks are the engine's own: there is one truth, and what is found here is what a
walk over all finds (`tests/properties/test_narrowing.py`). Warnings elsewhere are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.errors import BadProfile
from gateway.validation.accept import key_of
from gateway.validation.accept_kept import Key
from gateway.validation.accept_refused import Items, LookedItems, Refused
from gateway.validation.canonical import CHECKS
from gateway.validation.compiled import Json, Member, Profile, Shape
from gateway.validation.hint_values import hinting
from gateway.validation.narrow_walk import Looks, PartWalk, around, keep
from gateway.validation.run import Enough, Place, Run, root_place
from gateway.validation.vital_signs import vital_signs

if TYPE_CHECKING:
    from gateway.validation.accept import Acceptor
    from gateway.validation.engine import Engine

_WHOLE = frozenset(("Bundle", "Parameters", "Questionnaire", "QuestionnaireResponse", *CHECKS))
"""Types with rules of their own between their parts: always walked whole."""


class _Kind(NamedTuple):
    """What is the same for all resources of a type that claim the same profiles: `scope` and the profiles that the
    engine would apply."""

    scope: str | None
    profiles: tuple[Profile, ...]
    looks: Looks
    deeper: frozenset[str]
    """Members of whose items hints may be told by their members alone."""


class Looked(NamedTuple):
    """What was looked at wholly: members of a resource, and of others some items."""

    names: frozenset[str]
    items: LookedItems


_NOTHING = Looked(frozenset(), {})


class Narrowing:
    def __init__(self, engine: Engine, acceptor: Acceptor) -> None:
        self._engine = engine
        self._acceptor = acceptor
        self._kinds: dict[Key, _Kind] = {}
        self._walk = PartWalk(engine)

    def errors(self, resource: Any, wanted: Sequence[Profile], *, first: bool = False) -> Run | None:
        """A run with every error of a resource that was not accepted, if it has any (with the first one where that is
        enough); None when it must be walked whole to tell."""
        found = self._where(resource, wanted, first=first)
        return None if found is None else found[0]

    def where(self, resource: Any, wanted: Sequence[Profile]) -> tuple[Run, Looked] | None:
        """The same, with the members and items in which everything was looked at."""
        return self._where(resource, wanted, shallow=True)

    def may_narrow(self, resource: Json, shape: Shape | None) -> bool:
        """Whether there are no rules between the parts of a resource that only a walk over all of it can tell."""
        if shape is None or shape.name in _WHOLE or shape.abstract or shape.kind != "resource":
            return False
        return "contained" not in resource and "_contained" not in resource

    def look_again(self, run: Run, resource: Json, place: Place, names: frozenset[str]) -> frozenset[str]:
        """Report what lies in some members of a resource that was accepted by itself; gives the members walked."""
        shape = place[3]
        assert shape is not None
        key = key_of(resource)
        kind = self._kinds.get(key) or self._kind(resource, (), shape, key)
        before, run.scope = run.scope, kind.scope
        try:
            again = Refused(dict.fromkeys(names), frozenset(), whole=False)
            return self._looked_at(run, kind, resource, place, again)
        finally:
            run.scope = before

    def _where(
        self, resource: Any, wanted: Sequence[Profile], *, first: bool = False, shallow: bool = False
    ) -> tuple[Run, Looked] | None:
        kind = resource.get("resourceType") if type(resource) is dict else None
        shape = self._engine.shapes.find(kind) if type(kind) is str else None
        if not self.may_narrow(resource, shape):
            return None
        assert shape is not None
        run = Run(self._engine, first=first)
        run.resource = run.root = run.top = resource
        run.root_place = place = root_place(shape)
        try:
            told = self._narrowed(run, resource, place, wanted, shallow=shallow)
        except Enough:
            told = _NOTHING if first else None
        except (RecursionError, TypeError, AttributeError):  # nested too deeply, or not what JSON can say
            told = None
        return None if told is None else (run, told)

    def _narrowed(
        self, run: Run, resource: Json, place: Place, wanted: Sequence[Profile], *, shallow: bool
    ) -> Looked | None:
        """Report the errors; what was looked at, or None where not all errors were surely met. Where `shallow`,
        everything in an item that was refused is."""
        shape = place[3]
        assert shape is not None
        plan = self._engine.walker.plan_of(shape)
        if run.first and not plan.needed <= resource.keys():
            self._engine.walker.check_presence(run, plan, resource, place)
        try:
            key = key_of(resource, wanted)
        except (TypeError, KeyError):
            return None
        if run.first:
            self._at_first(run, resource, place, wanted, key)
        refused = self._acceptor.refused(resource, shape, key)
        if refused is None:
            return None
        kind = self._kinds.get(key) or self._kind(resource, wanted, shape, key)
        if shallow:
            refused = refused.shallow(kind.deeper)
        run.scope = kind.scope
        whole, missing = refused.whole, refused.missing
        if whole:
            self._engine.walker.check_presence(run, plan, resource, place)
        elif missing:
            self._engine.walker.check_required(run, plan, resource, place)
        names = self._looked_at(run, kind, resource, place, refused)
        if not run.failed and (whole or missing or run.first):
            return None
        listed = [(name, within) for name, within in refused.names.items() if within is not None and name in names]
        if not listed:
            return Looked(names, {})
        items = {name: _looked(shape.members[name], within) for name, within in listed}
        return Looked(names.difference(items), items)

    def _at_first(self, run: Run, resource: Json, place: Place, wanted: Sequence[Profile], key: Key) -> None:
        """Look where a resource is first seen not to be accepted: Enough is raised where that is for an error."""
        assert place[3] is not None
        refused = self._acceptor.refused(resource, place[3], key, first=True)
        if refused is not None:
            kind = self._kinds.get(key) or self._kind(resource, wanted, place[3], key)
            run.scope = kind.scope
            self._looked_at(run, kind, resource, place, refused)

    def _looked_at(self, run: Run, kind: _Kind, resource: Json, place: Place, refused: Refused) -> frozenset[str]:
        """Report the errors of what was refused, by the type and its profiles; the names of what was looked at."""
        return self._walk.resource(run, kind.profiles, resource, place, refused, kind.looks)

    def _kind(self, resource: Json, wanted: Sequence[Profile], shape: Shape, key: Key) -> _Kind:
        profiles = tuple(self._applying(resource, wanted, shape))
        deeper = frozenset(name for name, member in shape.members.items() if _by_members(member, profiles))
        found = _Kind(self._engine.scope_of(resource, wanted), profiles, {}, deeper)
        keep(self._kinds, key, found)
        return found

    def _applying(self, resource: Json, wanted: Sequence[Profile], shape: Shape) -> list[Profile]:
        """The profiles that the engine would apply, told of which elsewhere where they are not known."""
        meta = resource.get("meta")
        declared = meta.get("profile") if type(meta) is dict else None
        listed: list[str] = [one for one in declared if type(one) is str] if type(declared) is list else []
        if shape.name == "Observation":
            listed += vital_signs(resource)
        found = []
        for canonical in listed:
            with suppress(BadProfile):
                profile = self._engine.strictly(canonical)
                if profile is not None:
                    found.append(profile)
        return [*found, *wanted]


def _looked(member: Member, within: Items) -> dict[int | None, frozenset[str] | None]:
    """What was looked at in the items of a member that were refused."""
    shape = member.shape
    return {
        at: None if inner is None or shape is None else around(frozenset(inner.names), shape)
        for at, inner in within.items()
    }


def _by_members(member: Member, profiles: Iterable[Profile]) -> bool:
    """Whether all hints about the items of a member are about their members."""
    if member.shape is None or not member.many or hinting(member.constraints) or hinting(member.shape.constraints):
        return False
    rules = (profile.rules.children.get(member.name) for profile in profiles)
    return all(one is None or (one.slicing is None and not hinting(one.constraints)) for one in rules)
