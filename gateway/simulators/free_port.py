"""A port that is free, and stays so until whoever is told it listens there."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(host: str = "127.0.0.1") -> int:
    """A free port below those that the system gives out by itself: no connection takes it meanwhile."""
    first = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
    for _ in range(200):
        port = random.randrange(10_000, max(first, 10_100))  # noqa: S311
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError("there is no free port")
