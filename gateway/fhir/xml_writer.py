"""FHIR XML written from the plain data that FHIR JSON gives. https://hl7.org/fhir/R4/xml.html

The tables of types are those that `gateway.fhir.xml` reads by: they say the order of elements, which are attributes,
which are primitive, and where a resource or XHTML stands. Decimals keep their digits, a narrative its source. What XML
cannot say (a control character, a member that the type does not have) is refused, never left out.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import Any, NoReturn

from lxml import etree

from gateway.errors import NotAcceptable
from gateway.fhir.codec import Json, read
from gateway.fhir.xml import Types
from gateway.fhir.xml_tree import FHIR, XHTML, quoteattr

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_PREDEFINED = frozenset(["amp", "lt", "gt", "quot", "apos"])


class XmlWriter:
    """Writes resources by one table of types. Safe for threads."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._orders: dict[Any, dict[str, int]] = {}

    def write(self, resource: Any) -> bytes:
        """The resource as UTF-8 bytes; NotAcceptable when XML cannot carry it."""
        written = ['<?xml version="1.0" encoding="UTF-8"?>']
        self._resource(resource, written, space=f' xmlns="{FHIR}"')
        text = "".join(written)
        if _NO_XML.search(text):
            _refuse("it has a character that XML does not have")
        return text.encode()

    def of_json(self, data: bytes) -> bytes:
        """FHIR JSON as FHIR XML."""
        return self.write(read(data))

    def _resource(self, value: Any, out: list[str], *, space: str = "") -> None:
        name = value.get("resourceType") if isinstance(value, dict) else None
        shape = self._types.find(name) if isinstance(name, str) and name.isalnum() else None
        if name is None or shape is None:
            _refuse("it is or holds a resource of an unknown type")
        self._object(name, value, shape, out, space=space)

    def _object(self, tag: str, value: Json, shape: Any, out: list[str], *, space: str = "", text: str = "") -> None:
        """One element: attributes, then its members in the order of the definition."""
        inside: list[str] = []
        attributes = ""
        for name in self._ordered(value, shape):
            member = shape.members[name]
            if member.attribute:
                attributes += f" {name}={quoteattr(value[name])}"
            elif not member.names_type:
                self._member(member, value, inside)
        out.append(f"<{tag}{space}{attributes}{text}{'' if inside else '/'}>")
        if inside:
            out += inside
            out.append(f"</{tag}>")

    def _ordered(self, value: Json, shape: Any) -> list[str]:
        order = self._orders.get(shape)
        if order is None:
            order = self._orders[shape] = {name: number for number, name in enumerate(shape.members)}
        names = {name.removeprefix("_") for name in value}
        if not names <= order.keys():
            _refuse("it has a member that its type does not have")
        return sorted(names, key=order.__getitem__)

    def _member(self, member: Any, value: Json, out: list[str]) -> None:
        name: str = member.name
        if member.primitive:
            items, beside = value.get(name), value.get(f"_{name}")
            if not member.many:
                items, beside = [items], [beside]
            items, beside = items or [], beside or []
            for at in range(max(len(items), len(beside))):
                item = items[at] if at < len(items) else None
                self._primitive(member, item, beside[at] if at < len(beside) else None, out)
            return
        for one in value[name] if member.many else [value[name]]:
            if member.type == "Resource":
                out.append(f"<{name}>")
                self._resource(one, out)
                out.append(f"</{name}>")
            else:
                self._object(name, one, member.shape or self._types.find(member.type), out)

    def _primitive(self, member: Any, item: Any, beside: Json | None, out: list[str]) -> None:
        if member.type == "xhtml":
            out.append(_narrative(item))
            return
        text = "" if item is None else f" value={quoteattr(_text(item))}"
        if beside:
            self._object(member.name, beside, self._types.find("Element"), out, text=text)
        else:
            out.append(f"<{member.name}{text}/>")


def _text(item: Any) -> str:
    return ("true" if item else "false") if isinstance(item, bool) else str(item)


def _narrative(div: Any) -> str:
    """The div as it is, if it is one whole XHTML element by itself; HTML's named characters by number."""
    source = _NAMED.sub(_numbered, str(div).strip())
    if not re.match(r"<div[^>]*\sxmlns\s*=", source) and source.startswith("<div"):
        source = f'<div xmlns="{XHTML}"{source[4:]}'
    if "<!DOCTYPE" in source or source.startswith("<?") or not _is_div(source):
        _refuse("its narrative is no XHTML")
    return source


def _is_div(source: str) -> bool:
    """Whether this is one whole div by itself: then nothing of it can end the element that it stands in."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(source.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return False
    return bool(root.tag == f"{{{XHTML}}}div")


def _numbered(named: re.Match[str]) -> str:
    name = named[1]
    if name in _PREDEFINED or name not in name2codepoint:
        return named[0]
    return f"&#{name2codepoint[name]};"


def _refuse(why: str) -> NoReturn:
    raise NotAcceptable(f"The answer cannot be written as XML ({why}): ask for application/fhir+json.")
