"""The `to` of a table row: a path into a domain record, compiled against its types, and the tree that cells fill.

`member.name.first` a field; `member.phones[]` one or more entries at the end of a list; `member.supports[0].name` a
part of a list's entry; `populations[9]` (a yes/no cell) puts a code into a list; `criteria[2.A1]`, `programs[mssp]`
(a yes/no cell) answers one question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

from gateway.mapping import structure
from gateway.mapping.leaves import LEAVES

_STEP = re.compile(r"([a-z_]+)((?:\[[^\]]*\])?)(?:\.|$)")

Key = str | int


@dataclass(frozen=True, slots=True)
class Target:
    """A compiled path. `steps` lead to the place; `kind` is the type at it.

    `put`: `set` one value, `add` to a list, `switch` adds `code` when the cell says yes, `answer` notes what it says.
    """

    steps: tuple[Key, ...]
    put: Literal["set", "add", "switch", "answer"]
    kind: Any
    code: str = ""
    key: str = ""

    @property
    def is_leaf(self) -> bool:
        return not is_dataclass(structure.without_none(self.kind))

    @property
    def is_free_text(self) -> bool:
        """Text in the sender's own sentences, kept whatever it says."""
        return self.put in ("set", "add") and structure.mark(self.kind) == "long-text"

    @property
    def is_name(self) -> bool:
        """A line of text, where a word such as `Null` may be somebody's name."""
        return self.put in ("set", "add") and structure.mark(self.kind) in ("text", str)

    @property
    def is_yes_no(self) -> bool:
        return self.put in ("switch", "answer") or structure.mark(self.kind) is bool


def compiled(path: str, root: type) -> Target:
    """The target of `path` below `root`; ValueError says what is wrong with it."""
    kind: Any = root
    steps: list[Key] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if not match:
            raise ValueError("is not a path of field names")
        at = match.end()
        name, bracket = match[1], match[2]
        record = structure.without_none(kind)
        fields = structure.hints(record) if is_dataclass(record) and isinstance(record, type) else {}
        if name not in fields:
            raise ValueError(f"names a field `{name}` that is not there")
        kind = structure.without_none(fields[name])
        steps.append(name)
        if get_origin(kind) is tuple:
            kind = structure.without_none(get_args(kind)[0])
            if at == len(path):
                return _into_list(bracket, kind, tuple(steps))
            if not re.fullmatch(r"\[\d+\]", bracket):
                raise ValueError(f"needs an index, as in `{name}[0]`")
            steps.append(int(bracket[1:-1]))
        elif bracket:
            raise ValueError(f"`{name}` is not a list")
    return Target(tuple(steps), "set", kind)


def _into_list(bracket: str, kind: Any, steps: tuple[Key, ...]) -> Target:
    inner = bracket[1:-1]
    if not bracket:
        raise ValueError("is a list: write `[]` to add to it")
    if not inner:
        return Target(steps, "add", kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if inner not in {code.value for code in kind}:
            raise ValueError("names a code that is not in the list")
        return Target(steps, "switch", kind, code=inner)
    key = getattr(kind, "KEY", None)
    if key is not None:
        return Target(steps, "answer", kind, code=inner, key=key)
    if structure.mark(kind) in LEAVES:
        return Target(steps, "switch", kind, code=inner)
    raise ValueError("cannot take a code in brackets")


class Tree:
    """Raw data growing cell by cell, with the column that each part came from."""

    def __init__(self) -> None:
        self._root: dict[Key, Any] = {}
        self._columns: dict[tuple[Key, ...], str] = {}

    def put(self, target: Target, raw: Any, column: str) -> None:
        """Put a read cell (never empty) where its target says."""
        if target.put == "set":
            self._set(target.steps, raw, column)
        elif target.put == "add":
            for one in raw if isinstance(raw, list) else [raw]:
                self._append(target.steps, one, column)
        elif target.put == "switch":
            if raw is True or raw == "yes":
                self._append(target.steps, target.code, column)
        else:
            self._append(target.steps, {target.key: target.code, "answer": raw}, column)

    def _node(self, steps: tuple[Key, ...]) -> dict[Key, Any]:
        node = self._root
        for step in steps:
            node = node.setdefault(step, {})
        return node

    def _set(self, steps: tuple[Key, ...], raw: Any, column: str) -> None:
        self._node(steps[:-1])[steps[-1]] = raw if not isinstance(raw, list) else dict(enumerate(raw))
        self._columns[steps] = column

    def _append(self, steps: tuple[Key, ...], raw: Any, column: str) -> None:
        entries = self._node(steps)
        at = len(entries)
        entries[at] = raw
        self._columns[(*steps, at)] = column

    def finished(self) -> tuple[Any, dict[str, str]]:
        """The raw record, and domain path -> column."""
        columns: dict[str, str] = {}
        return self._finish(self._root, (), "", columns), columns

    def _finish(self, node: Any, steps: tuple[Key, ...], path: str, columns: dict[str, str]) -> Any:
        if steps in self._columns:
            columns[path] = self._columns[steps]
        if not isinstance(node, dict):
            return node
        if node and all(isinstance(key, int) for key in node):
            ordered = sorted(node.items())
            return [self._finish(part, (*steps, key), f"{path}[{n}]", columns) for n, (key, part) in enumerate(ordered)]
        return {
            key: self._finish(part, (*steps, key), f"{path}.{key}" if path else str(key), columns)
            for key, part in node.items()
        }
