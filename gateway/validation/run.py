"""One validation: where we are, what was found, and what the rules may ask of the surroundings."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.errors import Issue, Severity
from gateway.validation.compiled import Json, Member, Shape

if TYPE_CHECKING:
    from gateway.validation.engine import Engine
    from gateway.validation.surroundings import Surroundings

Place = tuple[Any, Member, int | None, Shape | None]
"""(place above, member, index in its list, shape of the value): a linked path, so that steps cost little until told."""

NOWHERE: Place = (None, Member("", "", "", "", ""), None, None)
_ERRORS = ("error", "fatal")
MAX_ISSUES = 500
"""Issues listed for one resource, and as many errors again; beyond, one last issue says that there are more."""


class Enough(Exception):
    """More issues than anyone reads: stop looking."""


@lru_cache(maxsize=512)
def root_place(shape: Shape) -> Place:
    """The place of the resource itself."""
    return (None, Member(shape.name, shape.name, shape.name, shape.name, shape.name), None, shape)


def expression(place: Place | None) -> str:
    """A place as FHIRPath with indexes."""
    steps: list[str] = []
    while place is not None:
        above, member, index, _ = place
        steps.append(member.label if index is None else f"{member.label}[{index}]")
        place = above
    return ".".join(reversed(steps))


def pointer(place: Place) -> tuple[str | int, ...]:
    """A place as member names and indexes of the JSON, without the root."""
    steps: list[str | int] = []
    below: str | None = None
    at: Place | None = place
    while at is not None and at[0] is not None:
        above, member, index, _ = at
        if index is not None:
            steps.append(index)
        steps.append(f"_{member.name}" if below is not None and member.primitive else member.name)
        below = member.name
        at = above
    return tuple(reversed(steps))


def key_of(issue: Issue) -> tuple[str | None, str, str]:
    """What an issue is known by: the same fault found by two profiles is listed once."""
    return (issue.rule, issue.expression or "", "" if issue.rule == "reference-target" else issue.message)


class Run:
    """The state of one `check`. Issues are gathered; the same fault found by two profiles is listed once."""

    __slots__ = (
        "about", "accepting", "active", "bundles", "engine", "env", "first", "found", "later", "memo", "places",
        "resource", "root", "root_place", "scope", "seen", "top",
    )  # fmt: skip

    def __init__(self, engine: Engine, *, first: bool = False) -> None:
        self.engine = engine
        self.first = first
        """Stop (Enough) at the first error."""
        self.accepting: Callable[[Run, Json, Place], bool] | None = None
        """Whether a resource inside another was looked at already, as far as this run asks (narrow_nested.py)."""
        self.later: list[tuple[Any, Place | None]] | None = None
        """Where it is a list: what was met and where, to be made issues when all is known (hints.py)."""
        self.found: list[Issue] = []
        self.places: list[Place | None] = []
        self.about: list[str] = []
        self.seen: set[tuple[str | None, str, str]] = set()
        self.resource: Json = {}
        self.root: Json = {}
        self.root_place: Place = NOWHERE
        self.scope: str | None = None
        """A profile the resource claims: extensions are meant as its package has them."""
        self.top: Any = None
        """What was given to be checked, from which every place is reckoned."""
        self.env: Any = None
        self.bundles: list[Surroundings] = []
        self.memo: dict[Any, Any] = {}
        self.active: set[Any] = set()

    def add(
        self,
        severity: Severity,
        code: str,
        rule: str,
        message: str,
        place: Place | None,
        *,
        profile: str | None = None,
        about: str = "",
    ) -> None:
        """List an issue. `about` is the member that is missing or too many, or an invariant's expression."""
        if self.later is not None:
            self.later.append(((severity, code, rule, message, profile, about), place))
            return
        where = expression(place)
        key = (rule, where, "" if rule == "reference-target" else message)
        if key in self.seen:
            return
        if len(self.found) >= MAX_ISSUES:
            if severity in ("warning", "information"):
                return
            if len(self.found) >= 2 * MAX_ISSUES:
                raise Enough
        self.seen.add(key)
        self.found.append(Issue(severity, code, message, where, rule, profile))
        self.places.append(place)
        self.about.append(about)
        if self.first and severity == "error":
            raise Enough

    def again(self, issue: Issue, place: Place | None, about: str) -> None:
        """List an issue that is no error and was made before, at its place."""
        if self.later is not None:
            self.later.append((issue, place))
            return
        key = key_of(issue)
        if key not in self.seen and len(self.found) < MAX_ISSUES:
            self.seen.add(key)
            self.found.append(issue)
            self.places.append(place)
            self.about.append(about)

    def error(
        self, code: str, rule: str, message: str, place: Place | None, *, profile: str | None = None, about: str = ""
    ) -> None:
        self.add("error", code, rule, message, place, profile=profile, about=about)

    def warn(self, code: str, rule: str, message: str, place: Place | None, *, profile: str | None = None) -> None:
        self.add("warning", code, rule, message, place, profile=profile)

    def note(self, code: str, rule: str, message: str, place: Place | None, *, profile: str | None = None) -> None:
        self.add("information", code, rule, message, place, profile=profile)

    def trial(self) -> Run:
        """A run of its own over the same instance, to see whether something holds; shares what is known."""
        other = Run(self.engine)
        other.resource, other.root, other.env = self.resource, self.root, self.env
        other.scope = self.scope
        other.top, other.root_place = self.top, self.root_place
        other.bundles, other.memo, other.active = self.bundles, self.memo, self.active
        return other

    @property
    def failed(self) -> bool:
        found = self.found
        return bool(found) and (found[0].severity in _ERRORS or any(issue.severity in _ERRORS for issue in found))
