"""Elements of a differential against the type they constrain. https://hl7.org/fhir/R4/elementdefinition.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.canonical.expressions import check_syntax
from gateway.validation.canonical.operation_definition import MOST
from gateway.validation.canonical.paths import element_at, shape_of, step
from gateway.validation.compiled import Json, Member, Shape
from gateway.validation.discriminators import steps
from gateway.validation.parts import member, part, parts, text, texts
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_STRENGTH = {"example": 0, "preferred": 1, "extensible": 2, "required": 3}
_ANY = frozenset(("Resource", "DomainResource", "Element", "BackboneElement"))
_VALUES = ("fixed", "pattern", "minValue", "maxValue", "defaultValue")
_SYSTEM = "http://hl7.org/fhirpath/"
_BOUND = frozenset(
    "code Coding CodeableConcept Quantity SimpleQuantity MoneyQuantity Age Distance Duration Count Range string uri "
    "url oid uuid Extension CodeableReference".split()
)
"""Types that a binding can be of."""
_NO_LENGTH = frozenset(("boolean", "base64Binary", "xhtml"))


class Elements:
    """What is constrained: `shape` is the type, `url` the definition's own."""

    def __init__(self, engine: Engine, shape: Shape, url: str | None) -> None:
        self.engine = engine
        self.shape = shape
        self.url = url

    def at(self, path: str) -> tuple[list[Member] | None, Shape | None]:
        """The members of a path and the shape that holds them; None where that cannot be told."""
        names = path.split(".")[1:]
        found = element_at(self.engine, self.shape, names)
        if len(names) <= 1:
            return found, self.shape
        above = element_at(self.engine, self.shape, names[:-1])
        return found, shape_of(self.engine, above[0]) if above and len(above) == 1 else None


def check_element(run: Run, elements: Elements, element: Json, place: Place, *, inherits: bool = False) -> None:
    """Report what an element asks that its type cannot give. In a snapshot it has what the type says of it too."""
    path = text(element, "path")
    if path is None or len(path) > 1_000:
        return
    root, _, below = path.partition(".")
    if root != elements.shape.name:  # sdf-8a tells that
        return
    if not below:
        return
    found, holder = elements.at(path)
    if found == []:
        run.error("invalid", "definition-path", f"{elements.shape.name} has no such element.", member(place, "path"))
        return
    slicing, there = part(element, "slicing", place)
    if slicing and found and holder is not None and _once(found, holder):
        run.error("business-rule", "definition-slicing", "Only what may repeat, or is of several types, can be sliced.",
                  there)  # fmt: skip
    for discriminator, here in parts(slicing, "discriminator", there):
        _discriminator(run, elements, found, discriminator, here)
    if found:
        sliced = text(element, "sliceName") is not None or ":" in (text(element, "id") or "")
        if holder is not None and not sliced:
            _within(run, element, found, holder, place)
        _types(run, elements, element, found, place)
        _values(run, element, found, place)
        _binding(run, element, found, place)
        if not inherits:
            _facets(run, element, found, place)
        _url(run, elements, element, path, sliced, place)
    _points_to(run, elements, element, place)


def _once(found: list[Member], holder: Shape) -> bool:
    """Whether an element of one type can stand once only."""
    count = next((c for c in holder.counts if c.group == found[0].group), None)
    many = found[0].many if count is None else count.max is None or count.max > 1
    return not many and "[x]" not in found[0].group


def _within(run: Run, element: Json, found: list[Member], holder: Shape, place: Place) -> None:
    """Cardinality is narrowed, never widened."""
    count = next((c for c in holder.counts if c.group == found[0].group), None)
    least, most = element.get("min"), text(element, "max")
    limit = count.max if count is not None else None if found[0].many else 1
    if limit is not None:
        number = None if most is None or not MOST.fullmatch(most) else most
        if number == "*" or (number is not None and int(number) > limit):
            run.error("business-rule", "definition-max", f"max must not be more than the type's, {limit}.",
                      member(place, "max"))  # fmt: skip
        elif type(least) is int and least > limit:
            run.error("business-rule", "definition-min", f"min must not be more than the type's max, {limit}.",
                      member(place, "min"))  # fmt: skip
    if count is not None and type(least) is int and least < count.min and len(found) == len(count.names):
        run.error("business-rule", "definition-min", f"min must not be less than the type's, {count.min}.",
                  member(place, "min"))  # fmt: skip


def _types(run: Run, elements: Elements, element: Json, found: list[Member], place: Place) -> None:
    engine = elements.engine
    for one, here in parts(element, "type", place):
        code = text(one, "code")
        if code is None or code.startswith(_SYSTEM) or ":" in code:
            continue
        fitting = [m for m in found if _is_a(engine, code, m.type) or (m.shape is not None and code in _ANY)]
        if not fitting:
            run.error("business-rule", "definition-type", "The element's own type allows none of this name.",
                      member(here, "code"))  # fmt: skip
            continue
        for profile, there in texts(one, "profile", here):
            kind = engine.type_of(profile, asked_in=None) if len(profile) < 2_000 else None
            if kind == "Extension":
                _modifier(run, engine, profile, found, there)
            if kind is not None and engine.shapes.find(kind) is not None and not _related(engine, kind, code):
                run.error("business-rule", "definition-type", f"The profile is one of {kind}, not of {code}.", there)
        targets = {t for m in fitting for t in m.targets}
        for profile, there in texts(one, "targetProfile", here):
            kind = engine.type_of(profile, asked_in=None) if len(profile) < 2_000 else None
            if kind is not None and targets and not any(_related(engine, kind, t) for t in targets):
                run.error("business-rule", "definition-type", f"The element cannot point to {kind}.", there)


