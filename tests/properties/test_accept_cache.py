"""Compiled schemas outlive the process in a file, and never outlive the definitions or the code they were made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.validation import accept_cache
from gateway.validation.accept_cache import SchemaCache
from gateway.validation.validator import Validator

PATIENT = {"resourceType": "Patient", "active": True, "birthDate": "1974-12-25"}


def builds(counted: list[int]) -> Any:
    def build() -> dict[str, Any]:
        counted.append(1)
        return {"type": "object"}

    return build


def test_a_saved_schema_is_not_built_again(tmp_path: Path) -> None:
    counted: list[int] = []
    first = SchemaCache(tmp_path / "kept", "definitions-1")
    first.get("Patient", builds(counted))
    first.save()
    again = SchemaCache(tmp_path / "kept", "definitions-1")
    assert again.get("Patient", builds(counted)) == {"type": "object"}
    assert len(counted) == 1


@pytest.mark.parametrize("spoil", ["definitions", "code", "bytes", "cut"])
def test_a_file_of_other_definitions_or_code_or_a_damaged_one_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    counted: list[int] = []
    file = tmp_path / "kept"
    first = SchemaCache(file, "definitions-1")
    first.get("Patient", builds(counted))
    first.save()
    if spoil == "code":
        monkeypatch.setattr(accept_cache, "code_version", lambda: "later")
    if spoil == "bytes":
        data = bytearray(file.read_bytes())
        data[-3] ^= 1
        file.write_bytes(bytes(data))
    if spoil == "cut":
        file.write_bytes(file.read_bytes()[:20])
    SchemaCache(file, "definitions-2" if spoil == "definitions" else "definitions-1").get("Patient", builds(counted))
    assert len(counted) == 2


def test_a_place_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    cache = SchemaCache(tmp_path / "file" / "below", "definitions-1")
    assert cache.get("Patient", builds([])) == {"type": "object"}
    cache.save()


def test_a_validator_with_a_full_cache_accepts_the_same(tmp_path: Path) -> None:
    first = Validator.load([], cache=tmp_path / "kept")
    assert first.acceptor.accepts(PATIENT)
    first.acceptor.save()
    second = Validator.load([], cache=tmp_path / "kept")
    assert second.acceptor.accepts(PATIENT)
    assert not second.acceptor.accepts({**PATIENT, "birthDate": "1974-02-30"})
    assert not second.is_valid({**PATIENT, "birthDate": "1974-02-30"})


def test_a_resource_is_told_invalid_with_every_issue(tmp_path: Path) -> None:
    from gateway.errors import Invalid

    validator = Validator.load([])
    assert validator.require(PATIENT) is PATIENT
    with pytest.raises(Invalid) as refused:
        validator.require({**PATIENT, "birthDate": "1974-02-30", "gender": "x"})
    assert {issue.expression for issue in refused.value.issues} >= {"Patient.birthDate", "Patient.gender"}


def test_what_a_resource_claims_is_kept_only_where_it_is_a_profile(tmp_path: Path) -> None:
    known = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest"
    request = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}}
    claiming = {**request, "meta": {"profile": [known]}}
    first = Validator.load(["hl7.fhir.us.core#7.0.0"], cache=tmp_path / "kept")
    for resource in (request, {**request, "meta": {"profile": ["https://example.org/zanzibarovna"]}}, claiming):
        first.acceptor.accepts(resource)
    first.acceptor.save()
    data = (tmp_path / "kept").read_bytes()
    assert known.encode() in data
    assert b"zanzibarovna" not in data
    second = Validator.load(["hl7.fhir.us.core#7.0.0"], cache=tmp_path / "kept")
    assert first.check(claiming) == second.check(claiming)
    assert first.acceptor.accepts(claiming) == second.acceptor.accepts(claiming)
    assert not second.acceptor.accepts({**claiming, "status": "nonsense"})


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_what_others_may_have_written_is_not_believed(tmp_path: Path, mode: int) -> None:
    file, counted = tmp_path / "kept", [0]
    first = SchemaCache(file, "definitions-1")
    first.get("Patient", builds(counted))
    first.save()
    assert file.stat().st_mode & 0o777 == 0o644
    assert SchemaCache(file, "definitions-1").stored("Patient")
    file.chmod(mode)
    assert SchemaCache(file, "definitions-1").stored("Patient") is None


def test_saving_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()  # which cannot be replaced by a file
    cache = SchemaCache(tmp_path / "kept", "definitions-1")
    cache.get("Patient", builds([0]))
    cache.save()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    """A pipe would be waited for, a device read without end, and either replaced by what is kept."""
    pipe, folder, link = tmp_path / "pipe", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(pipe)
    for path in (pipe, folder, link):
        validator = Validator.load(cache=path)
        assert validator.is_valid({"resourceType": "Basic", "code": {"text": "x"}})
        validator.acceptor.save()
    assert pipe.is_fifo()
    assert folder.is_dir()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [folder, link, pipe]
