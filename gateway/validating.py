"""Files of resources held to their profiles, by as many processes as there are processors: `ecm-gateway validate`.

NDJSON is read and told by the processes that check it, a block at a time. What the beginning of a file needs is
compiled before there are processes, so that all of them have it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from gateway import heap
from gateway.errors import Issue, Malformed
from gateway.fhir import codec
from gateway.fhir.outcome import outcome
from gateway.validation import Validator

if TYPE_CHECKING:
    from concurrent.futures import Future

BLOCK = 1 << 20
"""Bytes of NDJSON that a process reads at a time."""
STDIN = "-"
LARGEST = 256 << 20
"""Bytes of a resource, or of a line of NDJSON, that are read: a device has no end."""
_AHEAD = 3
"""Blocks that wait for each process."""
_BEGINNING = 40
"""Bytes of a line that say of which type the resource is: most write that first."""
_BLANK = 4
"""Lines that are read to find a second one."""
_KINDS = 60
"""Kinds of lines, by their beginnings, that are made ready before there are processes."""
_kept: tuple[Any, Validator] | None = None


@dataclass(frozen=True)
class Known:
    """By what is checked: packages, loose definitions, how bad unknown extensions are. `cache` is the file in which
    what was compiled is kept between starts."""

    packages: tuple[str, ...]
    loose: tuple[bytes, ...]
    unknown_extensions: Any
    cache: Path | None = None

    def validator(self) -> Validator:
        """Made once a process."""
        global _kept
        if _kept is None or _kept[0] != self:
            with heap.loading():
                made = Validator.load(
                    self.packages,
                    resources=self.loose,
                    unknown_extensions=self.unknown_extensions,
                    cache=self.cache,
                )
            _kept = (self, made)
        return _kept[1]


@dataclass(frozen=True)
class How:
    """By which profiles, and what is printed."""

    profiles: tuple[str, ...]
    as_json: bool
    errors_only: bool


@dataclass(frozen=True)
class Told:
    """What was found in a part of a file: what is printed of it, and how many resources there are, how many wrong."""

    text: bytes
    resources: int
    wrong: int


@dataclass(frozen=True)
class _Block:
    """Whole lines of NDJSON: where they are in the file of that name, or themselves where there is none."""

    name: str
    start: int
    size: int
    first: int
    """The number of the first line."""
    data: bytes | None

    def lines(self) -> list[bytes]:
        data = self.data
        if data is None:
            with Path(self.name).open("rb") as stream:
                stream.seek(self.start)
                data = stream.read(self.size)
        return data.removesuffix(b"\n").split(b"\n")


def found_in(name: str, known: Known, how: How) -> Iterator[Told]:
    """What is found in a file, part by part; `-` is standard input. BadProfile when a profile named is not known."""
    stream: BinaryIO
    with nullcontext(sys.stdin.buffer) if name == STDIN else Path(name).open("rb") as stream:
        beginning = stream.read(BLOCK) + stream.readline(LARGEST)
        if b"\n" not in beginning.strip():  # the first line is a large one
            beginning += b"".join(stream.readline(LARGEST) for _ in range(_BLANK))
        if not name.endswith(".ndjson") and not _is_lines(beginning):
            yield _one(name, beginning + stream.read(max(LARGEST + 1 - len(beginning), 0)), known, how)
        elif beginning:
            yield from _lines(name, beginning, stream, known, how)


def _one(name: str, data: bytes, known: Known, how: How) -> Told:
    if len(data) > LARGEST:
        message = f"The file has more than {LARGEST} bytes: send many resources as NDJSON."
        return Told(_text(name, [Issue("fatal", "too-long", message, rule="size")], how), 1, 1)
    validator = known.validator()
    issues = validator.check(data, profiles=how.profiles)
    validator.acceptor.save()
    return Told(_text(name, issues, how), 1, int(any(issue.is_error for issue in issues)))


def _is_lines(beginning: bytes) -> bool:
    """Whether this is how NDJSON begins: with two lines of an object each."""
    lines = (line.strip() for line in beginning.split(b"\n"))
    first = [line for line, _ in zip((line for line in lines if line), range(2), strict=False)]
    return len(first) == 2 and all(line[:1] == b"{" and line[-1:] == b"}" for line in first)


def _lines(name: str, beginning: bytes, stream: BinaryIO, known: Known, how: How) -> Iterator[Told]:
    validator = known.validator()
    blocks = _blocks(name, beginning, stream)
    first, second = next(blocks), next(blocks, None)
    with heap.loading():
        _make_ready(validator, first, how)
    validator.acceptor.save()
    processes = _processors()
    if second is None or processes == 1:
        yield from (_found(validator, block, how) for block in chain([first], [second] if second else [], blocks))
        validator.acceptor.save()
        return
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    waiting: deque[tuple[int, Future[Told]]] = deque()
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=known.validator)
    with pool, _progress(name) as bar:
        for block in chain([first, second], blocks):
            waiting.append((block.size, pool.submit(_found_by, block, how)))
            while len(waiting) > processes * _AHEAD:
                yield _next(waiting, bar)
        while waiting:
            yield _next(waiting, bar)


def _next(waiting: deque[tuple[int, Future[Told]]], bar: Any) -> Told:
    size, found = waiting.popleft()
    told = found.result()
    if bar is not None:
        bar.update(size)
    return told


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _progress(name: str) -> AbstractContextManager[Any]:
    """A progress bar on stderr, when a person looks at it."""
    if name == STDIN or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=Path(name).stat().st_size, label=Path(name).name, file=sys.stderr)


def _blocks(name: str, data: bytes, stream: BinaryIO) -> Iterator[_Block]:
    """Parts of whole lines of a file that begins with `data`."""
    start, number = 0, 1
    while data:
        yield _Block(name, start, len(data), number, data if name == STDIN else None)
        start, number = start + len(data), number + data.count(b"\n")
        data = stream.read(BLOCK) + stream.readline(LARGEST)


def _make_ready(validator: Validator, block: _Block, how: How) -> None:
    """Compile what the kinds of lines in a block need."""
    wanted = [validator.profile(canonical) for canonical in how.profiles]
    kinds: dict[bytes, bytes] = {}
    for line in block.lines():
        kinds.setdefault(line[:_BEGINNING], line)
    for line in list(kinds.values())[:_KINDS]:
        try:
            validator.acceptor.accepts(codec.read(line), wanted)
        except Malformed:
            continue
        if not how.errors_only:
            validator.check(line, how.profiles)


def _alike(lines: list[bytes]) -> Iterator[int]:
    """The numbers of the lines, those that begin alike one after the other: what is compiled for a type then stays in
    the processor's cache, which is worth a fifth of the time."""
    found: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        found.setdefault(line[:_BEGINNING], []).append(number)
    return chain.from_iterable(found.values())


