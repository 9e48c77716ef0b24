"""Logging as JSON lines; only fields on the allow-list are written, so that no person's data can slip in.

Use `log.event("delivery.retry", partner=..., attempt=...)`. Free text is not logged; an unknown field is an error.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

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


def is_on(level: int) -> bool:
    """Whether events of this level are written."""
    return _logger.isEnabledFor(level)


def event(name: str, *, level: int = logging.INFO, **values: str | int | float | None) -> None:
    """Write one line: the event's name and its allowed fields."""
    unknown = values.keys() - FIELDS
    if unknown:
        raise ValueError(f"not loggable: {sorted(unknown)}")
    if _logger.isEnabledFor(level):
        _logger.log(level, json.dumps({"event": name, **{k: v for k, v in values.items() if v is not None}}))


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f'{{"at":"{at}","level":"{record.levelname}",{record.getMessage()[1:]}'


def start(level: str) -> None:
    """Send the gateway's log to standard error, one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    _logger.handlers[:] = [handler]
    _logger.setLevel(level)
    _logger.propagate = False
