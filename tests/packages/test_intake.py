"""Bringing packages in from files and registries."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.errors import BadPackage
from gateway.packages import intake
from gateway.packages.facts import Package
from gateway.packages.intake import bring_in, from_path, from_registry
from tests.packages.test_source import MANIFEST, package

NAME = "example.package#1.0.0"
REGISTRY = "https://registry.example"


class Answers(requests.adapters.BaseAdapter):
    """A registry that gives prepared answers by address."""

    def __init__(self, answers: dict[str, tuple[int, dict[str, str], bytes]]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[str] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert request.url is not None
        self.asked.append(request.url)
        status, headers, body = self.answers[request.url]
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = status, request.url, request
        answer.headers.update(headers)
        answer.raw = __import__("io").BytesIO(body)
        return answer

    def close(self) -> None: ...


def session(answers: dict[str, tuple[int, dict[str, str], bytes]]) -> tuple[requests.Session, Answers]:
    made, adapter = requests.Session(), Answers(answers)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made, adapter


def fetch(answers: dict[str, tuple[int, dict[str, str], bytes]], *, sha256: str, registry: str = REGISTRY) -> Any:
    made, _ = session(answers)
    return from_registry(NAME, registry=registry, sha256=sha256, session=made)


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_becomes_a_condensed_package(tmp_path: Path) -> None:
    (tmp_path / "in.tgz").write_bytes(package())
    about, path = bring_in(from_path(tmp_path / "in.tgz"), folder=tmp_path / "out")
    assert about.id == NAME
    assert about.source == hashed(package())
    assert path.name == f"{NAME}.facts"
    assert Package.open(path).about == about
    assert list((tmp_path / "out").iterdir()) == [path], "nothing unfinished is left"


def test_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.tgz").write_bytes(package())
    assert from_path(tmp_path / "in.tgz", sha256=hashed(package()).upper()).manifest == MANIFEST
    with pytest.raises(BadPackage, match="sha256"):
        from_path(tmp_path / "in.tgz", sha256="0" * 64)


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "in.tgz").write_bytes(package(manifest={**MANIFEST, "name": name}))
    with pytest.raises(BadPackage, match="file name"):
        bring_in(from_path(tmp_path / "in.tgz"), folder=tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_registry_is_asked_by_name_and_version() -> None:
    data = package()
    made, adapter = session({f"{REGISTRY}/example.package/1.0.0": (200, {}, data)})
    seen: list[int] = []
    source = from_registry(NAME, registry=f"{REGISTRY}/", sha256=hashed(data), session=made, progress=seen.append)
    assert source.manifest == MANIFEST
    assert adapter.asked == [f"{REGISTRY}/example.package/1.0.0"]
    assert sum(seen) == len(data)


def test_what_a_registry_sends_must_have_the_pinned_hash() -> None:
    with pytest.raises(BadPackage, match="sha256"):
        fetch({f"{REGISTRY}/example.package/1.0.0": (200, {}, package())}, sha256="0" * 64)


def test_redirects_stay_on_https_and_end() -> None:
    data, first = package(), f"{REGISTRY}/example.package/1.0.0"
    moved = {first: (302, {"Location": "https://cdn.example/p.tgz"}, b""), "https://cdn.example/p.tgz": (200, {}, data)}
    assert fetch(moved, sha256=hashed(data)).manifest == MANIFEST
    with pytest.raises(BadPackage, match="HTTPS only"):
        fetch({first: (302, {"Location": "http://cdn.example/p.tgz"}, b"")}, sha256="0" * 64)
    with pytest.raises(BadPackage, match="redirects too often"):
        fetch({first: (302, {"Location": first}, b"")}, sha256="0" * 64)


def test_only_https_is_used() -> None:
    with pytest.raises(BadPackage, match="HTTPS only"):
        fetch({}, sha256="0" * 64, registry=REGISTRY.replace("https:", "http:"))


def test_a_registry_that_refuses_or_floods_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{REGISTRY}/example.package/1.0.0"
    with pytest.raises(BadPackage, match="answered 404"):
        fetch({address: (404, {}, b"")}, sha256="0" * 64)
    monkeypatch.setattr(intake, "MAX_DOWNLOAD", 100)
    with pytest.raises(BadPackage, match="more than 100 bytes"):
        fetch({address: (200, {}, b"x" * 200_000)}, sha256="0" * 64)


@pytest.mark.parametrize("name", ["no-version", "../../etc#1", "a#b/../c", "a?x=1#1"])
def test_a_wanted_name_must_be_name_and_version(name: str) -> None:
    with pytest.raises(BadPackage, match="name#version"):
        from_registry(name, registry=REGISTRY, sha256="0" * 64)
