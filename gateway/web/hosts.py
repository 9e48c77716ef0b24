"""Which names this gateway answers to while callers are not authenticated.

A page in a browser on the same machine may not be made to read records: with DNS rebinding its requests come from
loopback, but they carry the page's host name. https://www.rfc-editor.org/rfc/rfc9110#section-7.4
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from gateway.subscriptions.endpoint import is_loopback


def named(listening: str, base: str) -> frozenset[str]:
    """The names of a gateway that listens at the host `listening`, with the public base URL `base`."""
    return frozenset([listening.lower(), urlsplit(base).hostname or ""])


@lru_cache(256)
def is_own(header: str, own: frozenset[str]) -> bool:
    """Whether a Host header names loopback or one of `own` (lower case, no port)."""
    host = header.lower()
    if host.startswith("["):
        host, closed, port = host[1:].partition("]")
        return bool(closed) and port[:1] in ("", ":") and (host in own or is_loopback(host))
    if host.count(":") == 1:
        host = host.partition(":")[0]
    return host in own or is_loopback(host)
