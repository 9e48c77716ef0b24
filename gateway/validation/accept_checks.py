"""The checks that the accepting schemas ask of Python, by kind. Each answers whether the engine would find no error.

A check that cannot tell says so (`Acceptance.unsure`), and the engine decides about the resource.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

from gateway import fhirpath
from gateway.validation.accept_quickly import QUICKLY, once_each, unless, unless_among, unless_plain
from gateway.validation.code_keys import UNKEYED, code_key, worth_keeping
from gateway.validation.compiled import Binding, Json, Profile
from gateway.validation.known_profiles import MAX_CANONICAL
from gateway.validation.narrative import acceptable, links_within
from gateway.validation.native import NATIVE
from gateway.validation.primitives import CHECKS, decoded_size
from gateway.validation.quick_narrative import surely_acceptable
from gateway.validation.run import NOWHERE, Run, root_place
from gateway.validation.schema_extensions import placed
from gateway.validation.terminology.ucum import is_unit

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

Check = Callable[[Any], bool]
_REMEMBERED = 20_000
"""Answers about codes that one check keeps."""
_SHORT = 40


class Acceptance(local):
    """The resource that a thread is looking at, and whether something could not be told."""

    def __init__(self) -> None:
        self.alone = fhirpath.Env()
        """A surrounding for expressions that ask nothing of it."""
        self.resource: Json = {}
        self.run: Run | None = None
        self.unsure = False
        self.ids: set[str] = set()
        """Ids of elements that were met."""


class Checks:
    """Makes checks from what the keyword says: `[kind, argument, ...]`, plain JSON."""

    def __init__(self, engine: Engine, state: Acceptance, extension: Callable[[Profile, str | None], Check]) -> None:
        self._engine = engine
        self._state = state
        self._extension_check = extension
        self._made: dict[str, Check] = {}
        self._good_codings: set[tuple[str, str, str | None]] = set()

    def make(self, said: list[Any]) -> Check:
        """The check that a keyword's value names; the same one for the same value."""
        key = repr(said)
        if key not in self._made:
            kind, *arguments = said
            self._made[key] = getattr(self, "_" + kind)(*arguments)
        return self._made[key]

    def asked(self, said: list[Any]) -> Callable[[Any], None]:
        """The same check as our keyword wants it: ValueError where the answer is no."""
        check = self.make(said)
        if said[0] == "coding":
            return unless_among(self._good_codings, check)
        if said[0] == "xhtml":
            return unless_plain(check)
        if said[0] == "of_resource":
            return self._of_resource(*said[1:])
        quickly = QUICKLY.get(said[1]) if said[0] == "fhirpath" else None
        if quickly is not None:
            return unless(quickly, check)

        def validate(value: Any) -> None:
            if not check(value):
                raise ValueError

        return validate

    def _of_resource(self, expression: str, type: str) -> Callable[[Any], None]:
        """The check of an invariant of the resource, whatever value it is asked with."""
        state, validate = self._state, self.asked(["fhirpath", expression, type])
        return lambda _: validate(state.resource)

    def run(self) -> Run:
        """A run of the engine over the present resource, for checks that need its surroundings."""
        state = self._state
        if state.run is None:
            state.run = Run(self._engine)
            state.run.resource = state.run.root = state.run.top = state.resource
        return state.run

    # Values

    def _integer(self) -> Check:
        return lambda value: type(value) is int

    def _element_id(self) -> Check:
        """The first element with an id; where one is looked at twice, the engine decides."""
        state = self._state

        def check(value: Any) -> bool:
            new = value not in state.ids
            state.ids.add(value)
            return new

        return check

    def _canonical(self, targets: list[str]) -> Check:
        """A canonical of nothing that is known, or of a definition of these types."""
        wanted, kinds = frozenset(targets), self._engine.references.defined_as
        return lambda value: not (found := kinds(value)) or not found.isdisjoint(wanted)

    def _base64(self) -> Check:
        return lambda value: decoded_size(value) is not None

    def _xhtml(self) -> Check:
        text = CHECKS["xhtml"]
        return lambda value: (
            surely_acceptable(value) or (text(value) is None and acceptable(value) and not links_within(value))
        )

    def _between(self, kind: str) -> Check:
        """What holds between the items of a Questionnaire or its response."""
        known, place = self._engine.questionnaires, root_place(self._engine.shapes[kind])
        report = known.check if kind == "Questionnaire" else known.check_response

        def check(value: Any) -> bool:
            run = Run(self._engine)
            report(run, value, place)
            return not run.failed

        return check

    def _unit(self) -> Check:
        good: set[str] = set()

        def check(value: Any) -> bool:
            if value in good:
                return True
            if not is_unit(value):
                return False
            if len(value) < _SHORT and len(good) < _REMEMBERED:
                good.add(value)
            return True

        return check

    def _choice(self, names: list[str]) -> Check:
        wanted = frozenset(names)
        return lambda value: len({name.removeprefix("_") for name in wanted & value.keys()}) <= 1

    # Codes

    def _coding(self) -> Check:
        hook = self._engine.coding
        slowly = self._remembered(lambda value, run: hook(run, value, NOWHERE))
        good, everywhere = self._good_codings, self._engine.terminology.everywhere

        def check(value: Any) -> bool:
            if not slowly(value):
                return False
            known = (value.get("system"), value.get("code"), value.get("display"))
            if type(known[0]) is str is type(known[1]) and worth_keeping(known) and everywhere(known[0], known[1]):
                if len(good) >= _REMEMBERED:
                    good.clear()
                good.add(known)
            return True

        return check

    def _coded(self, shape: str, name: str) -> Check:
        holder = self._engine.shapes.find(shape)
        for part in shape.split(".")[1:] if holder is None else ():
            above = holder or self._engine.shapes[shape.partition(".")[0]]
            holder = above.members[part].shape
        assert holder is not None
        bound = self._engine.bindings.of(holder.members[name])
        assert bound is not None
        return self._remembered(lambda value, run: bound(run, value, NOWHERE))

    def _bound(self, said: list[Any], type: str, rule: str) -> Check:
        strength, value_set, maximum, extra = said
        binding = Binding(strength, value_set, maximum, tuple((a, b) for a, b in extra))
        check = self._engine.bindings.check
        return self._remembered(lambda value, run: check(run, binding, type, value, NOWHERE, rule))

    def _remembered(self, report: Callable[[Any, Run], None]) -> Check:
        """Whether a report on a coded value has no error; remembered by what codes it has."""
        answers: dict[Any, bool] = {}
        offline = self._engine.offline  # an outside server may say something else the next time

        def check(value: Any) -> bool:
            key = code_key(value)
            if key is not UNKEYED:
                known = answers.get(key)
                if known is not None:
                    return known
            run = Run(self._engine)
            report(value, run)
            good = not run.failed
            if offline and worth_keeping(key):
                if len(answers) >= _REMEMBERED:
                    answers.clear()
                answers[key] = good
            return good

        return check

    def _member(self, value_set: str, type: str, said: str) -> Check:
        member, state = self._engine.bindings.member, self._state
        answers: dict[Any, bool | None] = {}

        def check(value: Any) -> bool:
            key = code_key(value)
            answer = answers.get(key, key)
            if answer is key:
                answer = member(value_set, type, value, asked_in=said)
                if worth_keeping(key):
                    if len(answers) >= _REMEMBERED:
                        answers.clear()
                    answers[key] = answer
            if answer is None:
                state.unsure = True
            return answer is True

        return check

    # Invariants

    def _native(self, expression: str) -> Check:
        native = NATIVE[expression]
        assert native is not None
        run = Run(self._engine)
        return lambda value: native(run, value) is True

    def _fhirpath(self, expression: str, type: str) -> Check:
        code = fhirpath.compile(expression, model=self._engine.model, type=type)
        state, alone = self._state, code.alone

        def check(value: Any) -> bool:
            try:
                return code.test(value, state.alone if alone else self._engine.env(self.run()))
            except fhirpath.FhirPathError:
                state.unsure = True
                return False

        return check

    # Extensions

    def _extension(self, names: list[str], modifier: bool, scope: str | None) -> Check:
        """An extension that is known and may stand on an element with these names."""
        known: dict[str, Check | None] = {}
        wanted = frozenset(names)
        inside = "Extension" in wanted

        def check(value: Any) -> bool:
            url = value.get("url")
            if type(url) is not str:
                return False
            if url not in known:
                if ":" not in url:
                    return inside  # a part: its holder's definition says which it may have
                if len(known) >= _REMEMBERED or len(url) > MAX_CANONICAL:
                    return False
                known[url] = self._placed(url, wanted, modifier, scope)
            good = known[url]
            return good is not None and good(value)

        return check

    def _extension_number(self, scope: str | None) -> Check:
        """Extensions of one element, none of them more often than it may be."""

        def check(value: Any) -> bool:
            urls = [one.get("url") for one in value]
            repeated = (url for url, times in Counter(urls).items() if times > 1 and ":" in str(url))
            known = (self._engine.profile(url, asked_in=scope) for url in repeated)
            return len(urls) == len(set(urls)) or all(one is None or one.most is None for one in known)

        return check

    def _version(self, canonical: str, asked_in: str, scope: str | None) -> Check:
        """An extension against the version of its definition that a profile names."""
        profile = self._engine.profile(canonical, asked_in=asked_in)
        if profile is None or profile.is_type or profile.type != "Extension":
            return lambda value: False
        return self._extension_check(profile, scope)

    def _placed(self, url: str, names: frozenset[str], modifier: bool, scope: str | None) -> Check | None:
        profile = placed(self._engine, url, names, modifier=modifier, scope=scope)
        check = None if profile is None else self._extension_check(profile, scope)
        return check if check is None or not self._engine.offline else once_each(self._state, check)
