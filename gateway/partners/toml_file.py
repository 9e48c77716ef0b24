"""What an operator writes in TOML: read at start and held to the entries that there are, all faults said at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import Issue, Misconfigured

Entries = Mapping[str, tuple[type, ...]]
"""The entries that a table may have, with the types that their values may have."""


def read(path: Path) -> dict[str, Any] | None:
    """The tables of a file; None where there is no file. Raises Misconfigured for what cannot be read."""
    if not path.exists():
        return None
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: {error}") from None
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None


def refuse(path: Path, wrong: Iterable[str]) -> None:
    """Raise Misconfigured with everything that is wrong in a file; nothing where nothing is."""
    issues = [Issue("error", "invalid", f"{path}: {what}.") for what in wrong]
    if issues:
        raise Misconfigured(issues=issues)


def wrong_entries(table: Any, known: Entries) -> list[str]:
    """What is wrong with the entries of one table: unknown, or of another type (a switch is no number)."""
    if not isinstance(table, dict):
        return ["is not a table"]
    return [f"has an unknown entry {entry}" for entry in table if entry not in known] + [
        f"has a {entry} of the wrong type"
        for entry, value in table.items()
        if entry in known and not _is_one_of(value, known[entry])
    ]


def _is_one_of(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and isinstance(value, bool) == (bool in types)


def are_texts(value: Any) -> bool:
    """Whether a value is a list of texts, none of them empty."""
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
