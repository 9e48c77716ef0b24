"""The answer to the question whether a code is in a value set."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["member", "not-member", "unknown"]


class Membership(msgspec.Struct, frozen=True):
    """Whether a code is in a value set; `reason` says why that is unknown (it names definitions, never data)."""

    verdict: Verdict
    reason: str = ""

    @property
    def truth(self) -> bool | None:
        return None if self.verdict == "unknown" else self.verdict == "member"
