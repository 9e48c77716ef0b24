"""FHIR XML read as the plain data that FHIR JSON gives. https://hl7.org/fhir/R4/xml.html

The tables of types are passed in (`Types`), so that this room knows no profile. Refused as `Malformed`: bytes that are
no XML, a DOCTYPE (and with it every entity), processing instructions, nesting beyond `MAX_DEPTH`. What is XML but not
FHIR (an unknown element or attribute, text between elements, elements out of order) is listed as issues, and the rest
is still read.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import msgspec

from gateway.errors import Issue
from gateway.fhir.codec import MAX_DEPTH, Json
from gateway.fhir.xml_tree import FHIR, XHTML, Element, parse

MAX_FAULTS = 500
"""What is XML but not FHIR is listed so often; then one last issue says that there is more."""
Pointer = tuple[str | int, ...]
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,30})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_SCHEMA = frozenset(
    f"http://www.w3.org/2001/XMLSchema-instance {name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
_WHOLE_TYPES = ("integer", "positiveInt", "unsignedInt")


class Types(Protocol):
    """FHIR's types by name. A type has its `name` and `members`, by JSON name in the order of the definition.

    A member has its `name`, `type`, `many`, `primitive`, `attribute` (in XML), `names_type` (it is the `resourceType`
    of JSON), and its own type in `shape` where no type of that name has it.
    """

    def find(self, name: str) -> Any:
        """The type of that name, or None."""


class XmlResource(msgspec.Struct):
    """A resource read from XML: its data, where each part stands (line and column from 1), and what was not FHIR."""

    value: Any
    places: dict[Pointer, tuple[int, int]] = {}
    issues: list[Issue] = []


def read(data: bytes, types: Types) -> XmlResource:
    """Read one FHIR resource from XML bytes, or raise Malformed."""
    root = parse(data, max_depth=MAX_DEPTH)
    reader = _Reader(types)
    known = root.local.isalnum() and types.find(root.local) is not None
    reader.read.value = reader.resource(root, (), root.local if known else "Resource")
    return reader.read


class _Reader:
    def __init__(self, types: Types) -> None:
        self.types = types
        self.read = XmlResource(None)

    def fault(self, rule: str, message: str, element: Element, where: str) -> None:
        found, line, column = self.read.issues, element.line, element.column
        if len(found) < MAX_FAULTS:
            found.append(Issue("error", "structure", message, where, rule, None, line, column))
        elif len(found) == MAX_FAULTS:
            there_are = "There are more faults of the XML than are listed."
            found.append(Issue("error", "too-costly", there_are, where, "more", None, line, column))

    def resource(self, element: Element, at: Pointer, where: str) -> Json:
        strange = element.space != FHIR
        if strange:
            self.fault("xml-namespace", "The element must be in the namespace http://hl7.org/fhir.", element, where)
        shape = self.types.find(element.local) if element.local.isalnum() else None
        self.read.places[at] = (element.line, element.column)
        value: Json = {"resourceType": element.local}
        if shape is not None and not strange:
            self._object(element, shape, value, at, where)
            if not element.children and not element.text and element.local[0].isupper():
                self.fault("xml", "The resource must have some content.", element, where)
        return value

    def _object(self, element: Element, shape: Any, value: Json, at: Pointer, where: str) -> None:
        self._attributes(element, shape, value, where)
        order = {name: number for number, name in enumerate(shape.members)}
        last, done = -1, set()
        previous = ""
        for child in element.children:
            member = self._member(child, shape, where)
            if member is None:
                continue
            number = order[member.name]
            if number < last or (member.name in done and member.name != previous):
                self.fault("xml-order", f"{member.name} is out of order: elements of {shape.name} have a fixed order "
                           "in XML.", child, where)  # fmt: skip
            last, previous = max(last, number), member.name
            if not member.many and member.name in done:
                self.fault("card-max", f"{member.name} must be there at most once.", child, where)
                continue
            done.add(member.name)
            self._child(child, member, value, at, where)

    def _member(self, child: Element, shape: Any, where: str) -> Any:
        member = shape.members.get(child.local)
        expected = XHTML if member is not None and member.type == "xhtml" else FHIR
        if member is None or member.names_type or member.attribute or child.space != expected:
            self.fault("unknown-element", f"This is no element of {shape.name}.", child, where)
            return None
        return member

    def _attributes(self, element: Element, shape: Any, value: Json, where: str) -> None:
        for name, text in element.attributes.items():
            member = shape.members.get(name)
            if member is not None and member.attribute:
                value[name] = text
            elif name not in _SCHEMA:
                self.fault("unknown-attribute", f"{shape.name} has an attribute that it must not have.", element, where)
        self._no_text(element, where)

    def _no_text(self, element: Element, where: str) -> None:
        if element.text:
            self.fault("xml-text", "Text may not stand between elements: values are in the value attribute.", element,
                       where)  # fmt: skip

    def _child(self, child: Element, member: Any, value: Json, at: Pointer, where: str) -> None:
        name: str = member.name
        index = len(value.get(name) or value.get(f"_{name}") or ()) if member.many else None
        here: Pointer = (*at, name) if index is None else (*at, name, index)
        self.read.places[here] = (child.line, child.column)
        inside = f"{where}.{name}" if index is None else f"{where}.{name}[{index}]"
        if member.primitive:
            self._primitive(child, member, value, at, inside, index)
            return
        if member.type == "Resource":
            one = self._held(child, here, inside)
        else:
            one = {}
            self._object(child, member.shape or self.types.find(member.type), one, here, inside)
        if member.many:
            value.setdefault(name, []).append(one)
        else:
            value[name] = one

    def _held(self, child: Element, here: Pointer, where: str) -> Any:
        self._no_text(child, where)
        if len(child.children) != 1:
            self.fault("structure", "There must be exactly one resource here.", child, where)
            if not child.children:
                return {}
        return self.resource(child.children[0], here, where)

    def _primitive(self, child: Element, member: Any, value: Json, at: Pointer, where: str, index: int | None) -> None:
        name = member.name
        if member.type == "xhtml":
            value[name] = child.markup or ""
            return
        text = child.attributes.pop("value", None)
        beside: Json = {}
        told = len(self.read.issues)
        self._beside(child, beside, (*at, f"_{name}") if index is None else (*at, f"_{name}", index), where)
        if text is None and not beside:
            if len(self.read.issues) == told:
                self.fault("ele-1", f"{name} must have a value or extensions: leave the element out instead.", child,
                           where)  # fmt: skip
            if index is None:
                return
        item = None if text is None else _value(text, member.type)
        if index is None:
            if item is not None:
                value[name] = item
            if beside:
                value[f"_{name}"] = beside
            return
        _append(value, name, item, beside or None, index)

    def _beside(self, child: Element, beside: Json, at: Pointer, where: str) -> None:
        shape = self.types.find("Element")
        if child.attributes or child.children or child.text:
            self._object(child, shape, beside, at, where)


def _append(value: Json, name: str, item: Any, beside: Json | None, index: int) -> None:
    values = value.setdefault(name, [])
    values.append(item)
    siblings = value.get(f"_{name}")
    if beside is not None and siblings is None:
        siblings = value[f"_{name}"] = [None] * index
    if siblings is not None:
        siblings.append(beside)


def _value(text: str, type: str) -> Any:
    """An attribute's text as JSON has it; a text that is none of its type stays text, and is reported as such."""
    if type == "boolean" and text in ("true", "false"):
        return text == "true"
    if type in _WHOLE_TYPES and _WHOLE.fullmatch(text):
        return int(text)
    if type == "decimal" and len(text) < 1000 and _DECIMAL.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text
