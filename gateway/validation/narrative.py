"""Narrative: XHTML with basic formatting only, and something to read.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from gateway.validation.narrative_links import link_fault
from gateway.validation.run import Place, Run

XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENTS = frozenset(
    "p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr address "
    "bdo kbd q sub sup ul ol li dl dt dd pre table caption colgroup col thead tr tfoot tbody th td code samp img map "
    "area".split()
)
_BLOCKS = frozenset("div blockquote table ol ul p".split())
"""Elements that a paragraph cannot hold."""
_ATTRIBUTES = frozenset(
    "title style class id lang xml:lang xml:space dir accesskey tabindex span width align valign char charoff abbr "
    "axis headers scope rowspan colspan".split()
)
_PER_ELEMENT = {
    "a": frozenset("href name rel rev hreflang type charset shape coords".split()),
    "img": frozenset("src alt height width longdesc usemap ismap border name".split()),
    "map": frozenset(("name",)),
    "table": frozenset("summary width border frame rules cellspacing cellpadding bgcolor".split()),
    "blockquote": frozenset(("cite",)),
    "q": frozenset(("cite",)),
    "ol": frozenset(("start", "type")),
    "ul": frozenset(("type",)),
    "li": frozenset(("type", "value")),
    "pre": frozenset(("xml:space",)),
    "area": frozenset("shape coords href nohref alt".split()),
    "td": frozenset(("nowrap",)),
    "th": frozenset(("nowrap",)),
}
_SOURCES = frozenset(("boilerplate", "generated", "extension", "additional", "original"))
"""Classes that say where a part of a narrative is from."""
_FAMILIAR = frozenset(
    "body button center font footer form head header html iframe input label link meta nav object script section "
    "svg u video onclick onerror onload href src role target name value color face size".split()
)
"""Words of HTML that a narrative may not have and often has: any other could be a person's name."""
_ENTITIES = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_PREDEFINED = frozenset(("lt", "gt", "amp", "quot", "apos"))
MAX_DEPTH = 100


class _Refused(Exception):
    """Markup of a kind that a narrative never has."""


class Content:
    """What a narrative holds: `faults` as sentences, `readable` if it has text or an image, `languages` by section,
    `unlabelled` if it has text in no part whose class says where it is from."""

    def __init__(self, text: str) -> None:
        self.faults: list[str] = []
        self.readable = False
        self.languages: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.unlabelled = False
        self._labelled = False
        self._space = XHTML
        self._depth = 0
        self._paragraphs = 0
        self._parse(text)

    def _parse(self, text: str) -> None:
        if any(name not in _PREDEFINED for name in _ENTITIES.findall(text)):
            self.faults.append("must not use named entities other than those of XML")
            return
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.ProcessingInstructionHandler = self._refuse
        try:
            parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        except _Refused:
            self.faults.append("must not have a DOCTYPE or processing instructions, nor be nested deeper than 100")
        except (expat.ExpatError, ValueError):
            self.faults.append("must be well-formed XML")

    def _refuse(self, *_: Any) -> None:
        raise _Refused

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, local = name.split(" ")[:2] if " " in name else ("", name)
        if self._depth == 0:
            self._space = space
            if local != "div" or space != XHTML:
                self.faults.append("must be a div in the XHTML namespace")
        elif self._depth == 1 and local == "div":
            language = attributes.get("lang") or attributes.get("http://www.w3.org/XML/1998/namespace lang xml")
            if language:
                self.languages.append(language)
        if self._depth == 1:
            self._labelled = not _SOURCES.isdisjoint(attributes.get("class", "").split())
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused
        known = local in _ELEMENTS and space in ("", XHTML, self._space)
        if not known and self._depth > 1:
            self.faults.append("must not have an element " + _named(local))
        if local == "img":
            self.readable = True
        if self._paragraphs and local in _BLOCKS:
            self.faults.append(f"must not have an element '{local}' inside a paragraph")
        self._paragraphs += local == "p"
        for key, value in attributes.items() if known else ():
            self._attribute(local, key, value)

    def _attribute(self, element: str, key: str, value: str) -> None:
        parts = key.split(" ")
        name = f"xml:{parts[1]}" if parts[0] == "http://www.w3.org/XML/1998/namespace" else key
        if name not in _ATTRIBUTES and name not in _PER_ELEMENT.get(element, ()):
            self.faults.append(f"must not have an attribute {_named(name)}")
        if name == "id" or (name == "name" and element == "a"):
            self.ids.append(value)
        if name == "href" and value.startswith("#"):
            self.links.append(value[1:])
        if name in _LINKED.get(element, ()) and (fault := link_fault(value)):
            self.faults.append(fault)

    def _end(self, name: str) -> None:
        self._depth -= 1
        parts = name.split(" ")
        self._paragraphs -= (parts[1] if len(parts) > 1 else name) == "p"

    def _text(self, text: str) -> None:
        if text.strip():
            self.readable = True
            self.unlabelled |= self._depth < 2 or not self._labelled


