"""`check` and `convert`, as a person runs them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import shipped, store, wiring
from gateway.cli import cli
from gateway.errors import Misconfigured
from gateway.fhir import codec
from gateway.ports import AuditEntry, Caller
from tests.web.conftest import a_referral


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ECM_DATABASE", f"sqlite:///{tmp_path / 'g.sqlite'}")
    return CliRunner()


def test_check_says_that_all_is_in_order(run: CliRunner) -> None:
    done = run.invoke(cli, ["check", "--json"])
    report = json.loads(done.stdout)
    assert [line for line in report["parts"] if not line["good"]] == []
    assert done.exit_code == 0
    assert {line["part"] for line in report["parts"]} >= {"settings", "database", "our profiles", "partners"}


def test_check_walks_the_audit_trail(run: CliRunner, tmp_path: Path) -> None:
    asked = ["check", "--audit", "--json"]
    assert "each audit row" in run.invoke(cli, asked).stdout
    with closing(store.open(f"sqlite:///{tmp_path / 'g.sqlite'}", clock=wiring.now)) as opened:
        for _ in range(3):
            opened.note(Caller("tester"), AuditEntry("R", "read"))
        with opened.engine.writing() as session:
            session.run("UPDATE audit SET principal = 'nobody' WHERE seq = 2", ())
    done = run.invoke(cli, asked)
    (wrong,) = [line for line in json.loads(done.stdout)["parts"] if not line["good"]]
    assert (done.exit_code, wrong["part"]) == (1, "database")
    assert wrong["said"] == "1 audit rows were changed, or follow one that is gone; the first is seq 2."
    assert run.invoke(cli, ["check"]).exit_code == 0, "the walk is long: only who asks for it waits"


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("ECM_PORT", "eighty", "settings"),
        ("ECM_NONSENSE", "1", "settings"),
        ("ECM_HOST", "0.0.0.0", "listening"),
        ("ECM_DATABASE", "mysql://x", "database"),
        ("ECM_PARTNERS", "broken.toml", "partners"),
        ("ECM_ID_KEY", "broken.toml", "key for ids"),
    ],
)
def test_check_names_what_is_wrong(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, name: str, value: str, part: str
) -> None:
    Path("broken.toml").write_text("[x")
    monkeypatch.setenv(name, value)
    done = run.invoke(cli, ["check", "--json"])
    assert done.exit_code == 1
    assert part in {line["part"] for line in json.loads(done.stdout)["parts"] if not line["good"]}


def test_check_names_the_partner_and_the_subscriber_that_are_wrong(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "partners.toml").write_text('[archive]\nkind = "console"\nsend = ["Task"]\neveryone = true\nage = 1\n')
    (tmp_path / "webhooks.toml").write_text("[hooks.clinic]\nage = 1\n")
    monkeypatch.setenv("ECM_PARTNERS", str(tmp_path / "partners.toml"))
    monkeypatch.setenv("ECM_WEBHOOKS", str(tmp_path / "webhooks.toml"))
    monkeypatch.setenv("COLUMNS", "300")
    shown = run.invoke(cli, ["check"]).stdout
    assert "partners.toml: [archive] has an unknown entry age" in shown
    assert "clinic" in shown
    assert shown.count("unknown entry age") <= 2, "each mistake is told once"


def test_check_names_a_plan_that_is_none(run: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(shipped.folder("mappings"), tmp_path / "mappings")
    for table, row in (
        ("closed-loop/overlap.csv", "ecm,90,2024-01-01,,helth-net,x"),
        ("criteria/overlap.csv", "mssp,kp,NO,,,D,"),
    ):
        with (tmp_path / "mappings" / table).open("a") as file:
            file.write(row + "\n")
    partner = 'kind = "console"\nsend = ["Task"]\norganizations = ["plan|la-cares", "plan|kaiser", "npi|1234567893"]\n'
    (tmp_path / "partners.toml").write_text(f"[archive]\n{partner}")
    (tmp_path / "webhooks.toml").write_text('[subscribers.clinic]\norganizations = ["plan|kaisr"]\n')
    monkeypatch.setenv("ECM_MAPPINGS", str(tmp_path / "mappings"))
    monkeypatch.setenv("ECM_PARTNERS", str(tmp_path / "partners.toml"))
    monkeypatch.setenv("ECM_WEBHOOKS", str(tmp_path / "webhooks.toml"))
    done = run.invoke(cli, ["check", "--json"])
    wrong = [line["said"] for line in json.loads(done.stdout)["parts"] if not line["good"]]
    assert (done.exit_code, len(wrong)) == (1, 4), wrong
    for code, place in (
        ("helth-net", "closed-loop/overlap.csv row"),
        ("kp", "criteria/overlap.csv row"),
        ("la-cares", "partners.toml: [archive]"),
        ("kaisr", "webhooks.toml: [clinic]"),
    ):
        assert [said for said in wrong if f"'{code}'" in said and place in said], code


def test_convert_prints_the_bundle(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "referral.json"
    file.write_bytes(codec.write(a_referral()))
    done = run.invoke(cli, ["convert", str(file)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["entry"][0]["resource"]["resourceType"] == "ServiceRequest"
    assert not (tmp_path / "g.sqlite").exists()


def test_convert_says_what_is_refused(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "referral.json"
    file.write_bytes(codec.write({**a_referral(), "populations": ["12"]}))
    done = run.invoke(cli, ["convert", "--json", str(file)])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["resourceType"] == "OperationOutcome"


def test_serve_refuses_to_listen_beyond_loopback(run: CliRunner) -> None:
    done = run.invoke(cli, ["serve", "--host", "192.0.2.1"])
    assert isinstance(done.exception, Misconfigured)
