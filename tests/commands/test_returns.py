"""`ecm-gateway returns`, as an operator runs it: a plan's own columns, and a plan's gateway that reads them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from gateway import shipped, wiring
from gateway.cli import cli
from gateway.doors.readers import Readers
from gateway.errors import BadTable, NotFound
from gateway.ports import Caller
from gateway.settings import Settings
from tests.web.conftest import a_referral
from tests.web.news import hear

Json = dict[str, Any]
KEYS = {"r1": "90000123A", "r2": "90000124B", "r3": "90000125C", "r4": "90000126D", "r5": "90000127E"}
PROVIDER = {"name": "Alder Care", "npi": "1234567893", "phones": [{"number": "+12135550144"}]}
LEAD = {"name": {"first": "Ida", "last": "Zanzibarovna"}, "phones": [{"number": "+12135550155"}]}


def refer(client: FlaskClient, id: str, plan: str = "health-net", **member: Any) -> None:
    said = a_referral()["member"] | {"cin": KEYS.get(id, "90000129G")} | member
    referral = a_referral() | {"key": {"source": "harbor-clinic", "id": id}, "member": said, "coverage": {"plan": plan}}
    referral |= {"received": "2026-03-02T09:30:00-08:00"}
    assert client.post("/referrals", json=referral).status_code == 201


def tell(client: FlaskClient, id: str, number: int, **said: Any) -> None:
    answer = hear(client, number, referral={"source": "harbor-clinic", "id": id}, **said)
    assert answer.status_code == 200, answer.data


def story(client: FlaskClient) -> None:
    """Five referrals of one plan and one of another, told of in March and April."""
    for id in KEYS:
        refer(client, id)
    refer(client, "other", plan="kaiser")
    tell(client, "r1", 1, at="2026-03-03T09:00:00-08:00", status="accepted", provider=PROVIDER, lead=LEAD)
    tell(client, "r2", 2, at="2026-03-04T09:00:00-08:00", status="rejected", reason="no room")
    tell(client, "r3", 3, at="2026-03-05T09:00:00-08:00", status="in-progress")
    tell(client, "r3", 4, at="2026-04-02T09:00:00-07:00", status="completed")
    refer(client, "r5b", cin=KEYS["r5"])  # a second sender of one loop


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv("ECM_DATABASE", f"sqlite:///{tmp_path / 'provider.sqlite'}")
    yield from gateway_at(tmp_path, "provider")


def gateway_at(folder: Path, name: str) -> Iterator[FlaskClient]:
    settings = replace(Settings(), database=f"sqlite:///{folder / f'{name}.sqlite'}", partners=folder / "none.toml")
    with wiring.running(settings) as application:
        yield application.test_client()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["returns", *arguments])


def rows_of(data: bytes, delimiter: str = "|") -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode("cp1252").splitlines(), delimiter=delimiter))


def test_a_row_for_each_loop_of_the_plan_that_is_open_or_was_closed_in_the_month(
    client: FlaskClient, tmp_path: Path
) -> None:
    story(client)
    file = tmp_path / "rtf.txt"
    done = run("eldermark", "--month", "2026-03", "--out", str(file))
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert "4 rows" in done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    rows = {row["Member Client Index Number (CIN)"]: row for row in rows_of(file.read_bytes())}
    status = {cin: row["Referral Status"] for cin, row in rows.items()}
    assert status == {
        KEYS["r1"]: "Accepted",
        KEYS["r2"]: "Declined",
        KEYS["r4"]: "Pending (no action yet by provider)",
        KEYS["r5"]: "Pending (no action yet by provider)",
    }
    first = rows[KEYS["r1"]]
    assert first["Member Last Name"] == "Zanzibarovna"
    assert (first["Member Phone Number"], first["Member POF"]) == ("2135550123", "1a; 2")
    assert first["Date of Referral Status Update"] == "03/03/2026"
    assert (first["ECM Provider Name"], first["ECM Provider National Provider Identifier (NPI)"]) == (
        "Alder Care",
        "1234567893",
    )
    assert (first["ECM Lead Care Manager Name"], first["ECM Lead Care Manager Name Phone Number"]) == (
        "Ida Zanzibarovna",
        "2135550155",
    )
    assert first["Member Information File Reporting Period"] == "2026-03"
    april = rows_of(run("eldermark", "--month", "2026-04").stdout_bytes)
    ended = {row["Member Client Index Number (CIN)"]: row["Reason for Referral Loop Closure"] for row in april}
    assert ended[KEYS["r3"]] == "Services Received"
    assert KEYS["r2"] not in ended, "it was closed in March"


def test_the_plan_reads_what_the_provider_wrote(client: FlaskClient, tmp_path: Path) -> None:
    story(client)
    data = run("eldermark", "--month", "2026-03").stdout_bytes
    plan = gateway_at(tmp_path, "plan")
    there = next(plan)
    for id in KEYS:
        refer(there, id)
    answer = there.post("/files/eldermark/referral-change", data=data, content_type="text/csv; charset=windows-1252")
    if answer.status_code == 415:
        answer = there.post("/files/eldermark/referral-change", data=data, content_type="text/csv")
    assert answer.status_code == 200, answer.data
    assert answer.headers["X-Rows-Refused"] == "0", answer.data
    for id in ("r1", "r2", "r4", "r5"):
        here, at_the_plan = (
            one.get(f"/fhir/Task?identifier={id}").get_json()["entry"][0]["resource"]["status"]
            for one in (client, there)
        )
        assert here == at_the_plan, id
    plan.close()


def test_each_row_is_a_disclosure_to_the_plan(client: FlaskClient, tmp_path: Path) -> None:
    story(client)
    run("eldermark", "--month", "2026-03")
    with wiring.composed(replace(Settings(), database=f"sqlite:///{tmp_path / 'provider.sqlite'}")) as services:
        audit = [row for row in services.store.audit(Caller("x"), limit=1000) if row["event"] == "return-file"]
    assert len(audit) == 4
    assert {row["recipient"] for row in audit} == {"eldermark"}


OWN = """header,from,format,words,default,note
Status,referral_status,,status,,
CIN,cin,,,,
Since,status_date,YYYYMMDD,,,
Line of business,,,,Medi-Cal,
Tier,,,,,not kept here
Where,city,,,-,
"""


def own_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, words: str = "pending,Open,\n") -> Path:
    """An analyst's own columns for a plan, in a folder of mappings of her own."""
    shutil.copytree(shipped.folder("mappings"), tmp_path / "mappings")
    folder = tmp_path / "mappings" / "partners" / "acme"
    (folder / "words").mkdir(parents=True)
    (folder / "partner.toml").write_text('name = "Acme"\n[return]\nplan = "kaiser"\n')
    (folder / "return.csv").write_text(OWN)
    (folder / "words" / "status.csv").write_text("code,word,note\n" + words)
    monkeypatch.setenv("ECM_MAPPINGS", str(tmp_path / "mappings"))
    return folder


