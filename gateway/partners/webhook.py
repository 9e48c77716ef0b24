"""POST to the addresses that subscribers name: only where `Endpoints` allows, judged again when the name is resolved.

Redirects are not followed, of the reply its status alone counts, and the exchange has one deadline.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from urllib.parse import urlsplit

from gateway.partners.http import Client, Unanswered
from gateway.partners.replies import retry_after
from gateway.ports import Receipt
from gateway.subscriptions.endpoint import Endpoints

_ORIGINS = 64
"""Subscribers whose connections are kept open."""
_TRY_AGAIN = frozenset([401, 404, 407, 408, 409, 421, 423, 425, 429])
"""4xx that may pass; 410 says for good that nobody wants it any more."""


class Webhooks:
    """`ports.Poster`. Safe for threads."""

    def __init__(self, endpoints: Endpoints, *, ca_file: str | None = None) -> None:
        self._endpoints = endpoints
        self._ca_file = ca_file
        self._clients: OrderedDict[str, Client] = OrderedDict()
        self._lock = Lock()

    def post(self, endpoint: str, *, body: bytes, headers: Mapping[str, str], seconds: float) -> Receipt:
        if next(self._endpoints.wrong(endpoint), None) is not None:
            return Receipt(False, reason="the endpoint is not allowed")
        parts = urlsplit(endpoint)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        client = self._client(f"{parts.scheme}://{parts.netloc}")
        try:
            reply = client.exchange("POST", path, body=body, headers=headers, deadline=time.monotonic() + seconds)
        except Unanswered as error:
            return Receipt(False, retry=True, reason=error.reason)
        status = reply.status
        if 200 <= status < 300:
            return Receipt(True, reason=f"http {status}")
        passing = status in _TRY_AGAIN or not 400 <= status < 500
        asked = retry_after(reply.headers.get("retry-after"))
        return Receipt(False, retry=passing, retry_after=asked, reason=f"http {status}", doubtful=status == 403)

    def close(self) -> None:
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def _client(self, origin: str) -> Client:
        with self._lock:
            client = self._clients.get(origin)
            if client is None:
                client = Client(origin, seconds=60, ca_file=self._ca_file, judge=self._judge, status_only=True)
                self._clients[origin] = client
            self._clients.move_to_end(origin)
            if len(self._clients) > _ORIGINS:
                self._clients.popitem(last=False)[1].close()
            return client

    def _judge(self, host: str, addresses: Sequence[str]) -> bool:
        """Whether every address that the name has may be reached: a mixed answer is an attack."""
        return bool(addresses) and all(self._endpoints.reachable(host, address) for address in addresses)
