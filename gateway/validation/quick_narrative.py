"""A quick look at a narrative: whether it is surely one that the thorough check accepts.

The parser itself looks at well-formedness; names of elements and attributes are found by one search each, which may
find too many (then the thorough check decides) and never too few.
"""

from __future__ import annotations

import re
from xml.parsers import expat

_OPENING = re.compile(r'<div xmlns="http://www\.w3\.org/1999/xhtml"(?: (?:xml:)?lang="[A-Za-z0-9-]*")*>')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ELEMENTS = re.compile(r"<([^\s/>!?]+)")
_ATTRIBUTES = re.compile(r"""[\s"']([^\s=<>"'/]+)\s*=""")
_READABLE = re.compile(r">[^<>&]*[A-Za-z0-9]")
_KNOWN = frozenset(
    "p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big code blockquote ul ol li dl dt dd pre table caption "
    "colgroup col thead tr tfoot tbody th td hr sub sup q cite".split()
)
_HARMLESS = frozenset(("style", "class", "id", "title", "lang", "xml:lang", "dir", "colspan", "rowspan", "align",
                       "valign", "width", "scope", "xmlns", "href", "name"))  # fmt: skip
_LONGEST = 200_000
_DEEPEST = 90


def surely_acceptable(text: str) -> bool:
    """Whether the narrative has only what it may have; False says nothing."""
    if len(text) > _LONGEST or not _OPENING.match(text):
        return False
    bare = _COMMENT.sub("", text) if "<!" in text else text
    if "<!" in bare or "<?" in bare or bare.count("xmlns") != 1 or "script:" in bare.lower():
        return False
    if bare.count("<") != bare.count(">"):  # a bare > could pass for the end of a tag
        return False
    if not _KNOWN.issuperset(_ELEMENTS.findall(bare)) or not _HARMLESS.issuperset(_ATTRIBUTES.findall(bare)):
        return False
    if not _READABLE.search(bare) or _nesting(bare) > _DEEPEST:
        return False
    try:
        expat.ParserCreate().Parse(text, True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _nesting(text: str) -> int:
    """No fewer levels than the text can have: elements that are ever opened inside others, at most once per opening."""
    return 0 if text.count("<") <= _DEEPEST else _measured(text)


def _measured(text: str) -> int:
    deepest = depth = 0
    for mark in re.findall(r"</|/>|<", text):
        if mark == "<":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
