"""A partner for trying things out: says on a stream that something was delivered, never what."""

from __future__ import annotations

import sys
from typing import TextIO

from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt


class Console:
    """A partner that is whoever watches the terminal."""

    def __init__(self, settings: PartnerSettings, *, stream: TextIO | None = None) -> None:
        self.name = settings.name
        self._stream = stream or sys.stdout

    def send(self, message: Message) -> Receipt:
        """Print one line: kind, type, delivery id and size."""
        type = message.reference.partition("/")[0]
        line = f"{self.name}: {message.kind} {type} {message.delivery_id} {len(message.body)} bytes\n"
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            return Receipt(False, retry=True, reason="the stream cannot be written")
        return Receipt(True)

    def close(self) -> None:
        """The stream is not ours."""
