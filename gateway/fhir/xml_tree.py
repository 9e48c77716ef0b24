"""XML as a tree of elements with their places, by expat, with nothing fetched and nothing expanded."""

from __future__ import annotations

import re
from typing import Any, NoReturn
from xml.parsers import expat

import msgspec

from gateway.errors import Issue, Malformed
from gateway.fhir.json_faults import line_and_column

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]{1,40})["']""")
_ENCODINGS = frozenset(("utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16", "utf8"))


class Element(msgspec.Struct):
    """One element. `text` says whether it has text of its own; `markup` is the source of an XHTML div."""

    space: str
    local: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = []
    text: bool = False
    markup: str | None = None


def parse(data: bytes, *, max_depth: int) -> Element:
    """Parse XML bytes into a tree, or raise Malformed."""
    return _Builder(_decode(data), max_depth).run()


def _refuse(reason: str, line: int | None = None, column: int | None = None) -> NoReturn:
    raise Malformed(issues=[Issue("fatal", "structure", f"The XML {reason}.", None, "xml", None, line, column)])


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16"
    else:
        declared = _DECLARED.match(data[:400])
        name = declared[1].decode("ascii").lower() if declared else "utf-8"
        if name == "utf-16":
            name = "utf-8"
    if name not in _ENCODINGS:
        _refuse("is in an encoding that is not read here: use UTF-8", 1, 1)
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        _refuse(f"is not {name}", *line_and_column(data, error.start))
    return text.removeprefix("\ufeff")


def escape(text: str) -> str:
    """Text as it may stand between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoteattr(text: str) -> str:
    """Text as an attribute's value, in double quotes."""
    quoted = escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;").replace("\r", "&#13;")
    return f'"{quoted}"'


class _Builder:
    def __init__(self, text: str, max_depth: int) -> None:
        self.source = text.encode("utf-8", "surrogatepass")
        self.max_depth = max_depth
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction
        self.root: Element | None = None
        self.open: list[Element] = []
        self.div_depth = 0
        self.div_start = 0
        self.written: list[str] = []

    def run(self) -> Element:
        try:
            self.parser.Parse(self.source, True)
        except expat.ExpatError as error:
            _refuse(f"is not well-formed ({expat.errors.messages[error.code]})", error.lineno, error.offset + 1)
        if self.root is None:
            _refuse("has no element")
        return self.root

    def _refuse_here(self, reason: str) -> NoReturn:
        _refuse(reason, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def _doctype(self, *_: Any) -> None:
        at = self.source.rfind(b"<!DOCTYPE", 0, self.parser.CurrentByteIndex + 1)
        _refuse("must not have a DOCTYPE", *line_and_column(self.source, at))

    def _instruction(self, target: str, data: str) -> None:
        if not target.startswith("xml-"):
            self._refuse_here("must not have processing instructions")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if len(self.open) + self.div_depth >= self.max_depth:
            self._refuse_here("is nested too deeply")
        if self.div_depth:
            self.div_depth += 1
            self._write_start(local, attributes, outermost=False)
            return
        parser = self.parser
        element = Element(space, local, attributes, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)
        if space == XHTML:
            self.div_depth = 1
            self.div_start = parser.CurrentByteIndex
            self.written = []
            self._write_start(local, attributes, outermost=True)

    def _end(self, name: str) -> None:
        if self.div_depth:
            self.written.append(f"</{name.rpartition(' ')[2]}>")
            self.div_depth -= 1
            if self.div_depth == 0:
                self.open.pop().markup = self._markup()
            return
        self.open.pop()

    def _markup(self) -> str:
        """The div as it stands in the source, where that reads the same by itself; else written anew."""
        end = self.source.find(b">", self.parser.CurrentByteIndex) + 1
        source = self.source[self.div_start : end]
        if source.startswith(b"<div") and b"xmlns=" in source[: source.find(b">")]:
            return source.decode("utf-8", "surrogatepass")
        return "".join(self.written)

    def _write_start(self, local: str, attributes: dict[str, str], *, outermost: bool) -> None:
        parts = [f"<{local}"]
        if outermost:
            parts.append(f' xmlns="{XHTML}"')
        for name, value in attributes.items():
            prefix = "xml:" if name.startswith("http://www.w3.org/XML/1998/namespace ") else ""
            parts.append(f" {prefix}{name.rpartition(' ')[2]}={quoteattr(value)}")
        parts.append(">")
        self.written.append("".join(parts))

    def _text(self, text: str) -> None:
        if self.div_depth:
            self.written.append(escape(text))
        elif self.open and not text.isspace():
            self.open[-1].text = True
