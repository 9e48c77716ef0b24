"""Bytes of a delimited file -> records of cells with their lines, strictly, in the dialect that a partner writes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import Issue, Malformed

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How the files of spreadsheet programs begin: xlsx and ods are zip archives, xls an OLE container."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `fault` is (rule, sentence) when it could not be split into cells; `line` counts from 1."""

    number: int
    line: int
    cells: tuple[str, ...]
    raw: str
    fault: tuple[str, str] | None = None

    @property
    def empty(self) -> bool:
        return self.fault is None and not any(cell.strip() for cell in self.cells)

    @property
    def ended(self) -> bool:
        """Whether its last line had a line end: a record without one may have been cut."""
        return self.raw.endswith(("\n", "\r"))


def text(data: bytes, *, encoding: str) -> str:
    """The file's text; Malformed when it is not in the partner's encoding."""
    if data.startswith(_WORKBOOKS):
        raise _malformed("spreadsheet-file", "The file is a spreadsheet's own (xlsx, ods, xls): save it as CSV.")
    plain = encoding.lower().replace("-", "").replace("_", "")
    wide = plain.startswith("utf16")
    if data.startswith(_UTF16) and not wide:
        raise _malformed("encoding", f"The file is UTF-16; this partner's files are {encoding}.")
    bare = data.removeprefix(_BOM)
    if not wide and plain not in ("utf8", "utf8sig", "ascii") and _is_utf8(data, bare):
        raise _malformed("encoding", f"The file is UTF-8; this partner's files are {encoding}.")
    try:
        return bare.decode("utf-8" if plain == "utf8sig" else encoding)
    except UnicodeDecodeError as error:
        line = bare.count(b"\n", 0, error.start) + 1
        raise _malformed("encoding", f"The file is not {encoding}: see line {line}.", line) from None


def _is_utf8(data: bytes, bare: bytes) -> bool:
    """Bytes beyond ASCII that read as UTF-8 are UTF-8: in a one-byte encoding that does not happen by chance."""
    if data != bare:
        return True
    try:
        return not bare.isascii() and bool(bare.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def records(content: str, *, delimiter: str, quote: str) -> Iterator[Record]:
    """Every record of the file, the header first, its number as a spreadsheet shows it. A record that cannot be split
    carries its fault and the next ones go on."""
    lines = list(io.StringIO(content, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True)
    number = taken = 0
    while taken < len(lines):
        number += 1
        cells: tuple[str, ...] = ()
        fault = None
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            fault = _fault(str(error))
        yield Record(number, taken + 1, cells, "".join(lines[taken : reader.line_num]), fault)
        taken = reader.line_num


def _fault(said: str) -> tuple[str, str]:
    if "end of data" in said:
        return "csv-quote", "opens a quote that is never closed: this record and all after it cannot be read"
    if "field limit" in said:
        return "csv-cell-size", "has a cell that is too large"
    return "csv-quote", "has a quote where a delimiter must stand"


def _malformed(rule: str, message: str, line: int | None = None) -> Malformed:
    return Malformed(issues=[Issue("fatal", "structure", message, rule=rule, line=line)])
