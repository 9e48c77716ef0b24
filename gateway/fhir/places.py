"""Where in JSON bytes each part stands, found only when an issue has to say so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

Pointer = tuple[str | int, ...]
_TOKEN = re.compile(
    r'[ \t\r\n]*(?:(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<mark>[{}\[\]:,])|(?P<other>[^\s{}\[\]:,"]+))'
)


def locate(data: bytes, wanted: Iterable[Pointer]) -> dict[Pointer, tuple[int, int]]:
    """Line and column (from 1) of the values at `wanted`; a place that is not there stands at its nearest parent."""
    text = data.decode("utf-8", "replace")
    targets = {pointer[:length] for pointer in wanted for length in range(len(pointer) + 1)}
    offsets = _offsets(text, targets)
    found: dict[Pointer, tuple[int, int]] = {}
    for pointer in wanted:
        near = pointer
        while near and near not in offsets:
            near = near[:-1]
        at = offsets.get(near, 0)
        found[pointer] = (text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)
    return found


def _offsets(text: str, targets: set[Pointer]) -> dict[Pointer, int]:
    offsets: dict[Pointer, int] = {}
    path: list[str | int] = []
    expects_name: list[bool] = []
    at = 0
    for match in _TOKEN.finditer(text):
        mark = match["mark"]
        at = match.start(match.lastgroup or 0)
        if mark in ("{", "["):
            _note(offsets, path, at, targets)
            path.append("" if mark == "{" else 0)
            expects_name.append(mark == "{")
        elif mark in ("}", "]"):
            if path:
                path.pop()
                expects_name.pop()
        elif mark == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
            elif path:
                expects_name[-1] = True
        elif mark == ":":
            if expects_name:
                expects_name[-1] = False
        elif match["string"] and expects_name and expects_name[-1]:
            path[-1] = _name(match["string"])
        else:
            _note(offsets, path, at, targets)
    return offsets


def _note(offsets: dict[Pointer, int], path: list[str | int], at: int, targets: set[Pointer]) -> None:
    here = tuple(path)
    if here in targets:
        offsets.setdefault(here, at)


def _name(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    try:
        return str(json.loads(token))
    except ValueError:
        return token[1:-1]
