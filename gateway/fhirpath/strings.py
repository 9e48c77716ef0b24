"""String functions; regular expressions run in linear time. https://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import re2

from gateway.fhirpath.arithmetic import MAX_TEXT
from gateway.fhirpath.code import BOOLEAN, EMPTY, INTEGER, STRING, Code, Scope, function, one
from gateway.fhirpath.environment import Env
from gateway.fhirpath.errors import Failed, TooCostly, Unsupported
from gateway.fhirpath.syntax import Call
from gateway.fhirpath.temporal import Temporal
from gateway.fhirpath.values import system, text_of

if TYPE_CHECKING:
    from gateway.fhirpath.compiler import Compiler


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        raise Unsupported("a regular expression is not in the linear-time subset") from None


def _as_text(value: Any, name: str) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, Temporal):
        return value.text
    raise Failed(f"{name}() is given what is no text")


def _on_text(name: str, apply: Callable[..., Any], kind: str, *, least: int = 0, most: int | None = None) -> None:
    """A function of one text and plain arguments; any of them empty gives empty."""

    @function(name, least=least, most=most)
    def build(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
        fn, static = source.fn, source.type
        codes = [compiler.code(argument, scope) for argument in node.arguments]
        if name in ("matches", "replaceMatches") and codes[0].const:
            _pattern(str(codes[0].const[0]))  # a bad pattern stops compilation
        arguments = [(code.fn, code.type) for code in codes]

        def call(t: Any, e: Env) -> list[Any]:
            text = _as_text(system(one(fn(t, e), name), static), name)
            if text is None:
                return EMPTY
            values = [system(one(make(t, e), name), of) for make, of in arguments]
            if any(value is None for value in values):
                return EMPTY
            result = apply(text, *values)
            return EMPTY if result is None else [result]

        return Code(call, kind, single=True)


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _replace(text: str, pattern: str, by: str) -> str:
    if (text.count(pattern) if pattern else len(text) + 1) * len(by) > MAX_TEXT:
        raise TooCostly("the text grows too long")
    return text.replace(pattern, by)


def _replace_matches(text: str, pattern: str, by: str) -> str:
    if (len(text) + 1) * len(by) > MAX_TEXT:
        raise TooCostly("the text grows too long")
    made: str = _pattern(pattern).sub(_java_groups(by), text)
    return made


def _java_groups(by: str) -> str:
    """`$1` as FHIRPath writes a group, in re2's `\\1`."""
    return re2.sub(r"\$(\d)", r"\\\1", by.replace("\\", "\\\\"))  # type: ignore[no-any-return]


def _texts(value: Any) -> str:
    if type(value) is not str:
        raise Failed("a text function is given what is no text")
    return value


_on_text("indexOf", lambda text, part: text.find(_texts(part)), INTEGER, least=1)
_on_text("substring", _substring, STRING, least=1, most=2)
_on_text("startsWith", lambda text, part: text.startswith(_texts(part)), BOOLEAN, least=1)
_on_text("endsWith", lambda text, part: text.endswith(_texts(part)), BOOLEAN, least=1)
_on_text("contains", lambda text, part: _texts(part) in text, BOOLEAN, least=1)
_on_text("upper", str.upper, STRING)
_on_text("lower", str.lower, STRING)
_on_text("trim", str.strip, STRING)
_on_text("length", len, INTEGER)
_on_text("replace", _replace, STRING, least=2)
_on_text("matches", lambda text, pattern: _pattern(_texts(pattern)).search(text) is not None, BOOLEAN, least=1)
_on_text("matchesFull", lambda text, pattern: _pattern(_texts(pattern)).fullmatch(text) is not None, BOOLEAN, least=1)
_on_text("replaceMatches", _replace_matches, STRING, least=2)


@function("toChars")
def _to_chars(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static = source.fn, source.type
    return Code(lambda t, e: list(_as_text(system(one(fn(t, e), "toChars"), static), "toChars") or ""), STRING)


@function("split", least=1)
def _split(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static, separator = source.fn, source.type, compiler.code(node.arguments[0], scope).fn

    def split(t: Any, e: Env) -> list[Any]:
        text = _as_text(system(one(fn(t, e), "split"), static), "split")
        by = one(separator(t, e), "split")
        return EMPTY if text is None else (list(text) if not by else text.split(_texts(by)))

    return Code(split, STRING)


@function("join", most=1)
def _join(compiler: Compiler, node: Call, source: Code, scope: Scope) -> Code:
    fn, static = source.fn, source.type
    separator = compiler.code(node.arguments[0], scope).fn if node.arguments else (lambda t, e: [""])

    def join(t: Any, e: Env) -> list[Any]:
        texts = [text_of(system(item, static)) for item in fn(t, e)]
        by = _texts(one(separator(t, e), "join") or "")
        if sum(len(text or "") + len(by) for text in texts) > MAX_TEXT:
            raise TooCostly("the text grows too long")
        return [by.join(text for text in texts if text is not None)] if texts else EMPTY

    return Code(join, STRING, single=True)
