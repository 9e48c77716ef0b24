"""Bringing official packages in: from a file, a folder, or by name from a FHIR package registry.

A registry answers `GET <registry>/<name>/<version>` with the package's .tgz
(https://confluence.hl7.org/display/FHIR/FHIR+Package+Registry+User+Documentation). It is asked over HTTPS only, and
what it sends must have the sha256 that the operator names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import requests

from gateway.errors import BadPackage
from gateway.packages.facts import SUFFIX, About, Package, pack
from gateway.packages.source import SourcePackage, read_archive, read_source

MAX_DOWNLOAD = 256 * 1024 * 1024
"""Largest archive taken from a registry, in bytes."""
SECONDS = 30.0
"""How long a registry may stay silent."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}#[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")
_CHUNK = 1 << 16

Progress = Callable[[int], None]
"""Told how many more bytes have come."""


def bring_in(source: SourcePackage, *, folder: Path) -> tuple[About, Path]:
    """Condense a source package into `folder`; what it is and the file written. Nothing is written when it is bad."""
    data = pack(source)
    package = Package(data, origin=str(source.manifest.get("name")))
    if not _NAME.fullmatch(package.id):
        raise BadPackage("package.json gives a name or version that cannot be a file name.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package.id}{SUFFIX}"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return package.about, path


def from_path(path: Path, *, sha256: str | None = None) -> SourcePackage:
    """Read a .tgz or folder; BadPackage when its sha256 is not the one expected."""
    source = read_source(path)
    _require(source, sha256)
    return source


def from_registry(
    wanted: str,
    *,
    registry: str,
    sha256: str,
    session: requests.Session | None = None,
    progress: Progress | None = None,
) -> SourcePackage:
    """Fetch `name#version` from a registry by HTTPS and read it; BadPackage unless it has just this sha256."""
    if not _NAME.fullmatch(wanted):
        raise BadPackage("A package is named name#version, for example hl7.fhir.us.core#6.1.0.")
    address = f"{registry.rstrip('/')}/{wanted.replace('#', '/')}"
    data = _download(address, session or requests.Session(), progress or (lambda _: None))
    if hashlib.sha256(data).hexdigest() != sha256.lower():
        raise BadPackage(f"What the registry sent for {wanted} does not have the sha256 that was named.")
    return read_archive(data)


def _download(address: str, session: requests.Session, progress: Progress) -> bytes:
    session.max_redirects = 5
    try:
        for _ in range(session.max_redirects):
            _require_https(address)
            with session.get(address, stream=True, timeout=SECONDS, allow_redirects=False) as answer:
                if answer.is_redirect:
                    address = requests.compat.urljoin(address, answer.headers["Location"])
                    continue
                if answer.status_code != 200:
                    raise BadPackage(f"The registry answered {answer.status_code}.")
                return _body(answer, progress)
    except requests.RequestException as error:
        raise BadPackage(f"The registry cannot be reached ({type(error).__name__}).") from None
    raise BadPackage("The registry redirects too often.")


def _body(answer: requests.Response, progress: Progress) -> bytes:
    found = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        found += chunk
        progress(len(chunk))
        if len(found) > MAX_DOWNLOAD:
            raise BadPackage(f"The registry sends more than {MAX_DOWNLOAD} bytes.")
    return bytes(found)


def _require_https(address: str) -> None:
    if urlsplit(address).scheme != "https":
        raise BadPackage("Packages are fetched over HTTPS only.")


def _require(source: SourcePackage, sha256: str | None) -> None:
    if sha256 is not None and source.sha256 != sha256.lower():
        raise BadPackage("The package does not have the sha256 that was named.")
