"""`explain` shows column -> field -> element, what was not carried, and nobody's data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.commands.explain import command
from tests.conftest import CANARY, ROOT

CASES = ROOT / "fixtures" / "referrals"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    return result.exit_code, result.output


def test_a_row_of_a_partner_s_file() -> None:
    code, said = run(CASES / "csv-kaiser-clean", "--row", 2, "--json")
    (row,) = json.loads(said)
    lines = {line["field"]: line for line in row["carried"]}
    assert code == 0
    assert lines["urgency"] == {
        "from": "Urgency",
        "field": "urgency",
        "elements": ["ServiceRequest.priority", "Task.priority"],
    }
    assert lines["member.phones[0].number"]["from"] == "Member Phone Number"
    assert lines["coverage.plan"]["from"] == "(default of the table)"
    assert "Authorization Number" in row["not_carried"]
    assert any("ecm" in url for url in row["profiles"]["ServiceRequest"])
    assert CANARY not in said.lower()


def test_the_tables_are_those_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    (tmp_path / "mappings" / "partners" / "kaiser").rename(tmp_path / "mappings" / "partners" / "third")
    monkeypatch.setenv("ECM_MAPPINGS", str(tmp_path / "mappings"))
    assert run("--partner", "third", CASES / "csv-kaiser-clean" / "file.csv")[0] == 0
    assert run("--partner", "kaiser", CASES / "csv-kaiser-clean" / "file.csv")[0] == 1


def test_a_refused_row_says_why_and_exits_1() -> None:
    code, said = run("--partner", "kaiser", CASES / "csv-kaiser-dirty" / "file.csv", "--row", 3)
    assert code == 1
    assert "Social Security" in said
    assert "Refused" in said
    assert CANARY not in said.lower()


def test_a_json_record() -> None:
    code, said = run(ROOT / "fixtures" / "care-teams" / "minimal")
    assert code == 0
    assert "CareTeam.participant" in said


def test_a_case_of_fhir_is_explained_already() -> None:
    assert run(ROOT / "fixtures" / "bundles" / "bad-nan")[0] == 1
    assert run(CASES / "csv-kaiser-clean", "--row", 99)[0] == 2