def _modifier(run: Run, engine: Engine, profile: str, found: list[Member], place: Place) -> None:
    """Modifier extensions are for modifierExtension, others are not."""
    known = engine.profile(profile, asked_in=None)
    if known is not None and not known.is_type and known.modifier != (found[0].name == "modifierExtension"):
        run.error("business-rule", "definition-modifier", "An extension must be a modifier in modifierExtension, and "
                  "nowhere else.", place)  # fmt: skip


def _is_a(engine: Engine, code: str, wanted: str) -> bool:
    """Whether a type is another, or one that is built on it."""
    if code == wanted:
        return True
    shape = engine.shapes.find(code)
    if wanted in _ANY:
        return shape is not None or code in _ANY
    return shape is not None and wanted in shape.ancestors


def _related(engine: Engine, kind: str, wanted: str) -> bool:
    return kind in _ANY or _is_a(engine, kind, wanted) or _is_a(engine, wanted, kind)


def _values(run: Run, element: Json, found: list[Member], place: Place) -> None:
    """A fixed value, a pattern or a bound is of a type that the element may have."""
    said = [code for one, _ in parts(element, "type", place) if (code := text(one, "code")) is not None]
    types = {code.rpartition(".")[2].lower() for code in said} | {m.type.lower() for m in found}
    if types & {"resource", "element", "backboneelement", "domainresource"}:
        return
    for name in element:
        kind = next((name[len(start) :] for start in _VALUES if name.startswith(start)), "")
        if kind and kind.lower() not in types:
            run.error("business-rule", "definition-value", "The value must be of a type that the element may have.",
                      member(place, name))  # fmt: skip


def _binding(run: Run, element: Json, found: list[Member], place: Place) -> None:
    binding, here = part(element, "binding", place)
    strength = text(binding, "strength")
    own = [m.binding.strength for m in found if m.binding is not None]
    if strength in _STRENGTH and own and all(_STRENGTH[strength] < _STRENGTH[one] for one in own):
        run.error("business-rule", "definition-binding", f"The binding must not be weaker than the type's, {own[0]}.",
                  member(here, "strength"))  # fmt: skip


def _facets(run: Run, element: Json, found: list[Member], place: Place) -> None:
    """A binding is of what is coded, a length of what is written; a constraint gives no meaning to what is missing."""
    said = {code for one, _ in parts(element, "type", place) if (code := text(one, "code")) is not None}
    types = said or {one.type for one in found}
    if any(":" in one for one in types) or types & _ANY:
        return
    if "binding" in element and not types & _BOUND:
        run.error("business-rule", "definition-binding", "Only coded elements, strings and URIs can be bound.",
                  member(place, "binding"))  # fmt: skip
    if "maxLength" in element and not any(one[:1].islower() and one not in _NO_LENGTH for one in types):
        run.error("business-rule", "definition-length", "Only what is written as text has a length.",
                  member(place, "maxLength"))  # fmt: skip
    if "meaningWhenMissing" in element and found[0].type != "Extension":
        run.error("business-rule", "definition-missing", "Only a type says what it means when an element is missing.",
                  member(place, "meaningWhenMissing"))  # fmt: skip


def _url(run: Run, elements: Elements, element: Json, path: str, sliced: bool, place: Place) -> None:
    fixed = text(element, "fixedUri")
    if path == "Extension.url" and not sliced and fixed is not None and elements.url not in (None, fixed):
        run.error("business-rule", "definition-url", "Extension.url must be fixed to the url of the definition.",
                  member(place, "fixedUri"))  # fmt: skip


def _points_to(run: Run, elements: Elements, element: Json, place: Place) -> None:
    """What has the content of another element names one that there is."""
    root, _, path = (text(element, "contentReference") or "").rpartition("#")
    if path and path.partition(".")[0] == elements.shape.name and not root.strip() and ":" not in path:
        names = path.split(".")[1:]
        if element_at(elements.engine, elements.shape, names) == []:
            run.error("invalid", "definition-path", f"{elements.shape.name} has no such element.",
                      member(place, "contentReference"))  # fmt: skip


def _discriminator(run: Run, elements: Elements, found: list[Member] | None, one: Json, place: Place) -> None:
    path = text(one, "path")
    if path is None or not check_syntax(elements.engine, run, path, member(place, "path")):
        return
    if _leads(elements.engine, found, path) is False:
        run.error("invalid", "discriminator-path", "The discriminator's path leads to no element of what is sliced.",
                  place)  # fmt: skip


def _leads(engine: Engine, found: list[Member] | None, path: str) -> bool | None:
    """Whether a discriminator path can be followed; None when that cannot be told."""
    try:
        wanted = steps(path)
    except ValueError:
        return None
    at = shape_of(engine, found[0]) if found is not None and len(found) == 1 else None
    for kind, name in wanted:
        if at is None or kind != "member":
            return None
        below: list[Any] = step(at, name)
        if not below:
            return False
        at = shape_of(engine, below[0]) if len(below) == 1 else None
    return True
