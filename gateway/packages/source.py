"""Official FHIR packages as published: a `.tgz` or an unpacked folder, read as untrusted input.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification. Nothing is ever unpacked to disk. Refused as
BadPackage: names that leave the package, links and devices, a file named twice, more files or bytes than the limits
below (counted while unpacking, so a small archive that swells is stopped), bytes that are not JSON.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec.structs import replace

from gateway.errors import BadPackage
from gateway.packages.condense import condense

Json = dict[str, Any]

MAX_ARCHIVE = 256 * 1024 * 1024
"""Largest archive, in bytes; the largest published ones have about 60 MB."""
MAX_FILE = 64 * 1024 * 1024
"""Largest file inside a package, in bytes; the largest of R4 core has 10 MB."""
MAX_TOTAL = 512 * 1024 * 1024
"""Most bytes a package may unpack to; R4 core has 49 MB."""
MAX_FILES = 50_000
"""Most files in a package; the largest published ones have about 13,000."""

MAX_HEADER = 4 * 1024
"""Longest extended header of a file; tarfile reads one whole, and takes far more time than for content."""
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_NOT_RESOURCES = {"package.json", ".index.json", ".index.db", "ig-r4.json", "spec.internals", "other.json"}


class SourcePackage(msgspec.Struct, frozen=True):
    """A package as read: its manifest (`package.json`), its condensed resources by file name, and the source's hash."""

    manifest: Json
    resources: tuple[Json, ...]
    sha256: str
    """Of the archive's bytes; of a folder: of the sorted names and contents of its JSON files."""


Keep = Callable[[Json], Json | None]
"""What to keep of one resource as it is read (all of a package at once would take half a gigabyte)."""


def read_source(path: Path, *, keep: Keep = condense) -> SourcePackage:
    """Read an official package from a `.tgz` file or an unpacked folder."""
    try:
        if path.is_dir():
            digest = hashlib.sha256()
            return replace(_from_files(_hashing(_folder_files(path), digest), keep), sha256=digest.hexdigest())
        with path.open("rb") as file:
            data = file.read(MAX_ARCHIVE + 1)
        if len(data) > MAX_ARCHIVE:
            raise BadPackage(f"It is larger than {MAX_ARCHIVE} bytes.")
        return read_archive(data, keep=keep)
    except OSError as error:
        raise BadPackage(f"The package {path.name} cannot be read: {error.strerror}.") from None
    except BadPackage as error:
        raise BadPackage(f"{path.name}: {error}") from None


def read_archive(data: bytes, *, keep: Keep = condense) -> SourcePackage:
    """Read an official package from the bytes of its `.tgz`."""
    try:
        return replace(_from_files(_archive_files(data), keep), sha256=hashlib.sha256(data).hexdigest())
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError, RecursionError):
        raise BadPackage("The package is not a readable .tgz archive.") from None


def _from_files(files: Iterator[tuple[str, bytes]], keep: Keep) -> SourcePackage:
    """Read the files; the hash is left to who knows the source's bytes."""
    manifest: Json | None = None
    found: dict[str, Json] = {}
    for name, data in files:
        if name == "package.json":
            manifest = _object(name, data)
        elif name not in _NOT_RESOURCES and not name.endswith((".openapi.json", ".schema.json")):
            resource = keep(_object(name, data))
            if resource is not None:
                found[name] = resource
    if manifest is None:
        raise BadPackage("The package has no package/package.json.")
    return SourcePackage(manifest, tuple(found[name] for name in sorted(found)), "")


def _hashing(files: Iterator[tuple[str, bytes]], digest: Any) -> Iterator[tuple[str, bytes]]:
    for name, data in files:
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
        yield name, data


def _object(name: str, data: bytes) -> Json:
    try:
        value = _decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError, ArithmeticError):
        raise BadPackage(f"{name} in the package is not well-formed JSON.") from None
    if not isinstance(value, dict):
        raise BadPackage(f"{name} in the package is not a JSON object.")
    return value


class _Bounded(io.RawIOBase):
    """The unpacked bytes of a gzip stream, which stops when there are too many of them."""

    def __init__(self, data: bytes) -> None:
        self._stream = gzip.GzipFile(fileobj=io.BytesIO(data))
        self._left = MAX_TOTAL

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > MAX_FILE:
            raise BadPackage(f"A file in the package is larger than {MAX_FILE} bytes.")
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadPackage(f"The package unpacks to more than {MAX_TOTAL} bytes.")
        return data


class _Header(tarfile.TarInfo):
    """A header that is judged before tarfile reads what belongs to it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise BadPackage("The package holds a file with holes.")
        if header.type in _EXTENDED and not 0 <= header.size <= MAX_HEADER:
            raise BadPackage(f"A file in the package has a header of more than {MAX_HEADER} bytes.")
        return header


def _archive_files(data: bytes) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    with tarfile.open(fileobj=_Bounded(data), mode="r|", bufsize=1 << 16, tarinfo=_Header) as archive:
        for count, member in enumerate(archive):
            if count >= MAX_FILES:
                raise BadPackage(f"The package has more than {MAX_FILES} files.")
            name = _safe_name(member)
            if name is None:
                continue
            if name in seen:
                raise BadPackage(f"{name} occurs twice in the package.")
            seen.add(name)
            if member.size > MAX_FILE:
                raise BadPackage(f"{name} in the package is larger than {MAX_FILE} bytes.")
            stream = archive.extractfile(member)
            assert stream is not None  # a regular file has content
            yield name, stream.read()
            archive.members.clear()  # type: ignore[attr-defined]  # else every header read so far is kept


def _safe_name(member: tarfile.TarInfo) -> str | None:
    """The file's name inside `package/`, or None for what is not a definition (folders, examples, schemas)."""
    name = member.name
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise BadPackage("A file name in the package leads out of it.")
    if member.isdir():
        return None
    if not member.isreg() or member.issparse():
        raise BadPackage("The package holds a link or a device instead of a file.")
    folder, _, inside = name.removeprefix("./").partition("/")
    return inside if folder == "package" and "/" not in inside and inside.endswith(".json") else None


def _folder_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    inner = folder / "package" if (folder / "package" / "package.json").is_file() else folder
    left = MAX_TOTAL
    names = sorted(inner.glob("*.json"))
    if len(names) > MAX_FILES:
        raise BadPackage(f"The package has more than {MAX_FILES} files.")
    for path in names:
        if path.is_symlink() or not path.is_file():
            raise BadPackage(f"{path.name} in the package is a link, not a file.")
        size = path.stat().st_size
        left -= size
        if size > MAX_FILE or left < 0:
            raise BadPackage("The package is larger than the limits.")
        yield path.name, path.read_bytes()
