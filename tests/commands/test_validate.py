"""`ecm-gateway validate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import settings, validating
from gateway.commands import validate
from gateway.fhir import codec
from tests.conftest import ROOT
from tests.validation.conftest import PATIENT, US_CORE, profile


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where compiled profiles are kept."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kept")
        patch.setenv("ECM_CACHE", str(folder))
        yield folder


def run(*arguments: str | Path, given: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(validate.command, [str(a) for a in arguments], input=given)
    return result.exit_code, result.output


def test_a_valid_file_ends_well_and_a_broken_one_with_1(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(codec.write(PATIENT))
    bad.write_bytes(codec.write({**PATIENT, "gender": "x"}))
    assert run(good)[0] == 0
    status, told = run(good, bad)
    assert status == 1
    assert "bad.json: 1 error(s)" in told
    assert "Patient.gender" in told


def test_what_the_gateway_writes_is_valid_by_its_own_profiles(tmp_path: Path) -> None:
    bundle = json.loads((ROOT / "fixtures/referrals/json-adult-filled/bundles.json").read_bytes())[0]
    lines = tmp_path / "written.ndjson"
    lines.write_bytes(b"\n".join(codec.write(entry["resource"]) for entry in bundle["entry"]))
    status, told = run(lines)
    assert status == 0, told
    assert "extension-unknown" in run("--package", "hl7.fhir.us.core#6.1.0", lines)[1]


def test_json_prints_an_outcome_for_each_resource(tmp_path: Path) -> None:
    lines = tmp_path / "many.ndjson"
    lines.write_bytes(b"\n".join([codec.write(PATIENT)] * 1200) + b'\n{"resourceType":"Patient","gender":"x"}\n')
    status, told = run("--json", lines)
    outcomes = [json.loads(line) for line in told.splitlines()]
    assert status == 1
    assert [o["resourceType"] for o in outcomes] == ["OperationOutcome"] * 1201
    assert outcomes[-1]["issue"][-1]["expression"] == ["Patient.gender"] or any(
        issue.get("expression") == ["Patient.gender"] for issue in outcomes[-1]["issue"]
    )


@pytest.mark.parametrize("block", [300, 1 << 20])
def test_only_errors_are_told_with_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(validating, "BLOCK", block)
    good, bad = codec.write(PATIENT), codec.write({**PATIENT, "gender": "x"})
    file = tmp_path / "many.ndjson"
    file.write_bytes(b"\n".join([good, b"", bad, good, b"{", good + b"\r", b'{"a":1,"a":2}', bad]))
    status, told = run("--errors", file)
    assert status == 1
    assert [line for line in told.splitlines() if line.startswith(str(file))] == [
        f"{file}:3: 1 error(s)",
        f"{file}:5: 1 error(s)",
        f"{file}:7: 1 error(s)",
        f"{file}:8: 1 error(s)",
        f"{file}: 7 resource(s), 4 with errors",
    ]
    everything = run(file)[1]
    wrong = [line for line in everything.splitlines() if line.startswith(str(file)) and "error(s)" in line]
    assert wrong == [line for line in told.splitlines() if "error(s)" in line]
    piped = run("--errors", "-", given=file.read_bytes())
    assert piped == (status, told.replace(f"{file}:", "-:"))


def test_only_errors_as_outcomes_by_a_named_profile(tmp_path: Path) -> None:
    file = tmp_path / "two.ndjson"
    file.write_bytes(codec.write({"resourceType": "Patient"}) + b"\n" + codec.write(PATIENT) + b"\n")
    assert run("--errors", file)[0] == 0
    status, told = run("--errors", "--json", "--profile", US_CORE + "us-core-patient", file)
    outcomes = [json.loads(line) for line in told.splitlines()]
    assert status == 1
    assert {issue["severity"] for outcome in outcomes for issue in outcome["issue"]} == {"error"}
    assert run("--errors", tmp_path / "empty.ndjson")[0] == 2
    (tmp_path / "empty.ndjson").write_bytes(b"")
    assert "0 resource(s), 0 with errors" in run("--errors", tmp_path / "empty.ndjson")[1]


def test_xml_profiles_and_loose_definitions(tmp_path: Path) -> None:
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    asked = profile("Patient", [{"id": "Patient.active", "path": "Patient.active", "min": 1}])
    (definitions / "p.json").write_bytes(codec.write(asked))
    file = tmp_path / "p.xml"
    file.write_text('<Patient xmlns="http://hl7.org/fhir"><gender value="male"/></Patient>')
    assert run(file)[0] == 0
    status, told = run("--definitions", definitions, "--profile", asked["url"], file)
    assert status == 1
    assert "active must be there at least once" in told


@pytest.mark.parametrize("indent", [None, 2])
def test_standard_input_in_every_form(indent: int | None) -> None:
    good, bad = json.dumps(PATIENT, indent=indent).encode(), codec.write({**PATIENT, "gender": "x"})
    assert run("-", given=good)[1].startswith("-: valid\n")
    status, told = run("-", given=bad)
    assert (status, told.splitlines()[0]) == (1, "-: 1 error(s)")
    status, told = run("-", given=b'<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>')
    assert (status, told.splitlines()[0]) == (1, "-: 1 error(s)")
    status, told = run("--errors", "-", given=b"\n" + codec.write(PATIENT) + b"\n" + bad + b"\n")
    assert (status, told.splitlines()[0], told.splitlines()[-1]) == (
        1,
        "-:3: 1 error(s)",
        "-: 2 resource(s), 1 with errors",
    )
    assert run("-", given=b"")[0] == 1


def test_a_file_that_is_ndjson_by_another_name(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(codec.write(PATIENT) + b"\n" + codec.write({**PATIENT, "gender": "x"}))
    assert "1 resource(s)" not in run("--errors", file)[1]
    assert f"{file}:2: 1 error(s)" in run("--errors", file)[1]


def test_the_profiles_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = profile("Patient", [{"id": "Patient.active", "path": "Patient.active", "min": 1}])
    claims = codec.write({"resourceType": "Patient", "meta": {"profile": [asked["url"]]}})
    assert run("-", given=claims)[0] == 0, "it is not known, which is a warning"
    monkeypatch.setenv("ECM_PROFILES", str(tmp_path))
    status, told = run("-", given=claims)
    assert (status, "ECM_PROFILES" in told) == (2, True)
    (tmp_path / "ecm").mkdir()
    (tmp_path / "ecm" / "p.json").write_bytes(codec.write(asked))
    status, told = run("-", given=claims)
    assert (status, "active must be there at least once" in told) == (1, True)


def test_what_was_compiled_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECM_CACHE", str(tmp_path / "made"))
    lines = (codec.write(PATIENT) + b"\n") * 3
    assert run("--errors", "--package", "hl7.fhir.us.core#6.1.0", "-", given=lines)[0] == 0
    (file,) = (tmp_path / "made").iterdir()
    assert file.stat().st_size > 1000
    assert settings.load({"XDG_CACHE_HOME": "/x", "ECM_CACHE": "/y"}).cache == Path("/y")
    assert settings.load({"XDG_CACHE_HOME": "/x"}).cache == Path("/x/ecm-gateway")
    assert settings.load({"XDG_CACHE_HOME": "not/absolute"}).cache == settings.load({}).cache


def test_show(tmp_path: Path) -> None:
    status, told = run("--show", US_CORE + "us-core-careteam|6.1.0")
    assert status == 0
    assert told.startswith(US_CORE + "us-core-careteam|6.1.0 on CareTeam\n")
    assert "CareTeam.participant.role: 1..1" in told


def test_nothing_to_do_is_a_usage_error() -> None:
    assert run()[0] == 2


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    status, told = run(tmp_path)
    assert status == 2
    assert "is a directory" in told


def served(*arguments: str | Path, given: bytes = b"", kept: Path) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "gateway", "validate", *(str(a) for a in arguments)]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, timeout=60, check=False,
                          env={**os.environ, "ECM_CACHE": str(kept)})  # fmt: skip


def test_definitions_that_are_none_are_refused_by_file_and_what_is_no_file_is_left_alone(
    tmp_path: Path, kept: Path
) -> None:
    folder, file = tmp_path / "definitions", tmp_path / "patient.json"
    folder.mkdir()
    file.write_bytes(codec.write(PATIENT))
    asking = profile("Patient", [{"id": "Patient.photo", "path": "Patient.photo", "min": 1}])
    (folder / "package.json").write_text('{"name": "x.y", "version": "1"}')
    (folder / "asking.json").write_bytes(codec.write(asking))
    (folder / "endless.json").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.json")
    found = served("--definitions", folder, "--profile", asking["url"], file, kept=kept)
    assert (found.returncode, b"photo must be there" in found.stdout) == (1, True), found.stderr
    (folder / "broken.json").write_text('{"resourceType": ')
    found = served("--definitions", folder, file, kept=kept)
    assert found.returncode == 2
    assert found.stderr.startswith(f"error: {folder / 'broken.json'}: It cannot be read.".encode())


@pytest.mark.parametrize("name", ["/dev/zero", "-"])
def test_a_file_without_end_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "LARGEST", 3 << 20)
    status, told = run(name, given=b" " * (4 << 20) if name == "-" else None)
    assert (status, "too-long" in run("--json", name, given=b" " * (4 << 20))[1]) == (1, True)
    assert "The file has more than 3145728 bytes" in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, kept: Path) -> None:
    file = tmp_path / "patient.json"
    file.write_bytes(codec.write({**PATIENT, "gender": "x"}))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-m", "gateway", "validate", str(file)], cwd=ROOT, stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False,
                              env={**os.environ, "ECM_CACHE": str(kept)})  # fmt: skip
    assert (done.returncode, done.stderr) == (2, b"error: What was found cannot be written: No space left on device.\n")
