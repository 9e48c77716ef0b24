"""Talking raw HTTP to a served gateway."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

LIMIT = 1_000_000
HOST = "localhost"
MINE = "6f1f9a52-0c1d-4c3e-9d5a-3f1f0f5b8a77"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Served:
    """A running server: its port, process and log."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def say(self, raw: bytes, *, then: bytes = b"") -> tuple[int, bytes]:
        """Send raw bytes, then perhaps more, and read one whole answer: status and body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            try:
                connection.sendall(raw)
                connection.sendall(then)
            except OSError:  # it may answer and close before it has read all
                pass
            if not then and raw.endswith(b"cut"):
                connection.shutdown(socket.SHUT_WR)
            return answer(connection)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return 0, b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(headers.get(b"content-length", b"0"))
    while len(body) < length and (piece := connection.recv(65_536)):
        body += piece
    return int(head.split()[1]), body


def wait(server: Served) -> None:
    for _ in range(2400):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/ready", timeout=30):
                return
        except OSError:
            assert server.process.poll() is None, server.log.read_text()
            time.sleep(0.05)
    raise AssertionError(server.log.read_text())


def post(path: str, body: bytes, *, media: str = "application/fhir+json", length: int | None = None) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {media}\r\nContent-Length: "
    return f"{head}{len(body) if length is None else length}\r\n\r\n".encode() + body


def chunked(path: str, body: bytes, *, media: str = "application/fhir+json", size: int = 10_000) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def patient(filler: int = 0) -> bytes:
    note = "x" * filler
    return json.dumps({"resourceType": "Patient", "name": [{"family": "Zanzibarovna", "text": note or "L Z"}]}).encode()


def kept(server: Served) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/fhir/Patient?_summary=count") as answer:
        total: int = json.load(answer)["total"]
        return total
