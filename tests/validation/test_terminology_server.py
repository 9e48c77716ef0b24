"""The guard around an outside terminology server: it is asked once, not for long, and not after trouble."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.validation import Validator
from gateway.validation.terminology import Membership
from gateway.validation.terminology.server import Guarded, TerminologyTrouble
from tests.validation.conftest import Json, profile


class Remote:
    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.trouble = False

    def ask(self, value_set: str, system: str, code: str, *, seconds: float) -> Membership:
        self.asked.append((code, seconds))
        if self.trouble:
            raise TerminologyTrouble
        return Membership("member")


def test_an_answer_is_kept_and_the_oldest_forgotten() -> None:
    remote = Remote()
    guarded = Guarded(remote, clock=lambda: 0.0, seconds=1.5, size=2)
    for code in ("a", "a", "b", "c", "a"):
        assert guarded.membership("vs", "cs", code).verdict == "member"
    assert remote.asked == [("a", 1.5), ("b", 1.5), ("c", 1.5), ("a", 1.5)]


def test_after_trouble_it_is_left_alone_for_a_while() -> None:
    remote, now = Remote(), [0.0]
    guarded = Guarded(remote, clock=lambda: now[0], pause=30)
    remote.trouble = True
    assert guarded.membership("vs", "cs", "a").verdict == "unknown"
    remote.trouble = False
    assert "trouble" in guarded.membership("vs", "cs", "a").reason
    now[0] = 31.0
    assert guarded.membership("vs", "cs", "a").verdict == "member"
    assert len(remote.asked) == 2


class Answering:
    """An adapter that gives whatever it is told, or raises it, after some seconds of its clock."""

    def __init__(self, answer: Any, *, seconds: float = 0.0) -> None:
        self.answer, self.seconds, self.now, self.asked = answer, seconds, 0.0, 0

    def clock(self) -> float:
        return self.now

    def ask(self, value_set: str, system: str, code: str, *, seconds: float) -> Any:
        self.asked += 1
        self.now += self.seconds
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Maybe:
    verdict = "maybe"


@pytest.mark.parametrize(
    "answer",
    [None, True, "member", {}, Maybe(), Membership("sure"), ValueError("Zanzibarovna"), ConnectionError(), KeyError()],  # type: ignore[arg-type]
    ids=lambda answer: type(answer).__name__,
)
def test_what_is_no_answer_is_trouble(answer: Any) -> None:
    remote = Answering(answer)
    guarded = Guarded(remote, clock=remote.clock, pause=30)
    assert guarded.membership("vs", "cs", "a") == Membership("unknown", "the terminology server did not answer")
    assert guarded.membership("vs", "cs", "b").verdict == "unknown"
    assert remote.asked == 1


def test_a_late_answer_is_taken_and_the_server_left_alone() -> None:
    remote = Answering(Membership("member"), seconds=60)
    guarded = Guarded(remote, clock=remote.clock, seconds=2, pause=30)
    assert guarded.membership("vs", "cs", "a").verdict == "member"
    assert guarded.membership("vs", "cs", "a").verdict == "member"
    assert guarded.membership("vs", "cs", "b").verdict == "unknown"
    assert remote.asked == 1


def test_a_slow_server_is_not_waited_for_again_and_again() -> None:
    remote = Answering(Membership("member"), seconds=1.9)
    guarded = Guarded(remote, clock=remote.clock, seconds=2, pause=30, most=10)
    for number in range(1000):
        guarded.membership("vs", "cs", str(number))
    assert remote.asked == 6
    remote.now += 31
    assert guarded.membership("vs", "cs", "later").verdict == "member"


def test_words_of_a_server_are_told_to_nobody() -> None:
    remote = Answering(Membership("unknown", "Zanzibarovna's code"))
    assert "Zanzibarovna" not in Guarded(remote, clock=remote.clock).membership("vs", "cs", "a").reason


class Raw:
    """A server that is not guarded, and changes its mind."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def membership(self, value_set: str, system: str, code: str) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


CODED: Json = {
    "resourceType": "Condition",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "73211009"}]},
    "subject": {"reference": "Patient/p"},
}


@pytest.mark.parametrize("where", ["resource", "extension"])
def test_an_answer_in_trouble_is_not_taken_for_the_answer_afterwards(where: str) -> None:
    """Neither by the engine nor by what accepts quickly."""
    bound = profile("Condition", [{"id": "Condition.code", "path": "Condition.code", "binding": {
        "strength": "required", "valueSet": "https://e.example/ValueSet/elsewhere"}}])  # fmt: skip
    extension = profile("Extension", [
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": "https://e.example/x"},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "CodeableConcept"}],
         "binding": {"strength": "required", "valueSet": "https://e.example/ValueSet/elsewhere"}}], kind="complex-type",
        context=[{"type": "element", "expression": "Condition"}]) | {"url": "https://e.example/x"}  # fmt: skip
    resource, named = CODED, [bound["url"]]
    if where == "extension":
        said = {"url": "https://e.example/x", "valueCodeableConcept": CODED["code"]}
        resource, named = {**CODED, "extension": [said]}, []
    server = Raw(OSError())
    validator = Validator.load(resources=[bound, extension], terminology_server=server)

    def errors() -> list[str | None]:
        return [issue.rule for issue in validator.check(resource, named) if issue.is_error]

    for answer in (OSError(), None, Membership("unknown"), Membership("member")):
        server.answers = [answer]
        assert [(errors(), validator.is_valid(resource, named)) for _ in range(4)] == [([], True)] * 4
    server.answers = [Membership("not-member")]
    assert [(errors(), validator.is_valid(resource, named)) for _ in range(4)] == [(["binding-required"], False)] * 4
    server.answers = [Membership("member")]
    assert [(errors(), validator.is_valid(resource, named)) for _ in range(4)] == [([], True)] * 4
