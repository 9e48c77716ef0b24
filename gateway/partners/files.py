"""A folder that someone else empties: one file a delivery, there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gateway.partners.settings import PartnerSettings
from gateway.ports import Message, Receipt


class Files:
    """A partner that takes files. A repeat writes the same file again."""

    def __init__(self, settings: PartnerSettings) -> None:
        assert settings.folder is not None
        self.name = settings.name
        self._folder = settings.folder

    def send(self, message: Message) -> Receipt:
        """Write the message under a name of kind and delivery id: no name or number of a person."""
        file = self._folder / f"{_plain(message.kind)}-{message.delivery_id}.json"
        part = file.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_through(part, message.body)
            os.replace(part, file)
            _sync_folder(self._folder)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            return Receipt(False, retry=True, reason=f"the file cannot be written: {error.strerror}")
        return Receipt(True, remote=file.name)

    def close(self) -> None:
        """Nothing is held open."""


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def write_through(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, and wait until it is on the disk."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
