"""Where in JSON bytes each part stands, found only when an issue has to say so.

Bytes that are written as we would write them, as most NDJSON is, need not be read again: a part stands behind as many
bytes as it takes to write what is before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import orjson

from gateway.fhir.codec import compact

Pointer = tuple[str | int, ...]
_SPACE = re.compile(rb"[ \t\r\n]*")
_NAME = re.compile(rb'[ \t\r\n]*"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*:[ \t\r\n]*')
_COMMA = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def locate(
    data: bytes, wanted: Iterable[Pointer], *, value: Any = None, above: int = 0
) -> dict[Pointer, tuple[int, int]]:
    """Line and column (from 1) of the values at `wanted`; a place that is not there stands at its nearest parent.
    `data` is JSON that names no member twice in one object and has so many lines `above` it, and `value` what was read
    from it, where that is known."""
    pointers = list(wanted)
    tree: dict[Any, Any] = {}
    for pointer in pointers:
        node = tree
        for step in pointer:
            node = node.setdefault(step, {})
    offsets: dict[Pointer, int] = {}
    if value is not None and _is_compact(data, value):
        _reckon(value, 0, (), tree, offsets)
    else:
        start = _end(_SPACE, data, 3 if data.startswith(b"\xef\xbb\xbf") else 0)
        _note(data[start:], start, (), tree, offsets)
    found: dict[Pointer, tuple[int, int]] = {}
    for pointer in pointers:
        near = pointer
        while near and near not in offsets:
            near = near[:-1]
        line, column = _line_and_column(data, offsets[near])
        found[pointer] = (line + above, column)
    return found


def _reckon(value: Any, start: int, pointer: Pointer, tree: dict[Any, Any], offsets: dict[Pointer, int]) -> None:
    """Note where a value stands that is `start` bytes into what `compact` writes, and what `tree` names of what is in
    it."""
    offsets[pointer] = start
    if not tree:
        return
    at, left = start + 1, len(tree)
    if type(value) is dict:
        before: dict[str, Any] = {}
        for name, inner in value.items():
            below = tree.get(name)
            if below is not None:
                if before:
                    at += _length(before) - 1  # with a comma, without braces
                    before = {}
                _reckon(inner, at + len(orjson.dumps(name)) + 1, (*pointer, name), below, offsets)
                left -= 1
                if not left:
                    return
            before[name] = inner
    elif type(value) is list:
        last = 0
        for index in sorted(step for step in tree if type(step) is int and step < len(value)):
            if index > last:
                at += _length(value[last:index]) - 1
                last = index
            _reckon(value[index], at, (*pointer, index), tree[index], offsets)


def _is_compact(data: bytes, value: Any) -> bool:
    ours = compact(value)
    return ours is not None and data.startswith(ours) and not data[len(ours) :].strip()


def _length(part: Any) -> int:
    """Bytes of a part of what `compact` writes."""
    return len(compact(part) or b"")


def _note(data: bytes, start: int, pointer: Pointer, tree: dict[Any, Any], offsets: dict[Pointer, int]) -> None:
    """Note where a value stands that is `start` bytes into the source, and what `tree` names of what is in it."""
    offsets[pointer] = start
    if not tree:
        return
    try:
        parts = _members(data) if data[:1] == b"{" else _items(data) if data[:1] == b"[" else iter(())
        left = len(tree)
        for step, raw, at in parts:
            below = tree.get(step)
            if below is not None:
                _note(bytes(raw) if below else b"", start + at, (*pointer, step), below, offsets)
                left -= 1
                if not left:
                    return
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return


def _members(data: bytes) -> Iterator[tuple[str | int, msgspec.Raw, int]]:
    """The members of an object with where their values stand in it."""
    at = 1
    for name, raw in _object(data).items():
        at = _end(_NAME, data, _end(_COMMA, data, at))
        yield name, raw, at
        at += len(memoryview(raw))


def _items(data: bytes) -> Iterator[tuple[str | int, msgspec.Raw, int]]:
    at = 1
    for index, raw in enumerate(_array(data)):
        at = _end(_COMMA, data, at)
        yield index, raw, at
        at += len(memoryview(raw))


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    return at if match is None else match.end()


def _line_and_column(data: bytes, at: int) -> tuple[int, int]:
    begins = data.rfind(b"\n", 0, at) + 1
    return data.count(b"\n", 0, at) + 1, len(data[begins:at].decode("utf-8", "replace")) + 1
