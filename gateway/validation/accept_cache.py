"""Built schemas kept in a file between starts, so that a fresh process has them at once.

The file is a cache: it is ignored when it was written for other definitions or by other code, and when it cannot be
read or written nothing else changes. It holds no data of anybody.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from gateway.validation.schema_values import Schema

_FORM = b"ECMACCEPT3"


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
        if self._path is None or not self._changed:
            return
        body = msgspec.msgpack.encode(self._stored.copy())
        digest = hashlib.sha256(self._stamp + body).digest()
        waiting = self._path.with_suffix(f".{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            waiting.write_bytes(_FORM + digest + body)
            waiting.replace(self._path)
            self._changed = False

    def _read(self, path: Path) -> dict[str, bytes]:
        try:
            data = path.read_bytes()
            digest, body = data[len(_FORM) : len(_FORM) + 32], data[len(_FORM) + 32 :]
            if not data.startswith(_FORM) or hashlib.sha256(self._stamp + body).digest() != digest:
                return {}
            return msgspec.msgpack.decode(body, type=dict[str, bytes])
        except (OSError, ValueError):
            return {}


@cache
def code_version() -> str:
    """Changes when the code that builds schemas changes."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted((*here.rglob("*.py"), *(here.parent / "fhirpath").glob("*.py"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()