def test_an_analyst_writes_the_columns_of_another_plan(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(client)
    own_plan(tmp_path, monkeypatch)
    done = run("acme", "--month", "2026-03")
    assert done.exit_code == 0, done.output
    header, row = done.stdout_bytes.decode().splitlines()
    assert header == "Status,CIN,Since,Line of business,Tier,Where"
    cells = row.split(",")
    assert (cells[0], cells[1], cells[3:]) == ("Open", "90000129G", ["Medi-Cal", "", "-"])
    assert len(cells[2]) == 8


@pytest.mark.parametrize(("service", "cin"), [("", "90000129G"), ('service = "asthma-remediation"', "90000123A")])
def test_a_file_is_about_one_service(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str, cin: str
) -> None:
    refer(client, "other", plan="kaiser")
    support = a_referral() | {"key": {"source": "harbor-clinic", "id": "cs"}, "coverage": {"plan": "kaiser"}}
    support |= {"service": "asthma-remediation", "received": "2026-03-02T09:30:00-08:00"}
    assert client.post("/referrals", json=support).status_code == 201
    with (own_plan(tmp_path, monkeypatch) / "partner.toml").open("a") as file:
        file.write(service)
    _, row = run("acme", "--month", "2026-03").stdout.splitlines()
    assert cin in row


def test_a_code_without_a_word_is_never_guessed(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(client)
    own_plan(tmp_path, monkeypatch, words="accepted,Taken,\n")
    done = run("acme", "--month", "2026-03")
    assert done.exit_code == 1
    assert len(done.stdout_bytes.decode().splitlines()) == 1
    assert "Task/" in done.stderr
    assert "its words have none for this code" in done.stderr
    assert "anzibarovna" not in done.output


def test_a_formula_in_a_name_is_disarmed(client: FlaskClient) -> None:
    refer(client, "r1", name={"first": "=1+1", "last": "-Zanzibarovna"})
    (row,) = rows_of(run("eldermark", "--month", "2026-03").stdout_bytes)
    assert (row["Member First Name"], row["Member Last Name"]) == ("'=1+1", "'-Zanzibarovna")


def test_a_letter_that_the_plans_encoding_does_not_have_is_not_written_as_another(client: FlaskClient) -> None:
    refer(client, "r1", name={"first": "Łucja", "last": "Zanzibarovna"})
    done = run("eldermark", "--month", "2026-03")
    assert (done.exit_code, rows_of(done.stdout_bytes)) == (1, [])
    assert "Column 'Member First Name': cp1252 does not have a letter of it." in done.stderr


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-3", "March", "2026-03-01"])
def test_a_month_that_is_none_is_refused(client: FlaskClient, month: str) -> None:
    assert run("eldermark", "--month", month).exit_code != 0


def test_a_partner_without_a_layout_is_told(client: FlaskClient) -> None:
    assert isinstance(run("kaiser", "--month", "2026-03").exception, NotFound)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("return.csv", "cin", "social_security"),
        ("return.csv", "YYYYMMDD", "YYMMDD"),
        ("return.csv", "CIN,cin,,", "CIN,cin,YYYYMMDD,"),
        ("return.csv", "status,,\n", "no-words,,\n"),
        ("return.csv", ",not kept here", ","),
        ("return.csv", "Where,", "CIN,"),
        ("return.csv", "note\n", "remark\n"),
        ("partner.toml", '"kaiser"', '"kp"'),
        ("partner.toml", 'plan = "kaiser"', 'plan = "kaiser"\nservice = "hugs"'),
        ("partner.toml", 'plan = "kaiser"', 'plan = "kaiser"\ndelimiter = ";;"'),
        ("partner.toml", 'plan = "kaiser"', 'plan = "kaiser"\ncolour = "red"'),
        ("partner.toml", 'plan = "kaiser"', 'plan = "kaiser"\nencoding = "zebra"'),
    ],
)
def test_a_bad_table_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    folder = own_plan(tmp_path, monkeypatch)
    Readers.load(tmp_path / "mappings")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(BadTable):
        Readers.load(tmp_path / "mappings")
