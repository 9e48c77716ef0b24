"""`ecm-gateway packages`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import cli
from tests.packages.test_source import package


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["packages", *arguments])
    return result.exit_code, result.stdout if result.exception is None else str(result.exception)


def test_import_show_and_list(tmp_path: Path) -> None:
    source, folder = tmp_path / "p.tgz", str(tmp_path / "facts")
    content = json.dumps({"resourceType": "ValueSet", "url": "http://example.org/vs", "version": "1"}).encode()
    source.write_bytes(package(("package/vs.json", content)))
    code, out = run("import", str(source), "--folder", folder, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["package"] == "example.package#1.0.0"
    assert told["licence"] == "CC0-1.0"
    assert told["definitions"] == {"ValueSet": 1}
    code, out = run("list", "--folder", folder, "--json")
    assert [item["package"] for item in json.loads(out)] == ["example.package#1.0.0"]
    code, out = run("show", "example.package#1.0.0", "--folder", folder)
    assert code == 0
    assert told["source_sha256"] in out


def test_a_name_needs_registry_and_hash() -> None:
    code, out = run("import", "some.package#1.0.0")
    assert code != 0
    assert "--registry, --sha256" in out


def test_show_tells_of_an_unknown_package() -> None:
    code, out = run("show", "no.such#1")
    assert code != 0
    assert "packages list" in out


def test_snapshot_is_written_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    profile = {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/p",
        "name": "P",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "description": "kept",
        "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
    }
    file.write_text(json.dumps(profile))
    code, out = run("snapshot", str(file), "--write")
    assert code == 0, out
    written = json.loads(file.read_text())
    assert {element["id"]: element["min"] for element in written["snapshot"]["element"]}["Patient.name"] == 1
    assert {key: written[key] for key in profile} == profile
