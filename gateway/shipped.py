"""Where the data that ships with the gateway lies: mapping tables, profiles and fixtures."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """`mappings`, `profiles` or `fixtures`: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def own_definitions(profiles: Path | None) -> list[Path]:
    """The files of our own profiles, code systems and value sets: those of the folder `profiles`, else the shipped."""
    return sorted(((profiles or folder("profiles")) / "ecm").glob("*.json"))