def _found_by(block: _Block, how: How) -> Told:
    """In a process of the pool."""
    assert _kept is not None
    return _found(_kept[1], block, how)


def _found(validator: Validator, block: _Block, how: How) -> Told:
    lines = block.lines()
    texts, wrong = [b""] * len(lines), 0
    found = _errors if how.errors_only else _everything
    for number, issues in found(validator, lines, block.first, how):
        wrong += any(issue.is_error for issue in issues)
        texts[number] = _text(f"{block.name}:{block.first + number}", issues, how)
    return Told(b"".join(texts), len(lines) - sum(not line.strip() for line in lines), wrong)


def _errors(validator: Validator, lines: list[bytes], first: int, how: How) -> Iterator[tuple[int, list[Issue]]]:
    """The lines that have errors, by their number in the block."""
    wanted = [validator.profile(canonical) for canonical in how.profiles]
    accepts, read = validator.acceptor.accepts, codec.read
    for number in _alike(lines):
        line = lines[number]
        try:
            if accepts(read(line), wanted):
                continue
        except Malformed:
            if not line.strip():
                continue
        issues = [issue for issue in validator.check(line, how.profiles, line=first + number) if issue.is_error]
        if issues:
            yield number, issues


def _everything(validator: Validator, lines: list[bytes], first: int, how: How) -> Iterator[tuple[int, list[Issue]]]:
    for number in _alike(lines):
        line = lines[number]
        if line.strip():
            yield number, validator.check(line, how.profiles, line=first + number)
        else:
            yield number, [_empty_line()]


def _empty_line() -> Issue:
    return Issue("warning", "structure", "The line is empty: some readers of NDJSON refuse that.", rule="ndjson")


def _text(name: str, issues: list[Issue], how: How) -> bytes:
    errors = [issue for issue in issues if issue.is_error]
    if how.errors_only:
        issues = errors
        if not errors:
            return b""
    if how.as_json:
        return codec.write(outcome(issues)) + b"\n"
    told = [f"{name}: {f'{len(errors)} error(s)' if errors else 'valid'}\n"]
    for issue in issues:
        place = f" [{issue.line},{issue.column}]" if issue.line and issue.column else ""
        rule = f" ({issue.rule}{', ' + issue.profile if issue.profile else ''})"
        told.append(f"  {issue.severity}: {issue.expression or '-'}{place}: {issue.message}{rule}\n")
    return "".join(told).encode()
