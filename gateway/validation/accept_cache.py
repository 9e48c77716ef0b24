"""Built schemas kept in a file between starts, so that a fresh process has them at once.

The file is a cache: it is ignored when it was written for other definitions or by other code, and when it cannot be
read or written nothing else changes. It holds no data of anybody. What it says is believed, so it is read only where
nobody else could have written it: the file is this user's or root's, and others may not write to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

import msgspec

from gateway.validation.schema_values import Schema

_FORM = b"ECMACCEPT3"
_MOST = 256 << 20
"""Bytes of a file that is read; some hundred schemas take 5 MB."""


class SchemaCache:
    """Schemas by name, each compressed by itself: a server needs few of them. Without a path they are only kept in
    memory while being built."""

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        self._path = path
        self._stamp = f"{fingerprint}:{code_version()}".encode()
        self._stored: dict[str, bytes] = {}
        self._changed = False
        if path is not None:
            self._stored = self._read(path)

    def stored(self, name: str) -> Schema | None:
        """The schema of that name, where the file has it or one was built for it."""
        found = self._stored.get(name)
        return None if found is None else msgspec.json.decode(zlib.decompress(found), type=dict)

    def get(self, name: str, build: Callable[[], Schema]) -> Schema:
        """The schema of that name, from the file or built now."""
        found = self.stored(name)
        if found is not None:
            return found
        schema = build()
        if self._path is not None:
            self._stored[name] = zlib.compress(msgspec.json.encode(schema), 6)
            self._changed = True
        return schema

    def save(self) -> None:
        """Write what was built since the start; quietly does nothing where that is not possible."""
        if self._path is None or not self._changed or (self._path.exists() and not self._path.is_file()):
            return
        body = msgspec.msgpack.encode(self._stored.copy())
        digest = hashlib.sha256(self._stamp + body).digest()
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, name = mkstemp(dir=self._path.parent, prefix=self._path.stem, suffix=".tmp")
            try:
                with os.fdopen(number, "wb") as waiting:
                    waiting.write(_FORM + digest + body)
                Path(name).chmod(0o644)
                Path(name).replace(self._path)
                self._changed = False
            finally:
                Path(name).unlink(missing_ok=True)

    def _read(self, path: Path) -> dict[str, bytes]:
        if not path.is_file():  # a pipe or a device may never end
            return {}
        try:
            with path.open("rb") as stream:
                data = stream.read(_MOST) if _ours(stream) else b""
            digest, body = data[len(_FORM) : len(_FORM) + 32], data[len(_FORM) + 32 :]
            if not data.startswith(_FORM) or hashlib.sha256(self._stamp + body).digest() != digest:
                return {}
            return msgspec.msgpack.decode(body, type=dict[str, bytes])
        except (OSError, ValueError):
            return {}


def _ours(stream: BinaryIO) -> bool:
    """Whether only this user and root can have written a file."""
    if not hasattr(os, "geteuid"):
        return True
    status = os.fstat(stream.fileno())
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def code_version() -> str:
    """Changes when the code that builds schemas changes."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted((*here.rglob("*.py"), *(here.parent / "fhirpath").glob("*.py"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()
