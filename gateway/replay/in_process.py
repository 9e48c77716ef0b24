"""A gateway of its own in this process, with an empty database, spoken to over WSGI."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway import settings, wiring
from gateway.replay.drive import Answer


@dataclass(frozen=True, slots=True)
class OverWsgi:
    """A WSGI application, called without a socket."""

    application: Any

    def send(self, method: str, path: str, *, body: bytes, content_type: str, chunked: bool = False) -> Answer:
        target, _, query = path.partition("?")
        builder = EnvironBuilder(
            path=target,
            query_string=query,
            method=method,
            input_stream=io.BytesIO(body),
            content_type=content_type or None,
            content_length=None if chunked else len(body),
            headers=[("Accept", "application/fhir+json")],
        )
        environ = builder.get_environ()
        if chunked:
            environ["wsgi.input_terminated"] = True
            environ.pop("CONTENT_LENGTH", None)
        pieces, status, headers = run_wsgi_app(self.application, environ, buffered=True)
        return Answer(int(status.split()[0]), {k.lower(): v for k, v in headers.items()}, b"".join(pieces))


@contextmanager
def fresh_gateway(*, check_references: bool | None = None) -> Iterator[OverWsgi]:
    """A gateway with an empty database that goes away with the block; else by the process's settings."""
    given = settings.load()
    checking = given.check_references if check_references is None else check_references
    with tempfile.TemporaryDirectory(prefix="ecm-replay-") as folder:
        database = f"sqlite:///{Path(folder) / 'gateway.sqlite'}"
        chosen = replace(given, database=database, check_references=checking)
        with wiring.running(chosen) as application:
            yield OverWsgi(application)