_LINKED = {"a": ("href",), "area": ("href",), "img": ("src",)}
_EASY_URL = re.compile(r"(?:(?:https?|ftp|mailto|tel):)?(?:[\w;?@=+$.,/%~\[\]!'()*|\-]|&amp;|(?<!^)#)+")
_LINK = re.compile(r"""<(?:a|area)\s[^>]*href=["']#([^"']+)["']|<img\s[^>]*src=["']#([^"']+)["']""")
_ANCHOR = re.compile(r"""\s(?:id|name)=["']([^"']*)["']""")
_TAG = re.compile(r"""(/?)([a-z][a-z0-9]*)((?:\s+[A-Za-z:]+="[^"<]*")*)\s*(/?)""")
_ATTRIBUTE = re.compile(r"""\s([A-Za-z:]+)="([^"<]*)\"""")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|apos|#[0-9]{2,6});")
_OPENING = f'div xmlns="{XHTML}"'
_START, _END, _EMPTY = 0, 1, 2
_TAGS: dict[str, tuple[int, str]] = {}
"""Tags seen and found good, by what stands between < and >; narratives repeat few of them."""
_MOST_TAGS = 4096


def plainly_good(text: str) -> bool:
    """A quick yes for the usual narrative; no means only that it must be looked at closely."""
    if not text.startswith(f"<{_OPENING}") or "]]>" in text or "script:" in text:
        return False
    if "&" in text and text.count("&") != len(_REFERENCE.findall(text)):
        return False
    open_tags: list[str] = []
    readable = False
    pieces = text.split("<")
    for piece in pieces[1:]:
        tag, mark, after = piece.partition(">")
        known = _TAGS.get(tag) or _learn(tag)
        if known is None or not mark:
            return False
        kind, name = known
        if kind != _END and name in _BLOCKS and "p" in open_tags:
            return False
        if kind == _START:
            open_tags.append(name)
        elif kind == _END and (not open_tags or open_tags.pop() != name):
            return False
        if not open_tags:
            return readable and piece is pieces[-1] and not after
        if after and not readable:
            readable = not after.isspace()
        if len(open_tags) > MAX_DEPTH:
            return False
    return False


def _learn(tag: str) -> tuple[int, str] | None:
    """Look at a tag for the first time; None when it must be looked at closely."""
    outermost = tag.startswith(_OPENING)
    match = _TAG.fullmatch("div" + tag[len(_OPENING) :] if outermost else tag)
    if match is None:
        return None
    end, name, attributes, empty = match.groups()
    said = _ATTRIBUTE.findall(attributes)
    names = {attribute for attribute, _ in said}
    if name not in _ELEMENTS or (end and (said or empty)) or len(names) < len(said):
        return None
    if not all(_plain_attribute(name, attribute, value) for attribute, value in said):
        return None
    found = (_END if end else _EMPTY if empty else _START, name)
    if len(tag) < 300:
        if len(_TAGS) >= _MOST_TAGS:
            _TAGS.clear()
        _TAGS[tag] = found
    return found


def _named(word: str) -> str:
    return f"'{word}'" if word in _FAMILIAR | _ELEMENTS | _ATTRIBUTES else "that XHTML does not have there"


def _plain_attribute(element: str, name: str, value: str) -> bool:
    if name in _LINKED.get(element, ()):
        return _EASY_URL.fullmatch(value) is not None
    return name in _ATTRIBUTES or name in _PER_ELEMENT.get(element, ())


def check_div(run: Run, value: Any, place: Place) -> None:
    """Report what is wrong with `Narrative.div`."""
    if type(value) is not str:
        return
    if links_within(value):
        _check_links(run, value, place)
    if plainly_good(value):
        return
    content = Content(value)
    for fault in dict.fromkeys(content.faults):
        run.error("invariant", "txt-1", f"The narrative {fault}.", place)
    if not content.faults and not content.readable:
        run.error("invariant", "txt-2", "The narrative must have some text or an image.", place)


def links_within(text: str) -> bool:
    """Whether a narrative may have links that lead to a place in the same resource."""
    return '"#' in text or "'#" in text


def _check_links(run: Run, value: str, place: Place) -> None:
    """Links within a narrative lead to something: an anchor in a narrative, or an element or resource by its id."""
    known = run.memo.get("anchors")
    if known is None:
        known = run.memo["anchors"] = _anchors(run.top)
    for link in dict.fromkeys(one or other for one, other in _LINK.findall(value)):
        if link not in known:
            run.error("invalid", "narrative-link", "A link in the narrative leads to nothing: no anchor or id has its "
                      "name.", place)  # fmt: skip
            return


def _anchors(top: Any) -> set[str]:
    found: set[str] = {""}
    stack = [top]
    while stack:
        one = stack.pop()
        if type(one) is dict:
            if type(one.get("id")) is str:
                found.add(one["id"])
            stack.extend(one.values())
        elif type(one) is list:
            stack.extend(one)
        elif type(one) is str and one.startswith("<"):
            found.update(_ANCHOR.findall(one))
    return found


def acceptable(text: str) -> bool:
    """FHIRPath `htmlChecks()`."""
    if plainly_good(text):
        return True
    content = Content(text)
    return not content.faults and content.readable
