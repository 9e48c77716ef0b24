"""FHIRPath text into tokens. https://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re

import msgspec

from gateway.fhirpath.errors import SyntaxFault

MAX_LENGTH = 20_000
"""Characters of an expression that are read; published ones stay below 2,000."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n\r]*|/\*.*?\*/)
  | (?P<temporal>@(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?
        |\d{4}(?:-\d{2}(?:-\d{2})?)?(?:T(?:\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:\d{2})?)?)?))
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<variable>\$(?:this|index|total)\b)
  | (?P<external>%(?:[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
  | (?P<operator><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Token(msgspec.Struct, frozen=True):
    """`kind` is temporal, number, string, name, quoted, variable, external, operator or end; `at` counts from 0."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """The tokens of `expression`, with one of kind `end` last; SyntaxFault names the first bad place."""
    if len(expression) > MAX_LENGTH:
        raise SyntaxFault(f"the expression is longer than {MAX_LENGTH} characters")
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise SyntaxFault(f"unexpected character at {at} in {expression!r}")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return [*found, Token("end", "", at)]


def unquoted(text: str) -> str:
    """What a quoted string or identifier stands for."""
    return _ESCAPE.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    mark = match.group(1)
    if len(mark) == 5:
        return chr(int(mark[1:], 16))
    return _ESCAPES.get(mark, mark)
