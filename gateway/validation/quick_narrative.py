"""The usual narrative as a regular language: elements and attributes that narratives may have, and text to read.

NARRATIVE says which tags there are; a regular expression cannot pair them, so an XML parser does that afterwards.
https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from xml.parsers import expat

import jsonschema_rs

_SPACE = r"[ \t\r\n]"
_PLAIN = "style|class|id|title|lang|xml:lang|dir|colspan|rowspan|align|valign|width|scope|name|type"
_MORE = {"img": "alt|height", "table": "summary|border|cellspacing|cellpadding|bgcolor|frame|rules", "ol": "start"}
_LINKS = {"a": "href", "img": "src", "area": "href"}
_ELEMENTS = (
    "p br div h1 h2 h3 h4 h5 h6 span b em i strong small big tt code blockquote ul ol li dl dt dd pre table caption "
    "colgroup col thead tr tfoot tbody th td hr sub sup q cite abbr a img"
).split()
_ENTITY = r"&(?:lt|gt|amp|quot|apos|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});"
_CHARS = rf"(?:[^<>&\"]|{_ENTITY})*"
_HARMLESS_LINK = rf"(?:(?:https?|mailto|tel|urn):{_CHARS}|(?:[^<>&\":]|{_ENTITY})*)"


def _attribute(names: str, value: str) -> str:
    return rf"{_SPACE}+(?:{names}){_SPACE}*={_SPACE}*\"{value}\""


def _tag(name: str) -> str:
    attributes = [_attribute(_PLAIN + (f"|{_MORE[name]}" if name in _MORE else ""), _CHARS)]
    if name in _LINKS:
        attributes.append(_attribute(_LINKS[name], _HARMLESS_LINK))
    return rf"{name}(?:{'|'.join(attributes)})*"


_CLOSING = "|".join(_ELEMENTS)
_SPECIAL = {*_MORE, *_LINKS}
_COMMON = "|".join(name for name in _ELEMENTS if name not in _SPECIAL)
_OPENING = "|".join([rf"(?:{_COMMON})(?:{_attribute(_PLAIN, _CHARS)})*", *map(_tag, sorted(_SPECIAL - {"area"}))])
_PIECE = rf"(?:[^<&]|{_ENTITY}|</(?:{_CLOSING}){_SPACE}*>|<(?:{_OPENING}){_SPACE}*/?>|<!--(?:[^-]|-[^-])*-->)"
_NAMESPACE = r'xmlns="http://www\.w3\.org/1999/xhtml"'
NARRATIVE: Final = (
    rf"^<div(?:{_attribute(_PLAIN, _CHARS)})*{_SPACE}+{_NAMESPACE}(?:{_attribute(_PLAIN, _CHARS)})*{_SPACE}*>"
    rf"{_PIECE}*[A-Za-z0-9]{_PIECE}*</div>$"
)
"""For JSON Schema, whose engine runs it in linear time and many times as fast as `re`."""
_DEEPEST = 90


@cache
def _form() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"pattern": NARRATIVE}, pattern_options=jsonschema_rs.RegexOptions())


def surely_acceptable(text: str) -> bool:
    """Whether the narrative is one that the thorough check accepts too; False says nothing."""
    if not _form().is_valid(text):
        return False
    try:
        expat.ParserCreate().Parse(text, True)
    except (expat.ExpatError, ValueError):
        return False
    return text.count("<") <= 2 * _DEEPEST or _levels(text) <= _DEEPEST


def _levels(text: str) -> int:
    deepest = depth = 0
    for mark in re.findall(r"</|/>|<!|<", text):
        if mark == "<!":
            continue
        if mark == "<":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
