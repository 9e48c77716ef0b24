"""Narratives beyond the plain ones as two regular languages: which tags there are (FLAT), and that they pair (PAIRED).

Each alone says little; a text in both is a good narrative: FLAT allows elements and attributes that narratives may
have, no attribute twice and no > but at the end of a tag, so that PAIRED need not look into tags. PAIRED knows how deep
usual narratives nest, and that no block stands in a paragraph. https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count

import jsonschema_rs

_SPACE = r"[ \t\r\n]"
_NEVER = r"\x00-\x08\x0b\x0c\x0e-\x1f<>&\x{fffe}\x{ffff}"
_ENTITY = r"&(?:lt|gt|amp|quot|apos|#(?:9|10|13|3[2-9]|[4-9][0-9]|[1-9][0-9]{2,3}));"
_VALUE = rf'(?:[^{_NEVER}"]|{_ENTITY})*'
_URL = r"(?:[A-Za-z0-9;?@=+$.,/%~\[\]!'()*|_\-]|&amp;)"
_LINK = rf"(?:(?:https?|mailto|tel):)?{_URL}+(?:#{_URL}*)?"
_64 = "[A-Za-z0-9+/]"
_IMAGE = rf"(?:{_LINK}|data:image/[a-z]+;base64,(?:{_64}{{4}})*(?:{_64}{{4}}|{_64}{{3}}=|{_64}{{2}}==))"
_COMMON = (
    "p br div h1 h2 h3 h4 h5 h6 span b em i strong small big tt code blockquote ul ol li dl dt dd pre caption "
    "thead tr tfoot tbody hr sub sup"
)

# FLAT


def _attribute(name: str, value: str = _VALUE) -> str:
    return rf'{_SPACE}{name}="{value}"'


def _in_any_order(names: list[str], most: int) -> str:
    """Some of the attributes, each at most once."""
    if not most:
        return ""
    ways = (_attribute(name) + _in_any_order([n for n in names if n != name], most - 1) for name in names)
    return f"(?:{'|'.join(ways)})?"


def _optional(names: str) -> str:
    return "".join(f"(?:{_attribute(name)})?" for name in names.split())


def _flat() -> str:
    usual = _in_any_order(["style", "class", "id", "title"], 3)
    cell = _optional("colspan rowspan scope align valign width")
    anchor = f"{_optional('name')}(?:{_attribute('href', _LINK)})?"
    table = _optional("border cellpadding cellspacing")
    tags = [
        f"(?:{'|'.join(_COMMON.split())}){usual}",
        *(
            f"{name}(?:{own}{usual}|{usual}{own})"
            for name, own in (("(?:td|th)", cell), ("a", anchor), ("table", table))
        ),
        f"img{_attribute('src', _IMAGE)}{_optional('alt')}{usual}",
    ]
    closing = "|".join([*_COMMON.split(), "td", "th", "a", "table"])
    piece = rf"[^{_NEVER}]|{_ENTITY}|</(?:{closing})>|<(?:{'|'.join(tags)})(?:>| ?/>)"
    language = r'(?: xml:lang="[A-Za-z-]+")?(?: lang="[A-Za-z-]+")?'
    return rf'^<div xmlns="http://www\.w3\.org/1999/xhtml"{language}>(?:{piece})*</div>$'


# PAIRED

_ATTRIBUTES = rf'(?:{_SPACE}[^>]*")?'
_TEXT = "[^<]"


def _pair(names: str, inner: str) -> str:
    return "|".join(rf"<{name}{_ATTRIBUTES}>(?:{inner})*</{name}>" for name in names.split())


def _empty(names: str) -> str:
    return rf"<(?:{'|'.join(names.split())}){_ATTRIBUTES} ?/>"


def _lists(inner: str) -> str:
    return _pair("ul ol", f"{_TEXT}|{_empty('li')}|{_pair('li', inner)}")


def _tables(cell: str, head: str) -> str:
    cells = f"{_pair('td', cell)}|{_pair('th', head)}|{_empty('td th')}"
    row = f"{_pair('tr', f'{_TEXT}|{cells}')}|{_empty('tr')}"
    return _pair("table", f"{_TEXT}|{_pair('thead tbody', f'{_TEXT}|{row}')}|{row}|{_pair('caption', head)}")


def _paired() -> str:
    leaf = f"{_TEXT}|{_empty('br img a span b i')}"
    word = f"{leaf}|{_pair('b a span', leaf)}"
    line = f"{leaf}|{_pair('b i em strong code span a', leaf)}"
    spans = _pair("span", f"{word}|{_pair('span', word)}")
    lines = f"{leaf}|{_pair('b i a', word)}|{spans}|{_pair('em strong code small sub sup', leaf)}"
    paragraphs = f"{_pair('p', lines)}|{_empty('p')}"
    heads = _pair("h1 h2 h3 h4 h5 h6", word)
    items, rule = _lists(line), _empty("hr")
    tables = _tables(f"{lines}|{_pair('p', line)}|{_empty('p')}|{items}", lines)
    quote = _pair("blockquote", f"{paragraphs}|{leaf}|{_pair('code', leaf)}")
    quotes = _pair("blockquote", f"{paragraphs}|{line}|{quote}|{_pair('h3', leaf)}|{items}|{_tables(lines, word)}")
    sections = _pair("div", f"{line}|{paragraphs}|{rule}|{_pair('h2 h3 h4', word)}")
    parts = [lines, paragraphs, rule, heads, _lists(f"{lines}|{_pair('p', line)}|{items}"), tables, _pair("pre", line),
             quotes, sections]  # fmt: skip
    return rf"^<div{_ATTRIBUTES}>(?:{'|'.join(parts)})*</div>$"


_READABLE = rf">{_SPACE}*[A-Za-z0-9]"
_FEW = 300
"""Narratives after which it is worth to compile the two, which takes some tenths of a second."""
_BYTES = 200_000_000
_seen = count()


@cache
def _both() -> Callable[[str], bool]:
    schema = {"pattern": _flat(), "allOf": [{"pattern": _paired()}, {"pattern": _READABLE}]}
    options = jsonschema_rs.RegexOptions(size_limit=_BYTES, dfa_size_limit=_BYTES // 20)
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=options).is_valid


def is_wide(text: str) -> bool:
    """Whether a narrative is in both languages; such are all good."""
    return _both()(text)


def is_surely_wide(text: str) -> bool:
    """The same, once enough narratives have asked for it."""
    return next(_seen) > _FEW and _both()(text)
