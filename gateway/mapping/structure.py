"""Raw data -> domain dataclasses, by their type hints, with every problem gathered under its domain path.

`build(Referral, raw, around)` never raises for the data's fault. Fields that cannot be read are None in the record it
returns, so that whole-record rules can still run; the record may be used only when no finding is an error.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.domain.identifiers import Unreadable
from gateway.domain.rules import Finding
from gateway.mapping.leaves import LEAVES, Leaf, Surroundings

T = TypeVar("T")


@dataclass(slots=True)
class State:
    """One record being built."""

    around: Surroundings
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, path: str, rule: str, message: str, code: str = "value") -> None:
        self.findings.append(Finding("error", path, rule, message, code))


Builder = Callable[[Any, str, State], Any]


def build(kind: type[T], raw: Any, around: Surroundings) -> tuple[T, list[Finding]]:
    """A record of `kind` and what was found on the way."""
    state = State(around)
    built: T = builder(kind)(raw, "", state)  # type: ignore[arg-type]  # a class is hashable, which the stub misses
    return built, state.findings


@cache
def builder(kind: Any) -> Builder:
    """The builder of a type, made once."""
    bare = without_none(kind)
    if get_origin(bare) is tuple:
        return _list(builder(get_args(bare)[0]))
    if is_dataclass(bare) and isinstance(bare, type):
        return _record(bare)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return _leaf(_code(bare))
    return _leaf(LEAVES[mark(bare)])


def mark(kind: Any) -> object:
    """What decides how a leaf type is read: its mark, or the type itself."""
    bare = without_none(kind)
    return get_args(bare)[1] if get_origin(bare) is Annotated else bare


def without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


@cache
def hints(kind: type) -> dict[str, Any]:
    """Field name -> type hint with its marks."""
    known = get_type_hints(kind, include_extras=True)
    return {one.name: known[one.name] for one in fields(kind)}


def with_rules(found: list[Finding], whole: Iterable[Finding]) -> list[Finding]:
    """Both kinds of findings; a rule that says what is missing stands for the field that is, unless what was given
    instead could not be read."""
    wrong = [one.path for one in found if one.severity == "error" and one.rule != "required"]
    ruled = [rule for rule in whole if not any(path.startswith(rule.asks) for path in wrong)]
    explained = {one.path for one in ruled if one.code == "required"}
    kept = [one for one in found if one.rule != "required" or not any(p.startswith(one.path) for p in explained)]
    return [*kept, *ruled]


def required(kind: type) -> tuple[str, ...]:
    """The names of the fields without which there is no record."""
    return tuple(one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING)


def _leaf(read: Leaf) -> Builder:
    def build_leaf(raw: Any, path: str, state: State) -> Any:
        if isinstance(raw, date | datetime | StrEnum):  # already read by a transform
            return raw

        def remark(rule: str, message: str) -> None:
            state.findings.append(Finding("warning", path, rule, message))

        try:
            return read(raw, state.around, remark)
        except Unreadable as why:
            code = "code-invalid" if why.rule.startswith(("concept-", "code-")) else "value"
            state.refuse(path, why.rule, why.message, code)
            return None

    return build_leaf


def _code(codes: type[StrEnum]) -> Leaf:
    known = {code.value: code for code in codes}

    def read(raw: Any, around: Surroundings, remark: Any) -> StrEnum:
        if isinstance(raw, str) and raw in known:
            return known[raw]
        raise Unreadable("code-unknown", f"is not one of: {', '.join(known)}")

    return read


def _list(item: Builder) -> Builder:
    def build_list(raw: Any, path: str, state: State) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            state.refuse(path, "type", "must be a list", "structure")
            return ()
        return tuple(item(one, f"{path}[{at}]", state) for at, one in enumerate(raw))

    return build_list


def _record(kind: type) -> Builder:
    parts: dict[str, Builder] | None = None
    needed = set(required(kind))

    def build_record(raw: Any, path: str, state: State) -> Any:
        nonlocal parts
        if parts is None:  # compiled on first use: classes refer to each other
            parts = {name: builder(hint) for name, hint in hints(kind).items()}
        if not isinstance(raw, dict):
            state.refuse(path, "type", "must be an object", "structure")
            raw, state = {}, State(state.around)
        unknown = raw.keys() - parts.keys()
        if unknown:
            state.refuse(path, "unknown-member", f"has {len(unknown)} members that are not known here", "structure")
        values: dict[str, Any] = {}
        for name, part in parts.items():
            place = f"{path}.{name}" if path else name
            given = raw.get(name)
            if given is not None:
                values[name] = part(given, place, state)
            elif name in needed:
                values[name] = _hole(part, hints(kind)[name], place, state)
        return kind(**values)

    return build_record


def _hole(part: Builder, hint: Any, place: str, state: State) -> Any:
    """What stands for a required part that is missing: an empty record or list, or None."""
    bare = without_none(hint)
    if get_origin(bare) is tuple:
        return ()  # whether an empty list will do is for the rules of the whole record
    state.refuse(place, "required", "is required", "required")
    return part({}, place, State(state.around)) if is_dataclass(bare) else None
