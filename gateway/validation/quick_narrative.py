"""The usual narrative as a regular language: elements and attributes that narratives may have, and text to read.

PLAIN is what most narratives are: paragraphs, lists and tables that are nested no deeper than a regular expression can
pair. Others are looked at by two (wide_narrative.py). Of the rest, NARRATIVE says which tags there are, and an XML
parser pairs them.
https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Final
from xml.parsers import expat

import jsonschema_rs

from gateway.validation.wide_narrative import is_surely_wide

_SPACE = r"[ \t\r\n]"
_PLAIN = "style|class|id|title|lang|xml:lang|dir|colspan|rowspan|align|valign|width|scope"
_MORE = {
    "img": "alt|height", "table": "summary|border|cellspacing|cellpadding|bgcolor|frame|rules", "ol": "start",
    "a": "name|type",
}  # fmt: skip
_LINKS = {"a": "href", "img": "src", "area": "href"}
_BLOCK = re.compile(r"<(/?)(p|div|blockquote|table|ol|ul)(?![a-z])[^>]*?(/?)>")
_ELEMENTS = (
    "p br div h1 h2 h3 h4 h5 h6 span b em i strong small big tt code blockquote ul ol li dl dt dd pre table caption "
    "colgroup col thead tr tfoot tbody th td hr sub sup q cite abbr a img"
).split()
_ENTITY = r"&(?:lt|gt|amp|quot|apos|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});"
_CHARS = rf"(?:[^<>&\"]|{_ENTITY})*"
_URL = r"(?:[A-Za-z0-9;?@=+$.,/%~\[\]!'()*|_\-]|&amp;)"  # of ASCII only; other letters get the thorough check
_HARMLESS_LINK = rf"(?:(?:https?|mailto|tel):)?{_URL}+(?:#{_URL}*)?"


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

_SAFE = r"\x00-\x08\x0b\x0c\x0e-\x1f<>&\x{fffe}\x{ffff}"
_WORDS = rf"[^{_SAFE}]|&(?:lt|gt|amp|quot|apos);"
_SAID = rf'[^{_SAFE}"]*'
_MARKED = rf'(?: (?:class|style|title|id)="{_SAID}")?'
_CELL = rf'(?: (?:class|style|colspan|rowspan)="{_SAID}")?'
_LINK = rf'(?: name="{_SAID}")?(?: href="{_HARMLESS_LINK}")?'


def _nested(names: str, inner: str, attributes: str = "") -> str:
    return "|".join(rf"<{name}{attributes}>(?:{inner})*</{name}>" for name in names.split())


def _plain() -> str:
    anchor, space = _nested("a", _WORDS, _LINK), r"[ \t\r\n]"
    span = _nested("span", f"{_WORDS}|{anchor}|{_nested('code', _WORDS)}", _MARKED)
    line = f"{_WORDS}|<br ?/>|{_nested('b i em strong code', _WORDS)}|{anchor}|{span}"
    paragraph = rf"<p{_MARKED}(?:/>|>(?:{line})*</p>)"
    lists = _nested("ul ol", f"{space}|{_nested('li', line)}")
    row = _nested("tr", f"{space}|{_nested('td th', line, _CELL)}")
    table = _nested("table", f"{space}|{_nested('thead tbody', f'{space}|{row}')}|{row}", _CELL)
    parts = [line, paragraph, "<hr ?/>", _nested("h2 h3 h4", _WORDS), lists, table, _nested("blockquote", paragraph),
             _nested("div", f"{line}|{paragraph}", _MARKED)]  # fmt: skip
    language = r'(?: xml:lang="[A-Za-z-]+")?(?: lang="[A-Za-z-]+")?'
    return rf"^<div {_NAMESPACE}{language}>(?:{'|'.join(parts)})*</div>$"


_READABLE = rf">{_SPACE}*[A-Za-z0-9]"
"""In a plain narrative every > ends a tag."""
_FEW = 20
"""Narratives after which it is worth to compile what plain ones look like, which takes some hundredths of a second."""


@cache
def plainly() -> Callable[[str], bool]:
    """Whether a narrative is one of the plain ones; compiled when first asked for."""
    schema = {"pattern": _plain(), "allOf": [{"pattern": _READABLE}]}
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions()).is_valid


@cache
def _form() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"pattern": NARRATIVE}, pattern_options=jsonschema_rs.RegexOptions())


_seen = count()


def is_plain(text: str) -> bool:
    """Whether the narrative is one of the plain ones, which are all good."""
    return plainly()(text)


def surely_acceptable(text: str) -> bool:
    """Whether the narrative is one that the thorough check accepts too; False says nothing."""
    if next(_seen) > _FEW and (plainly()(text) or is_surely_wide(text)):
        return True
    if not _form().is_valid(text):
        return False
    try:
        expat.ParserCreate().Parse(text, True)
    except (expat.ExpatError, ValueError):
        return False
    return not _crowded(text) and (text.count("<") <= 2 * _DEEPEST or _levels(text) <= _DEEPEST)


def _crowded(text: str) -> bool:
    """Whether a paragraph may hold a list, a table or another block."""
    if "<!" in text:
        return "<p" in text
    inside = False
    for closing, name, empty in _BLOCK.findall(text):
        if closing:
            inside = inside and name != "p"
        elif inside:
            return True
        else:
            inside = name == "p" and not empty
    return False


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
