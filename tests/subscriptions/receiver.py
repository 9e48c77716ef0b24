"""A subscriber on loopback: answers each POST as scripted, and keeps what it got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def bundle(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def type(self) -> str:
        return str(parameter(self.bundle, "type"))

    @property
    def numbers(self) -> list[int]:
        return numbers(self.bundle)


def parameters(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bundle["entry"][0]["resource"]["parameter"]
    return found


def parameter(bundle: dict[str, Any], name: str) -> Any:
    one = next(one for one in parameters(bundle) if one["name"] == name)
    return next(value for key, value in one.items() if key.startswith("value"))


def numbers(bundle: dict[str, Any]) -> list[int]:
    """The event numbers that a notification tells of."""
    return [
        int(part["valueString"])
        for one in parameters(bundle)
        if one["name"] == "notification-event"
        for part in one["part"]
        if part["name"] == "event-number"
    ]


class Receiver:
    """`statuses` are answered in turn, then 200 for ever; `lose` answers by closing the connection."""

    def __init__(self, statuses: Iterable[int] = ()) -> None:
        self.statuses = list(statuses)
        self.got: list[Got] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._lock:
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.got.append(Got(self.path, headers, body, status))
                if status == 0:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def events(self) -> list[int]:
        """Numbers of events that were taken, in the order of their arrival."""
        return [n for one in self.got if 200 <= one.status < 300 for n in one.numbers]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
