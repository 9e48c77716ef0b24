"""`ecm-gateway replay fixtures`, as README, --help and fixtures/README.md say it: every case, no difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.replay import cases

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_every_case_is_answered_as_it_expects(tmp_path: Path) -> None:
    file = tmp_path / "replay.xml"
    run = CliRunner().invoke(cli, ["replay", str(FIXTURES), "--json", "--junit", str(file)])
    report = json.loads(run.stdout)
    assert [one for one in report if one["problems"]] == []
    assert run.exit_code == 0
    assert len(report) == len(list(FIXTURES.rglob("case.toml")))
    assert file.read_text().count("<testcase") == len(report)


@pytest.mark.parametrize(("type", "number"), [("collection", 0), ("transaction", 1)])
def test_what_a_simulator_is_seeded_with_is_no_case(tmp_path: Path, type: str, number: int) -> None:
    (tmp_path / "patient.json").write_text('{"resourceType": "Patient"}')
    (tmp_path / "seed.json").write_text(json.dumps({"resourceType": "Bundle", "type": type}))
    assert len(cases.load(tmp_path)) == 1 + number
