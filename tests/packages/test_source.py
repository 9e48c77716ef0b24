"""Official packages as untrusted input."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import BadPackage
from gateway.packages import source
from gateway.packages.facts import Package, pack
from gateway.packages.source import read_archive, read_source

MANIFEST = {"name": "example.package", "version": "1.0.0", "license": "CC0-1.0", "fhirVersions": ["4.0.1"]}
VALUE_SET = {"resourceType": "ValueSet", "url": "http://example.org/vs", "version": "1", "description": "prose"}


def archive(files: list[tuple[str | tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def package(*files: tuple[str | tarfile.TarInfo, bytes], manifest: Any = MANIFEST) -> bytes:
    return archive([("package/package.json", json.dumps(manifest).encode()), *files])


def refusal(data: bytes) -> str:
    with pytest.raises(BadPackage) as caught:
        pack(read_archive(data))
    return str(caught.value)


def test_a_package_is_read_and_condensed() -> None:
    example = ("package/example/Patient-1.json", b"not even JSON")
    data = package(("package/ValueSet-vs.json", json.dumps(VALUE_SET).encode()), example)
    found = Package(pack(read_archive(data)), origin="test")
    assert found.id == "example.package#1.0.0"
    assert [found.read(entry) for entry in found.index] == [{k: VALUE_SET[k] for k in list(VALUE_SET)[:3]}]


def test_folder_and_archive_give_the_same_facts(tmp_path: Path) -> None:
    content = json.dumps(VALUE_SET).encode()
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "package.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "package" / "vs.json").write_bytes(content)
    folder = Package(pack(read_source(tmp_path)), origin="folder")
    packed = Package(pack(read_archive(package(("package/vs.json", content)))), origin="archive")
    assert folder.about.content == packed.about.content


def test_the_same_source_gives_the_same_bytes() -> None:
    data = package(("package/vs.json", json.dumps(VALUE_SET).encode()))
    assert pack(read_archive(data)) == pack(read_archive(data))


@pytest.mark.parametrize(
    "name", ["../evil.json", "package/../../evil.json", "/etc/evil.json", "package\\..\\evil.json"]
)
def test_names_that_leave_the_package_are_refused(name: str) -> None:
    assert "leads out of it" in refusal(package((name, b"{}")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    link = tarfile.TarInfo("package/link.json")
    link.type, link.linkname = kind, "/etc/hostname"
    assert "link or a device" in refusal(package((link, b"")))


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").symlink_to("/etc/hostname")
    with pytest.raises(BadPackage, match="link"):
        read_source(tmp_path)


def test_a_file_named_twice_is_refused() -> None:
    assert "occurs twice" in refusal(package(("package/a.json", b"{}"), ("package/a.json", b"{}")))


def test_a_definition_given_twice_is_refused() -> None:
    content = json.dumps(VALUE_SET).encode()
    assert "defined twice" in refusal(package(("package/a.json", content), ("package/b.json", content)))


def test_what_swells_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_TOTAL", 1_000_000)
    bomb = package(("package/a.json", b"{}" + b" " * 900_000), ("package/example/b.json", b"{}" + b" " * 900_000))
    assert len(bomb) < 10_000
    assert "unpacks to more than" in refusal(bomb)
    monkeypatch.setattr(source, "MAX_FILE", 100_000)
    assert "larger than" in refusal(package(("package/a.json", b"{}" + b" " * 900_000)))


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_FILES", 10)
    assert "more than 10 files" in refusal(package(*[(f"package/{n}.txt", b"") for n in range(20)]))


def extended(kind: bytes, size: int, *, times: int = 1) -> bytes:
    """An archive of headers that only say something of the header after them."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = kind, size
    said = (b"9 a=bbbb\n" * (size // 9 + 1))[:size]
    blocks = said + b"\0" * (-size % 512)
    return gzip.compress((header.tobuf(tarfile.USTAR_FORMAT) + blocks) * times + b"\0" * 1024, 1)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_long_header_of_a_header_is_refused_unread(kind: bytes) -> None:
    began = time.process_time()
    assert "has a header of more than" in refusal(extended(kind, 8 * 1024 * 1024))
    assert time.process_time() - began < 1  # tarfile needs seconds for it, and minutes for the largest


def test_headers_that_follow_one_another_for_ever_are_refused() -> None:
    assert "not a readable" in refusal(extended(tarfile.XHDTYPE, 9, times=5000))


def test_a_file_with_holes_is_refused() -> None:
    member = tarfile.TarInfo("package/x.json")
    member.type = tarfile.GNUTYPE_SPARSE
    assert "holes" in refusal(package((member, b"")))


def test_a_header_that_claims_gigabytes_is_refused() -> None:
    header = tarfile.TarInfo("./PaxHeaders/x")
    header.type, header.size = tarfile.XHDTYPE, 8 * 1024**3 - 1
    assert "has a header of more than" in refusal(gzip.compress(header.tobuf() + b"\0" * 10_000))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a readable"),
        (b"PK\x03\x04 not a tgz", "not a readable"),
        (archive([("package/a.json", b"{}")])[:-30], "not a readable"),
        (archive([("package/a.json", b"{}")]), "no package/package.json"),
        (package(("package/a.json", b'{"resourceType": ')), "not well-formed JSON"),
        (package(("package/a.json", b"[1]")), "not a JSON object"),
        (package(("package/a.json", b"[" * 100_000)), "not well-formed JSON"),
        (
            package(("package/a.json", b'{"resourceType": "ValueSet", "compose": 7}')),
            "A ValueSet does not have the shape",
        ),
        (package(("package/a.json", b'{"resourceType": "ValueSet", "url": ["x"]}')), "not a text"),
        (package(manifest={**MANIFEST, "fhirVersions": ["5.0.0"]}), "is for FHIR 5.0.0"),
        (package(manifest={"name": "x"}), "does not name the package"),
        (package(manifest={**MANIFEST, "dependencies": [1]}), "does not name the package"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_broken_packages_are_refused_with_a_reason(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_an_archive_is_refused_by_name_and_read_no_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_ARCHIVE", 1000)
    path = tmp_path / "swollen.tgz"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadPackage, match=r"^swollen\.tgz: It is larger than 1000 bytes"):
        read_source(path)
    path.write_bytes(b"no archive")
    with pytest.raises(BadPackage, match=r"^swollen\.tgz: The package is not a readable"):
        read_source(path)
    (tmp_path / "package.json").write_text("[]")
    with pytest.raises(BadPackage, match=tmp_path.name):
        read_source(tmp_path)
