"""StructureDefinitions as instances: what their schema cannot say, told before anyone builds on them.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.validation.compiled import Json, Member, Shape
from gateway.validation.discriminators import steps
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine


class StructureDefinitions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self, run: Run, definition: Json, place: Place) -> None:
        """Report discriminators that lead nowhere in the type that is constrained."""
        differential = definition.get("differential")
        elements = differential.get("element") if type(differential) is dict else None
        if definition.get("derivation") != "constraint" or type(elements) is not list:
            return
        for number, element in enumerate(elements):
            if type(element) is dict and type(element.get("path")) is str:
                self._slicing(run, element, number, place)

    def _slicing(self, run: Run, element: Json, number: int, place: Place) -> None:
        slicing = element.get("slicing")
        discriminators = slicing.get("discriminator") if type(slicing) is dict else None
        for discriminator in discriminators if type(discriminators) is list else ():
            path = discriminator.get("path") if type(discriminator) is dict else None
            if type(path) is str and self._leads(element, path) is False:
                run.error("invalid", "discriminator-path", "The discriminator's path leads to no element of what is "
                          "sliced.", self._place(place, number))  # fmt: skip

    def _place(self, place: Place, number: int) -> Place:
        shape = place[3]
        assert shape is not None
        differential = shape.members["differential"]
        inside = differential.shape
        assert inside is not None
        at: Place = (place, differential, None, inside)
        return (at, inside.members["element"], number, None)

    def _leads(self, element: Json, path: str) -> bool | None:
        """Whether a discriminator path can be followed; None when that cannot be told."""
        try:
            wanted = steps(path)
        except ValueError:
            return None
        at = self._find(element["path"])
        for kind, name in wanted:
            if at is None or kind != "member":
                return None
            found = _step(at, name)
            if not found:
                return False
            at = self._shape(found[0]) if len(found) == 1 else None
        return True

    def _find(self, path: str) -> Shape | None:
        """The shape of the element at a path, through types; None when it has several or is not known."""
        root, *names = path.split(".")
        at = self._engine.shapes.find(root)
        for name in names:
            found = _step(at, name) if at is not None else []
            at = self._shape(found[0]) if len(found) == 1 else None
        return at

    def _shape(self, member: Member) -> Shape | None:
        if member.type in ("Resource", "DomainResource", "Element", "BackboneElement") and member.shape is None:
            return None
        return member.shape or self._engine.shapes.find(member.type)


def _step(shape: Shape, name: str) -> list[Any]:
    bare = name.removesuffix("[x]")
    return [m for m in shape.members.values() if m.name == bare or m.group == f"{bare}[x]"]
