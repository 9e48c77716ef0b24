"""The compiled form of StructureDefinitions: what every engine here reads, and nothing that runs.

Two halves, because a profile repeats its base in full and checking it twice would report every fault twice:

* a `Shape` is a FHIR type as hl7.fhir.r4.core defines it (a resource, a data type, or a backbone element): its JSON
  members, cardinalities, bindings, reference targets and invariants. Every instance is walked once by its shape.
* a `Rules` tree is what one profile asks *beyond* the type it constrains: an element that says no more than the type
  does is not in the tree. Each profile that applies is walked over the instance after its shape.

An instance is valid against a profile when its shape and the profile's `Rules` (and those of the extensions in it,
found by their url) report no error.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Json = dict[str, Any]
Strength = Literal["required", "extensible", "preferred", "example"]


class Missing:
    """Stands for 'no value asked' where None could be one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()

ANY_RESOURCE = frozenset(("Resource", "DomainResource"))
"""Types of elements that hold any resource."""
PRIMITIVES = frozenset(
    "boolean integer string decimal uri url canonical base64Binary instant date dateTime time code oid id markdown "
    "unsignedInt positiveInt uuid xhtml".split()
)


class Binding(msgspec.Struct, frozen=True):
    """A bound value set. `source` is where it is said (`url|version#element`). `maximum` is the maxValueSet: codes
    outside it are errors whatever the strength; `extra` are additional bindings as (purpose, value set)."""

    strength: Strength
    value_set: str
    maximum: str | None = None
    extra: tuple[tuple[str, str], ...] = ()


class Constraint(msgspec.Struct, frozen=True):
    """An invariant. Keys are not unique, not even within one package: `expression` identifies it."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str
    source: str = ""
    best_practice: bool = False


class Member(msgspec.Struct, eq=False):
    """One JSON member of a shape. A choice `value[x]` gives one member per type (`valueQuantity`, ...).

    `label` is its FHIRPath step (`value.ofType(Quantity)`), `path` the element's path (`Observation.value[x]`),
    `type` the FHIR type code; `shape` is set only where the content is said in place (backbone elements and content
    references), else the type's own shape holds. `targets` are the resource types that a Reference or canonical may
    point to (empty: any). `primitive` members may have a sibling `_name`.
    """

    name: str
    label: str
    path: str
    group: str
    type: str
    many: bool = False
    shape: Shape | None = None
    binding: Binding | None = None
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    """Canonicals of the data type profiles the type itself asks for (R4 core: SimpleQuantity, MoneyQuantity)."""
    constraints: tuple[Constraint, ...] = ()
    attribute: bool = False
    max_length: int | None = None
    primitive: bool = False

    def __post_init__(self) -> None:
        self.primitive = self.type in PRIMITIVES

    @property
    def names_type(self) -> bool:
        """Whether this is the `resourceType` of a resource, which is no element (ExampleScenario has one that is)."""
        return not self.label


class Count(msgspec.Struct, frozen=True):
    """How many of a group of members (one name, or the names of a choice) an object must and may have."""

    group: str
    names: tuple[str, ...]
    min: int
    max: int | None


class Shape(msgspec.Struct, eq=False):
    """A FHIR type: `name` is `Patient`, `HumanName` or, for a backbone element, its path `Patient.contact`."""

    name: str
    kind: Literal["resource", "complex", "backbone", "primitive"]
    url: str
    abstract: bool = False
    members: dict[str, Member] = {}
    counts: tuple[Count, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    ancestors: tuple[str, ...] = ()
    """The types it specializes, nearest first: ('DomainResource', 'Resource')."""


class TypeRule(msgspec.Struct, frozen=True):
    """One type that a profile allows at an element; profiles and target profiles are canonicals."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()
    versioning: str | None = None


class Discriminator(msgspec.Struct, frozen=True):
    kind: Literal["value", "pattern", "type", "exists", "profile", "position"]
    path: str


class Criterion(msgspec.Struct, frozen=True):
    """One discriminator of one slice, resolved: what an item must show at `path` to belong to the slice.

    `steps` are ('member', name) | ('resolve', '') | ('ofType', type) | ('extension', url), empty for `$this`.
    `test` and `expected`: fixed (a value), pattern (a value), parts (((steps, 'fixed'|'pattern', value), ...)), binding
    (value set), type (codes), exists (bool), profile (canonicals), position (int).
    """

    path: str
    steps: tuple[tuple[str, str], ...]
    test: Literal["fixed", "pattern", "parts", "binding", "type", "exists", "profile", "position"]
    expected: Any


class Slicing(msgspec.Struct, eq=False):
    discriminators: tuple[Discriminator, ...]
    rules: Literal["open", "closed", "openAtEnd"]
    ordered: bool
    slices: list[Rules] = []


class Rules(msgspec.Struct, eq=False):
    """What a profile asks of one element beyond its type. Absent rules have their empty value.

    `name` is the JSON name without `[x]`; with `choice` it stands for every member `nameType` of the shape.
    `min`/`max` count the element's values (0/None: nothing beyond the type). `types` is None where the profile allows
    what the type allows. `children` are keyed by element name (`code`, `value[x]`). A slice is a Rules of its own,
    listed in its element's `slicing`, with `slice_name` set; a slice of a slice is in that slice's own `slicing`.
    `criteria` decide which items belong to a slice: all must hold.
    """

    id: str
    profile: str
    name: str
    path: str
    choice: bool = False
    slice_name: str | None = None
    criteria: tuple[Criterion, ...] = ()
    min: int = 0
    max: int | None = None
    types: tuple[TypeRule, ...] | None = None
    fixed: Any = MISSING
    pattern: Any = MISSING
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    min_value: Any = MISSING
    max_value: Any = MISSING
    min_length: int | None = None
    max_length: int | None = None
    must_have_value: bool = False
    value_alternatives: tuple[str, ...] = ()
    slicing: Slicing | None = None
    children: dict[str, Rules] = {}
    extras: dict[str, Any] = {}
    """Rules said by extensions of the element definition that we know (narrative language control and the like)."""

    @property
    def empty(self) -> bool:
        return not (
            self.min
            or self.max is not None
            or self.types is not None
            or self.fixed is not MISSING
            or self.pattern is not MISSING
            or self.binding
            or self.constraints
            or self.min_value is not MISSING
            or self.max_value is not MISSING
            or self.min_length is not None
            or self.max_length is not None
            or self.must_have_value
            or self.value_alternatives
            or self.slicing
            or self.children
            or self.extras
        )


class Profile(msgspec.Struct, eq=False):
    """A compiled profile: `type` is the FHIR type it constrains, `rules` the root of its tree."""

    url: str
    version: str | None
    type: str
    rules: Rules
    base: str | None = None
    imposed: tuple[str, ...] = ()
    abstract: bool = False
    derivation: str | None = None
    contexts: tuple[tuple[str, str], ...] = ()
    """Of an extension: where it may stand, as (element | extension | fhirpath, expression)."""
    context_invariants: tuple[str, ...] = ()
    for_r4: bool = True
    """Whether R4 is among the versions of FHIR that it says it is for."""
    modifier: bool = False
    most: int | None = None
    """Of an extension: how often it may stand on one element; None without a limit."""

    @property
    def is_type(self) -> bool:
        """Whether this is a FHIR type itself, which its shape already says all of."""
        return self.url == f"http://hl7.org/fhir/StructureDefinition/{self.type}"

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url
