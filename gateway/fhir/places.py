"""Where in JSON bytes each part stands, found only when an issue has to say so.

Bytes that are written as we would write them, as most NDJSON is, need not be read again: a part stands behind as many
bytes as it takes to write what is before it: it is written once more, with marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import orjson

from gateway.fhir.codec import compact

Pointer = tuple[str | int, ...]
_Tree = dict[Any, tuple[Pointer, Any]]
"""By each step down: the pointer so far, and the tree below."""
_MARK = b"\1"
_WRITTEN = len(b"[123,")
"""Bytes of what is written before a place that is marked; one more, `]`, is written after it."""
_MOST = 1 << 14
"""Places that are marked."""
_SPACE = re.compile(rb"[ \t\r\n]*")
_NAME = re.compile(rb'[ \t\r\n]*"[^"\\]*(?:\\.[^"\\]*)*"[ \t\r\n]*:[ \t\r\n]*')
_COMMA = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Sought:
    """Places that are looked for in many sources, made ready once."""

    def __init__(self, wanted: Iterable[Pointer]) -> None:
        self.pointers = tuple(dict.fromkeys(wanted))
        inner = sorted((pointer for pointer in self.pointers if pointer), key=len, reverse=True)
        known = set(inner)
        self._marks = [(one[:-1], one[-1], _mark(number)) for number, one in enumerate(inner)]
        self._marked = [(one, sum(one[:end] in known for end in range(1, len(one)))) for one in inner]
        """Each place, and how many of the others it lies in."""

    def find(
        self, data: bytes, *, value: Any = None, above: int = 0, compactly: bool = False
    ) -> dict[Pointer, tuple[int, int]]:
        """Line and column (from 1) of the values; a place that is not there stands at its nearest parent. `data` is
        JSON that names no member twice in one object and has so many lines `above` it, and `value` what was read from
        it, where that is known; `compactly`: it is known to be written as we would write it."""
        if value is not None and len(self._marks) < _MOST and (compactly or _is_compact(data, value)):
            try:
                return self._reckon(data, value, above + 1)
            except LookupError:
                pass  # a place is not there
        offsets: dict[Pointer, int] = {(): _end(_SPACE, data, 3 if data.startswith(b"\xef\xbb\xbf") else 0)}
        _note(data[offsets[()] :], offsets[()], _tree(self.pointers), offsets)
        return {pointer: _line_and_column(data, offsets[_there(pointer, offsets)], above) for pointer in self.pointers}

    def _reckon(self, data: bytes, value: Any, line: int) -> dict[Pointer, tuple[int, int]]:
        """Write a value once more with marks before the places; LookupError where one is not there."""
        found = dict.fromkeys(self.pointers, (line, 1))
        text = self._written(value)
        place, number, ascii = text.find(_MARK), 0, data.isascii()
        before, column = 0, 1
        while place >= 0:
            pointer, around = self._marked[(text[place + 1] & 127) << 7 | text[place + 2] & 127]
            at = place - 1 - number * (_WRITTEN + 1) + around
            column += at - before if ascii else len(data[before:at].decode())
            found[pointer] = (line, column)
            before = at
            number += 1
            place = text.find(_MARK, place + 1)
        return found

    def _written(self, value: Any) -> bytes:
        """The value with its marks, which it has meanwhile."""
        changed: list[tuple[Any, str | int, Any]] = []
        try:
            for way, last, mark in self._marks:  # inner ones first
                at = value
                for step in way:
                    at = at[step]
                inner = at[last]
                at[last] = [mark, inner]
                changed.append((at, last, inner))
            text = compact(value)
        except TypeError as error:
            raise LookupError from error
        finally:
            for at, last, inner in reversed(changed):
                at[last] = inner
        if text is None:
            raise LookupError
        return text


def _mark(number: int) -> orjson.Fragment:
    """What stands before a place in what is written: no JSON has such characters."""
    return orjson.Fragment(bytes((1, 128 | number >> 7, 128 | number & 127)))


def _is_compact(data: bytes, value: Any) -> bool:
    ours = compact(value)
    return ours is not None and data.startswith(ours) and not data[len(ours) :].strip()


def _tree(pointers: Iterable[Pointer]) -> _Tree:
    tree: _Tree = {}
    for pointer in pointers:
        below = tree
        for end, step in enumerate(pointer, start=1):
            below = below.setdefault(step, (pointer[:end], {}))[1]
    return tree


def _there(pointer: Pointer, found: Mapping[Pointer, Any]) -> Pointer:
    """The place itself or its nearest parent that is among those found."""
    while pointer not in found:
        pointer = pointer[:-1]
    return pointer


def _note(data: bytes, start: int, tree: _Tree, offsets: dict[Pointer, int]) -> None:
    """Note where the parts stand that `tree` names, of a value that is `start` bytes into the source."""
    if not tree:
        return
    try:
        parts = _members(data) if data[:1] == b"{" else _items(data) if data[:1] == b"[" else iter(())
        left = len(tree)
        for step, raw, at in parts:
            if step in tree:
                pointer, below = tree[step]
                offsets[pointer] = start + at
                _note(bytes(raw) if below else b"", start + at, below, offsets)
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


def _line_and_column(data: bytes, at: int, above: int) -> tuple[int, int]:
    begins = data.rfind(b"\n", 0, at) + 1
    return data.count(b"\n", 0, at) + 1 + above, len(data[begins:at].decode("utf-8", "replace")) + 1
