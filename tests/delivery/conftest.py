from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.conftest import NOW
from tests.databases import postgres, postgres_url, sqlite_template, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_template", "sqlite_url", "url"]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return Clock()
