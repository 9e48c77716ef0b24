"""A search as data: what the web room parses and the store answers. https://hl7.org/fhir/R4/search.html

Values are already normalised as index entries are (`gateway.search.extract`), so the store compares and never converts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.errors import Issue

Prefix = Literal["eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap"]
MAX_COUNT = 200
"""Most matches on one page; a larger `_count` is cut to this."""
DEFAULT_COUNT = 50


@dataclass(frozen=True, slots=True)
class Token:
    """`system|code`. System None: any; "": none at all. Code None: any code of the system."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """A string, `value` without case and accents; for `exact` the text as `written` counts too."""

    value: str
    how: Literal["starts", "contains", "exact"] = "starts"
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A date as the half-open interval [low, high) in microseconds UTC, with the prefix that says how to compare."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or quantity: `point` as written, [low, high) what its digits imply, all in sortable integers.

    System and unit as in Token: unit None means any unit, system None any system (then unit is a code or a label).
    """

    prefix: Prefix
    point: int
    low: int
    high: int
    system: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A reference: any of these normalised forms (`Patient/123`, an absolute URL, `urn:uuid:...`)."""

    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI as written; for a canonical `version` narrows it. `below` also takes what lies under it."""

    value: str
    version: str | None = None
    below: bool = False


Value = Token | Text | Span | Amount | Target | Uri


@dataclass(frozen=True, slots=True)
class Together:
    """A composite's value: one element has all of `parts`, in the order of its components."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """The parameter has any of `values`; `negated` (:not): it has none of them, or no value at all."""

    param: str
    values: tuple[Value | Together, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """`:missing=true`: the resource has no value for the parameter; false: it has."""

    param: str
    missing: bool


@dataclass(frozen=True, slots=True)
class Ids:
    """`_id`: any of these."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """`_lastUpdated`: any of these."""

    values: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """`param:Type.other=`: what `param` refers to meets the condition of its type (any of `targets`)."""

    param: str
    targets: tuple[tuple[str, Condition], ...]


@dataclass(frozen=True, slots=True)
class Reverse:
    """`_has:Type:param:other=`: some `type` that meets `condition` refers to the resource by `param`."""

    type: str
    param: str
    condition: Condition


Condition = Is | Missing | Ids | Updated | Chain | Reverse


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of `_sort`; `column` says where its values are. Resources without one come last."""

    param: str
    column: Literal["id", "at", "value", "low"]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=type:param:target`, or `_revinclude` when `reverse`; `target` None means any type."""

    type: str
    param: str
    target: str | None = None
    reverse: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search for resources of one `type` that meet every condition of `where`.

    `used` are the name-value pairs that were understood, for the self link; `warnings` what was ignored (lenient).
    `page` is the opaque place where the wanted page begins: it names no person and no value.
    """

    type: str
    where: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = DEFAULT_COUNT
    includes: tuple[Include, ...] = ()
    summary: Literal["true", "text", "data", "count", "false"] = "false"
    total: Literal["none", "estimate", "accurate"] = "none"
    elements: tuple[str, ...] = ()
    page: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Issue, ...] = ()

    @property
    def counts_only(self) -> bool:
        """Only the number of matches is asked for (`_summary=count` or `_count=0`)."""
        return self.summary == "count" or self.count == 0

    def and_where(self, *conditions: Condition) -> Query:
        """The same search, narrowed."""
        return replace(self, where=(*self.where, *conditions))
