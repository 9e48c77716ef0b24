"""What every test has: the clock at a fixed time that is not UTC, counted ids, and the watch for people's data."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeat", settings.get_profile("explore"), derandomize=True)
settings.load_profile("repeat")  # a red run is never luck; `pytest --hypothesis-profile=explore` looks for more

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
NOW = datetime.fromisoformat("2026-03-02T09:30:00-08:00")
CANARY = "zanzibarovna"
"""Everyone in fixtures/cast is a Zanzibarovna: the name may not appear in any log."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", choices=("compare", "write"), default="compare", help="write: renew the golden files")


@pytest.fixture(scope="session")
def golden(pytestconfig: pytest.Config) -> Callable[[Path, object], None]:
    """`golden(file, value)`: the value equals the JSON in the file; `--golden=write` writes it instead."""

    def compare(file: Path, value: object) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        if pytestconfig.getoption("--golden") == "write":
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"{file.name} is missing: look at it with --golden=write"
        assert json.loads(text) == json.loads(file.read_text(encoding="utf-8"))

    return compare


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture
def new_id() -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"id-{next(counter)}"


@pytest.fixture(autouse=True)
def no_phi_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, logger="gateway")
    yield
    for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
        assert CANARY not in record.getMessage().lower(), "a person's name reached the log"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published material beside the checkout; tests that read it carry the `interop` mark."""
    if not SHARED.is_dir():
        pytest.skip("LOUD SKIP: published packages and examples are not beside this checkout (../shared)")
    return SHARED
