"""Where JSON is not what FHIR reads: the line and column of a byte, and of a member named twice.

Looked at only when the bytes were refused.
"""

from __future__ import annotations

import json
import re

Pointer = tuple[str | int, ...]
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|[^\s{}\[\],:"]+')


def line_and_column(data: bytes, at: int) -> tuple[int, int]:
    """The line and the column (in characters), both from 1, of a byte."""
    before = data[:at]
    return before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1


def named_twice(data: bytes) -> tuple[Pointer, int] | None:
    """The first member that its object names again, and the byte where it does; None where there is none.

    `data` is well-formed JSON in UTF-8.
    """
    text = data.decode("utf-8")
    path: list[str | int] = []
    names: list[set[str] | None] = []
    naming = False
    for match in _TOKEN.finditer(text):
        mark = match[0]
        if mark == "{":
            path.append("")
            names.append(set())
        elif mark == "[":
            path.append(0)
            names.append(None)
        elif mark in "}]":
            path.pop()
            names.pop()
        elif mark == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
        elif naming and mark[0] == '"':
            name, known = json.loads(mark), names[-1]
            assert known is not None
            path[-1] = name
            if name in known:
                return tuple(path), len(text[: match.start()].encode())
            known.add(name)
        naming = mark == "{" or (mark == "," and names[-1] is not None)
    return None
