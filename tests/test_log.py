"""The log: JSON lines with fields of an allow-list, and nothing that could quote anybody's data."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from gateway import log

SCRIPT = """
import logging, logging.config
from gateway import log
log.start("INFO")
logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **log.of_server("other")})
log.event("delivery.retry", partner="p", attempt=2, reason=None)
log.event("quiet", level=logging.DEBUG)
logging.getLogger("other").warning("one\\nZanzibarovna")
try:
    raise ValueError("Zanzibarovna")
except ValueError:
    logging.getLogger("other").exception("it failed")
logging.getLogger("other").error("Zürich")
"""


def written() -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_each_line_is_an_object_that_says_when_how_bad_and_what() -> None:
    lines = written()
    assert [(line.pop("level"), line.pop("event")) for line in lines] == [
        ("INFO", "delivery.retry"),
        ("WARNING", "server"),
        ("ERROR", "server"),
        ("ERROR", "server"),
    ]
    assert all(str(line.pop("at")).endswith("+00:00") for line in lines)
    assert lines[0] == {"partner": "p", "attempt": 2}


def test_of_what_a_server_says_only_the_first_line_and_of_its_errors_only_the_kind() -> None:
    _, first, second, third = written()
    assert (first["reason"], first["error"]) == ("one", "unhandled")
    assert (second["reason"], second["error"]) == ("it failed", "ValueError")
    assert (third["reason"], "error" in third) == ("Zürich", False)


def test_a_field_that_is_not_on_the_list_is_an_error() -> None:
    with pytest.raises(ValueError, match="family"):
        log.event("x", family="Zanzibarovna")


def test_nothing_is_written_below_the_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="gateway")
    log.event("quiet")
    log.event("loud", level=logging.WARNING, reason="r")
    assert [json.loads(record.getMessage()) for record in caplog.records] == [{"event": "loud", "reason": "r"}]
    assert (log.is_on(logging.INFO), log.is_on(logging.WARNING)) == (False, True)
