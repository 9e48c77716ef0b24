"""A partner's folder: `partner.toml` (who it is, how its files are written) and a column table per kind of record.

Everything is checked when it is loaded: an unknown key, a column that the key names and the table lacks, an encoding
that Python does not know are BadTable. mappings/README.md explains the keys to analysts.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import BadTable
from gateway.mapping import concepts as concept_tables
from gateway.mapping import return_layout, tables
from gateway.mapping.concepts import Concept
from gateway.mapping.tables import Table, folded

_CHOICES = {"unknown_columns": ("refuse", "list"), "unterminated": ("refuse", "allow")}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of file of a partner is written, and the table that reads it."""

    partner: str
    kind: str
    source: str
    table: Table
    concepts: Mapping[str, Concept]
    key: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    unknown_columns: str = "refuse"
    unterminated: str = "refuse"
    neutralised_formulas: bool = False
    max_rows: int = 100_000
    max_cell: int = 20_000

    @property
    def mapping(self) -> str:
        """`<partner>/<kind>@<version>`: the version is a hash of the table, its settings and its concepts."""
        return f"{self.partner}/{self.kind}@{self.table.version}"


def load(folder: Path, kinds: Mapping[str, type], concepts: Mapping[str, Concept]) -> dict[tuple[str, str], Layout]:
    """Every (partner, kind) of the sub-folders of `folder`; BadTable for the first folder that is wrong."""
    found: dict[tuple[str, str], Layout] = {}
    for file in sorted(folder.glob("*/partner.toml")):
        found |= _partner(file, kinds, concepts)
    return found


def _partner(file: Path, kinds: Mapping[str, type], shared: Mapping[str, Concept]) -> dict[tuple[str, str], Layout]:
    name, place = file.parent.name, f"{file.parent.name}/partner.toml"
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTable(f"{place}: {error}") from None
    about = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    if about.keys() - {"name", "source", "note"} or "name" not in about:
        raise BadTable(f"{place}: the top level holds `name` and optionally `source` and `note`")
    concepts = concept_tables.overlaid(shared, concept_tables.load(file.parent / "concepts"))
    layouts = {}
    for kind, given in settings.items():
        if isinstance(given, dict) and kind != return_layout.BLOCK:
            if kind not in kinds:
                raise BadTable(f"{place}: [{kind}] is none of {', '.join(sorted(kinds))}")
            layouts[name, kind] = _layout(
                file.parent, kind, kinds[kind], given, concepts, str(about.get("source", name))
            )
    return layouts


def _layout(
    folder: Path, kind: str, root: type, given: dict[str, Any], concepts: Mapping[str, Concept], source: str
) -> Layout:
    place = f"{folder.name}/partner.toml [{kind}]"
    settings = dict(given)
    file = folder / str(settings.pop("table", f"{kind}.csv"))
    version = _version(folder, file, concepts)
    table = tables.compiled(file, root, concepts, version=version)
    key = tuple(settings.pop("key", ()))
    known = {rule.column for rule in table.rules if rule.column}
    if not key or not set(key) <= known:
        raise BadTable(f"{place}: `key` must list one or more columns of the table")
    _check(settings, place)
    return Layout(folder.name, kind, source, table, concepts, key, **settings)


def _check(settings: Mapping[str, Any], place: str) -> None:
    shapes = {
        "delimiter": str,
        "quote": str,
        "encoding": str,
        "unknown_columns": str,
        "unterminated": str,
        "neutralised_formulas": bool,
        "max_rows": int,
        "max_cell": int,
    }
    for name, value in settings.items():
        if name not in shapes or type(value) is not shapes[name]:
            raise BadTable(f"{place}: `{name}` is not a setting, or not of its type")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise BadTable(f"{place}: `{name}` must be one of {', '.join(_CHOICES[name])}")
        if name in ("delimiter", "quote") and (len(str(value)) != 1 or str(value) in "\r\n"):
            raise BadTable(f"{place}: `{name}` must be one character, and no line end")
    if settings.get("delimiter", ",") == settings.get("quote", '"'):
        raise BadTable(f"{place}: `delimiter` and `quote` must differ")
    try:
        "a".encode(str(settings.get("encoding", "utf-8")))
    except (LookupError, ValueError):
        raise BadTable(f"{place}: `encoding` is not one that is known here") from None


def _version(folder: Path, file: Path, concepts: Mapping[str, Concept]) -> str:
    digest = hashlib.sha256()
    for part in (folder / "partner.toml", file):
        digest.update(part.read_bytes() if part.is_file() else b"")
    for name in sorted(concepts):
        rows = concepts[name].rows
        digest.update(repr([(label, rows[label]) for label in sorted(rows)]).encode())
    return digest.hexdigest()[:12]


def header_of(layout: Layout, header: str) -> str | None:
    """The table's own name of a header, or None."""
    rule = layout.table.by_header.get(folded(header))
    return rule.column if rule else None
