"""`poll` asks a simulated EHR, `worker` applies what it found: seen from the command line."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

import gateway.store
from gateway.cli import cli
from gateway.partners import adapters
from gateway.simulators.kinds import memory
from gateway.simulators.server import Simulator

FIXTURES = Path(__file__).parents[2] / "fixtures" / "partners"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_an_ehr_has_is_found_once_and_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = f"sqlite:///{tmp_path / 'g.sqlite'}"
    gateway.store.migrate(database)
    with Simulator(memory=memory("epic")) as epic:
        for entry in json.loads((FIXTURES / "epic.json").read_bytes())["entry"]:
            epic.memory.put(entry["resource"])
        partners = tmp_path / "partners.toml"
        partners.write_text(f'[epic]\nkind = "epic"\nbase_url = "{epic.url}"\n')
        monkeypatch.setenv("ECM_PARTNERS", str(partners))
        monkeypatch.setenv("ECM_DATABASE", database)
        assert run("poll", "--once") == "epic Task: 1 found, 1 new\n"
        assert run("poll", "--once") == "", "not due"
        assert run("poll", "--once", "--now") == "epic Task: 1 found, 0 new\n"
        run("worker", "--once")
        listed = [json.loads(line) for line in run("inbox", "list", "--json").splitlines()]
        assert [(one["state"], one["key"]) for one in listed] == [("applied", "poll:Task/et1/_history/1")]
        with urllib.request.urlopen(epic.url.removesuffix("/fhir") + "/recorded", timeout=60) as reply:
            assert json.load(reply)[0]["path"].startswith("/fhir/Task?code=community-resource")


def test_a_partner_that_is_not_asked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECM_PARTNERS", str(FIXTURES / "ehrs-that-take-little.toml"))
    monkeypatch.setenv("ECM_DATABASE", f"sqlite:///{tmp_path / 'g.sqlite'}")
    result = CliRunner().invoke(cli, ["poll", "--once", "findhelp"])
    assert result.exit_code == 2
    assert "findhelp" in result.output


def test_the_example_of_partners_is_sound() -> None:
    found = adapters(FIXTURES / "ehrs-that-take-little.toml")
    assert sorted(found) == ["clinic-without-conditional-writes", "county-epic", "findhelp", "valley-oracle"]


def test_programmes_are_looked_up_by_zip_code_and_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator(memory=memory("findhelp")) as platform:
        partners = tmp_path / "partners.toml"
        partners.write_text(f'[findhelp]\nkind = "findhelp"\ntenant = "la-care"\nbase_url = "{platform.url}"\n')
        monkeypatch.setenv("ECM_PARTNERS", str(partners))
        assert "food delivery" in run("programmes", "90012").splitlines()
        (found,) = run("programmes", "90012", "--tag", "food delivery", "--json").splitlines()
        assert json.loads(found) == {"id": "prog-90012-2", "name": "Programme 2", "accepts_referrals": False}
    result = CliRunner().invoke(cli, ["programmes", "90012", "--partner", "epic"])
    assert result.exit_code == 2


def test_polling_nobody_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECM_PARTNERS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("ECM_DATABASE", f"sqlite:///{tmp_path / 'g.sqlite'}")
    result = CliRunner().invoke(cli, ["poll", "--once"])
    assert result.exit_code == 1
    assert "No partner of partners.toml" in result.output
