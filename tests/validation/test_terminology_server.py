"""The guard around an outside terminology server: it is asked once, not for long, and not after trouble."""

from __future__ import annotations

from gateway.validation.terminology import Membership
from gateway.validation.terminology.server import Guarded, TerminologyTrouble


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
