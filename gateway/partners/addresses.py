"""Names to addresses, and a connection to one of them, by a deadline: the system's resolver has none of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread


def addresses(host: str, port: int, *, seconds: float) -> tuple[str, ...]:
    """Every address of `host`, in the system's order; TimeoutError after `seconds`, OSError where there is none.

    A resolver that does not answer is left behind in a thread of its own, which ends when the system gives up.
    """
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(address[0]) for *_, address in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    Thread(target=look, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, seconds))
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return tuple(dict.fromkeys(answer))


def connected(found: Sequence[str], port: int, *, deadline: float) -> socket.socket:
    """A connection to the first of the addresses that answers, each given its share of the time that is left."""
    failed: OSError = OSError("no address")
    for tried, address in enumerate(found):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return socket.create_connection((address, port), left / (len(found) - tried))
        except OSError as error:
            failed = error
    raise failed
