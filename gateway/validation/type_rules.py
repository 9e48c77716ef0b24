"""What a profile says of the type of a value: which it may be, by which profiles, and what references lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.validation.compiled import ANY_RESOURCE, Rules, TypeRule
from gateway.validation.limits import check_limits
from gateway.validation.run import Run

if TYPE_CHECKING:
    from gateway.validation.conformance import Conformance, Item
    from gateway.validation.engine import Engine


class TypeRules:
    def __init__(self, engine: Engine, conformance: Conformance) -> None:
        self._engine = engine
        self._conformance = conformance

    def fit(self, run: Run, rules: Rules, types: tuple[TypeRule, ...], item: Item) -> bool:
        """Whether a value has a type that is allowed; what its type's profiles and targets ask is checked too."""
        code = item.member.type
        if code in ANY_RESOURCE:
            code = item.place[3].name if item.place[3] is not None else ""
        fitting = [t for t in types if t.code == code or t.code in ANY_RESOURCE or t.code in ("Element", "*")]
        if not fitting:
            if not rules.choice and {code, *(t.code for t in types)} <= {"string", "uri", "id"}:
                return True  # tools write the type of ids and urls in several ways
            asked = ", ".join(sorted({t.code for t in types}))
            run.error("structure", "type", f"{rules.name} must be of type {asked}.", item.place,
                      profile=f"{rules.profile}#{rules.id}")  # fmt: skip
            return False
        if code == "Reference" or code == "canonical":
            self._engine.references.check_profiles(run, rules, fitting, item)
        profiles = [p for t in fitting for p in t.profiles]
        if profiles and all(t.profiles for t in fitting):
            self._of_value(run, rules, profiles, item)
            if type(item.value) is dict:
                self._one_of(run, rules, profiles, item)
        return True

    def _of_value(self, run: Run, rules: Rules, profiles: list[str], item: Item) -> None:
        """What the one profile of a data type asks of the value itself: of a primitive, its limits and its binding."""
        profile = self._engine.profile(profiles[0], asked_in=rules.profile) if len(profiles) == 1 else None
        if profile is None or profile.is_type or profile.type not in (item.member.type, "Element"):
            return
        said = f"{profile.canonical}#{profile.rules.id}"
        if type(item.value) is not dict:
            self._conformance.item(run, profile.rules, item)
        else:
            check_limits(run, profile.rules, item, said)
            if profile.rules.binding is not None:
                self._engine.bindings.check(run, profile.rules.binding, item.member.type, item.value, item.place, said)

    def _one_of(self, run: Run, rules: Rules, profiles: list[str], item: Item) -> None:
        if item.member.type == "Extension":
            url = item.value.get("url")
            if type(url) is str and any(p.partition("|")[0] == url for p in profiles):
                named = next(p for p in profiles if p.partition("|")[0] == url)
                checked = self._engine.profile(url, asked_in=run.scope)
                if checked is self._engine.profile(named, asked_in=rules.profile):
                    return  # every extension is checked against the definition its url names
        if len(profiles) == 1:
            self._engine.apply_at(run, profiles[0], item.value, item.place, asked_in=rules.profile)
            return
        verdicts = [self._engine.conforms_at(run, p, item.value, item.place, asked_in=rules.profile) for p in profiles]
        if True not in verdicts:
            if None in verdicts:
                run.warn("not-found", "profile-unknown", "A profile asked for here is not known: not checked.",
                         item.place, profile=f"{rules.profile}#{rules.id}")  # fmt: skip
            else:
                run.error("structure", "profile-none", f"{rules.name} meets none of the profiles allowed here: "
                          + ", ".join(profiles) + ".", item.place, profile=f"{rules.profile}#{rules.id}")  # fmt: skip
