"""A worker that is stopped, overtaken by another and revived settles nothing: the real commands, on both engines."""

from __future__ import annotations

from pathlib import Path

from bench.torture_worker import HANDS, paused
from tests.databases import postgres, postgres_url, sqlite_template, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_template", "sqlite_url", "url"]


def test_what_was_overtaken_while_paused_is_refused(url: str, tmp_path: Path) -> None:
    found = paused(url, tmp_path, "answered by the partner", members=HANDS)
    assert found.good, found.problems
    assert found.counts["overtaken while paused"] == found.counts["refused"] == HANDS
