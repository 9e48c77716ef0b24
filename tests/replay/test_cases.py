"""Cases are read whole or refused with the file's name; the comparison finds what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.replay import cases, drive, junit

FIXTURES = Path(__file__).parents[2] / "fixtures"


class Scripted:
    """A gateway that answers what it is told to."""

    def __init__(self, *answers: drive.Answer) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def send(self, method: str, path: str, *, body: bytes, content_type: str, chunked: bool = False) -> drive.Answer:
        self.asked.append(f"{method} {path}")
        return self.answers.pop(0) if self.answers else drive.Answer(200, {}, b'{"resourceType":"Bundle","total":0}')


def case(tmp_path: Path, toml: str, body: str = "{}") -> cases.Case:
    (tmp_path / "case.toml").write_text(toml)
    (tmp_path / "body.json").write_text(body)
    return cases.load(tmp_path)[0]


def refusal(status: int = 422, rule: str = "card-min") -> drive.Answer:
    issue = {"severity": "error", "code": "invalid", "details": {"coding": [{"code": rule}]}}
    return drive.Answer(status, {}, json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode())


REFUSED = 'shows = "x"\npath = "/fhir/Patient"\nfile = "body.json"\n[expect]\nstatus = 422\nrules = ["card-min"]\n'


def test_every_fixture_case_can_be_read() -> None:
    found = cases.load(FIXTURES)
    assert len({case.name for case in found}) == len(found) > 15


def test_an_answer_as_expected_has_no_problems(tmp_path: Path) -> None:
    assert drive.run(case(tmp_path, REFUSED), Scripted(refusal())).problems == ()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refusal(status=400), "answered 400 instead of 422"),
        (refusal(rule="other"), "did not name the rules card-min; it named other"),
        (drive.Answer(422, {}, b"<html>"), "refused without an OperationOutcome"),
    ],
)
def test_an_answer_that_differs_is_told(tmp_path: Path, answer: drive.Answer, says: str) -> None:
    problems = drive.run(case(tmp_path, REFUSED), Scripted(answer)).problems
    assert any(says in problem for problem in problems)


def test_what_was_kept_of_a_refused_request_is_noticed(tmp_path: Path) -> None:
    nothing = [drive.Answer(200, {}, b'{"total":0}')] * len(drive.COUNTED)
    gateway = Scripted(*nothing, refusal(), drive.Answer(200, {}, b'{"total":1}'))
    problems = drive.run(case(tmp_path, REFUSED + "kept = false\n"), gateway).problems
    assert problems == ("something was kept of a request that was refused",)


def test_resources_are_counted_by_their_locations(tmp_path: Path) -> None:
    toml = 'shows = "x"\nfile = "body.json"\n[expect]\nstatus = 200\nresources = { Patient = 2 }\n'
    entries = [{"response": {"location": f"Patient/{n}/_history/1"}} for n in (1, 2)]
    bundle = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    assert drive.run(case(tmp_path, toml), Scripted(drive.Answer(200, {}, bundle))).problems == ()
    assert drive.run(case(tmp_path, toml), Scripted(drive.Answer(200, {}, b"{}"))).problems


def test_a_resource_that_comes_back_changed_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"resourceType":"Patient","id":"1","gender":"female"}')
    stored = drive.Answer(201, {}, b"")
    for back, problems in [
        (b'{"resourceType":"Patient","id":"1","meta":{"versionId":"1"},"gender":"female"}', ()),
        (b'{"resourceType":"Patient","id":"1","gender":"male"}', ("came back different from what was sent",)),
    ]:
        result = drive.run(cases.load(tmp_path)[0], Scripted(stored, drive.Answer(200, {}, back)))
        assert result.problems == problems


@pytest.mark.parametrize(
    "toml",
    [
        'shows = "x"',
        'shows = "x"\nrules = []\n[expect]\nstatus = 200',
        'shows = "x"\ndoor = "fax"\n[expect]\nstatus = 1',
        "x",
    ],
)
def test_a_wrong_case_is_refused_by_name(tmp_path: Path, toml: str) -> None:
    with pytest.raises(Misconfigured, match=r"case\.toml"):
        case(tmp_path, toml)


def test_junit_counts_failures(tmp_path: Path) -> None:
    result = drive.run(case(tmp_path, REFUSED), Scripted(refusal(status=400)))
    assert b'tests="1" failures="1"' in junit.write([result], suite="s")


def test_cases_of_two_folders_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES)
    for folder in (FIXTURES / "care-plans", Path("care-plans")):
        assert {case.name for case in cases.load(folder, among_others=True)} >= {"care-plans/filled"}
        assert {case.name for case in cases.load(folder)} >= {"filled"}
    (single,) = cases.load(Path("care-plans/filled"), among_others=True)
    assert single.name == "filled"
