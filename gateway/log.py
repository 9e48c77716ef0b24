"""Logging as JSON lines; only fields on the allow-list are written, so that no person's data can slip in.

Use `log.event("delivery.retry", partner=..., attempt=...)`. Free text is not logged; an unknown field is an error.
"""

from __future__ import annotations

import contextlib
import logging
import os
from datetime import UTC, datetime
from time import time
from typing import Any, TextIO

import msgspec

FIELDS = frozenset(
    [
        "request_id",
        "method",
        "route",
        "status",
        "seconds",
        "bytes",
        "type",
        "id",
        "version",
        "partner",
        "state",
        "attempt",
        "delivery",
        "reason",
        "rule",
        "worker",
        "tenant",
        "principal",
        "error",
        "frames",
        "host",
        "port",
        "database",
        "pid",
        "count",
        "profile",
        "event",
        "package",
        "file",
        "row",
        "column",
    ]
)
_logger = logging.getLogger("gateway")
_encode = msgspec.json.Encoder().encode
_own: logging.StreamHandler[TextIO] | None = None
"""Standard error, where a line is one write that nothing can come between; None: whoever listens to the logger."""


def is_on(level: int) -> bool:
    """Whether events of this level are written."""
    return _logger.isEnabledFor(level)


def event(name: str, *, level: int = logging.INFO, **values: str | int | float | None) -> None:
    """Write one line: the event's name and its allowed fields."""
    if not values.keys() <= FIELDS:
        raise ValueError(f"not loggable: {sorted(values.keys() - FIELDS)}")
    if not _logger.isEnabledFor(level):
        return
    told = _encode({"event": name, **{k: v for k, v in values.items() if v is not None}}).decode()
    if _own is None or _logger.handlers != [_own]:
        _logger.log(level, told)
    else:
        with contextlib.suppress(OSError):  # nobody reads it any more
            os.write(_own.stream.fileno(), _line(time(), logging.getLevelName(level), told))


def _line(at: float, level: str, told: str) -> bytes:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return f'{{"at":"{moment}","level":"{level}",{told[1:]}\n'.encode()


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _line(record.created, record.levelname, record.getMessage()).decode().rstrip("\n")


class ServerLine(logging.Formatter):
    """What the WSGI server itself has to say, as one of our lines: its first line only, since tracebacks quote data."""

    def format(self, record: logging.LogRecord) -> str:
        reason, _, more = record.getMessage().partition("\n")
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "unhandled" if more else None
        told = {"event": "server", "reason": reason, **({"error": error} if error else {})}
        return _line(record.created, record.levelname, _encode(told).decode()).decode().rstrip("\n")


def of_server(*loggers: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` needs, so that the loggers named write lines like ours to standard error."""
    quiet = {"handlers": ["lines"], "propagate": False}
    return {
        "formatters": {"lines": {"()": ServerLine}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "loggers": {name: dict(quiet) for name in loggers},
    }


def start(level: str) -> None:
    """Send the gateway's log to standard error, one JSON object a line."""
    global _own
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    _logger.handlers[:] = [handler]
    _own = handler if _is_file(handler.stream) else None
    _logger.setLevel(level)
    _logger.propagate = False


def _is_file(stream: TextIO) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False
