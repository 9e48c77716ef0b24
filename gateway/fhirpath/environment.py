"""What an evaluation may ask of the world around it, and how many steps it may take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from gateway.fhirpath.errors import TooCostly

BUDGET = 2_000_000
"""Items that one evaluation may look at; `descendants()` of a 1 MB resource looks at about 50,000."""


class Terminology(Protocol):
    def member_of(self, value: Any, value_set: str, *, type: str | None) -> bool | None:
        """Whether a code, Coding or CodeableConcept (plain JSON of FHIR `type`) is in the value set; None: unknown."""


class Env:
    """One evaluation's surroundings; make one per resource and use it for all its expressions.

    `resource` is the resource that holds the focus, `root` the outermost one (differs inside `contained`).
    `resolver` takes a reference or canonical and gives the resource or None; `#id` is looked for in `root` first.
    `conforms` takes (value, profile url) and gives True, False or None for unknown. `html` says whether an XHTML string
    is an allowed narrative. What is left out makes the functions that need it raise Undecided.
    """

    __slots__ = (
        "conforms", "context", "html", "index", "left", "memo", "now", "resolver", "resource", "root", "terminology",
        "total", "trace",
    )  # fmt: skip

    def __init__(
        self,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        *,
        resolver: Callable[[str], dict[str, Any] | None] | None = None,
        terminology: Terminology | None = None,
        conforms: Callable[[Any, str], bool | None] | None = None,
        html: Callable[[str], bool] | None = None,
        now: datetime | None = None,
        trace: Callable[[str, list[Any]], None] | None = None,
    ) -> None:
        self.resource = resource
        self.root = root if root is not None else resource
        self.resolver = resolver
        self.terminology = terminology
        self.conforms = conforms
        self.html = html
        self.now = now
        self.trace = trace
        self.context: Any = None
        self.index = 0
        self.total: list[Any] = []
        self.left = BUDGET
        self.memo: dict[Any, Any] = {}

    def spend(self, steps: int) -> None:
        """Count steps; TooCostly when the budget is spent."""
        self.left -= steps
        if self.left < 0:
            raise TooCostly(f"more than {BUDGET} steps")
