"""What a figure was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
from pathlib import Path


def machine() -> str:
    """One line: processor, cores, load, Python, SQLite and the libraries that matter."""
    info = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    versions = ", ".join(f"{name} {_version(name)}" for name in ("msgspec", "psycopg", "flask", "granian"))
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" Linux {platform.release()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}"
    )


def rss() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
