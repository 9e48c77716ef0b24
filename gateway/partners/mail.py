"""E-mail to subscribers: into a folder for rehearsals, or through an SMTP server with TLS.

ECM_MAIL: `file:FOLDER`, `smtps://user:password@host:465` or `smtp://host:25` (STARTTLS unless the host is loopback).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from threading import Timer
from urllib.parse import unquote, urlsplit

from gateway.errors import Misconfigured
from gateway.partners.addresses import addresses, connected
from gateway.partners.files import write_through
from gateway.ports import Receipt

SECONDS = 20.0
"""For a whole message, from looking for the server's address on."""


def mailer(how: str, *, sender: str) -> FileMail | Smtp | None:
    """The mailer that a setting names; None for an empty one."""
    if not how:
        return None
    parts = urlsplit(how)
    if "@" not in sender:
        raise Misconfigured("ECM_MAIL_FROM is not an e-mail address.")
    if parts.scheme == "file":
        return FileMail(Path(how.removeprefix("file:")), sender=sender)
    if parts.scheme in ("smtp", "smtps") and parts.hostname:
        return Smtp(how, sender=sender)
    raise Misconfigured("ECM_MAIL is file:FOLDER, smtp://host:port or smtps://user:password@host:port.")


def message(to: str, *, sender: str, subject: str, text: str, id: str) -> EmailMessage:
    """One plain message; `id` makes its Message-ID, so that a repeat can be told."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = to
    made["Subject"] = subject
    made["Message-ID"] = f"<{id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text)
    return made


class FileMail:
    """A folder of .eml files."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def mail(self, to: str, *, subject: str, text: str, id: str) -> Receipt:
        made = message(to, sender=self._sender, subject=subject, text=text, id=id)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_through(self._folder / f"{id}.eml", bytes(made))
        except OSError as error:
            return Receipt(False, retry=True, reason=f"the file cannot be written: {error.strerror}")
        return Receipt(True)


class Smtp:
    """An SMTP server, a connection a message. Without TLS only to this machine.

    What the server has taken counts, however it says goodbye.
    """

    def __init__(self, address: str, *, sender: str) -> None:
        parts = urlsplit(address)
        self._host = parts.hostname or ""
        self._implicit = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender

    def mail(self, to: str, *, subject: str, text: str, id: str) -> Receipt:
        made = message(to, sender=self._sender, subject=subject, text=text, id=id)
        taken = False
        try:
            with self._connected() as server:
                if self._login:
                    server.login(*self._login)
                server.send_message(made)
                taken = True
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Receipt(False, retry=all(code < 500 for code in codes), reason="the address was refused")
        except (smtplib.SMTPSenderRefused, smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError) as error:
            # the operator's to mend, whatever the address
            return Receipt(False, retry=True, reason=f"the mail server does not serve us: smtp {error.smtp_code}")
        except smtplib.SMTPResponseException as error:
            if not taken:
                return Receipt(False, retry=error.smtp_code < 500, reason=f"smtp {error.smtp_code}")
        except (smtplib.SMTPException, OSError) as error:
            if not taken:
                return Receipt(False, retry=True, reason=f"the mail server failed: {type(error).__name__}")
        return Receipt(True, reason="smtp accepted")

    def _connected(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        ours = self._sender.rpartition("@")[2]  # else smtplib asks the resolver who we are
        if self._implicit:
            return _TimedTls(self._host, self._port, local_hostname=ours, timeout=SECONDS, context=tls)
        server = _Timed(self._host, self._port, local_hostname=ours, timeout=SECONDS)
        if self._host not in ("127.0.0.1", "::1", "localhost"):
            try:
                server.starttls(context=tls)
            except (smtplib.SMTPException, OSError):
                server.close()
                raise
        return server


class _Timed(smtplib.SMTP):
    """A connection that ends when its time is over, whatever the server drips: smtplib's timeout is per read."""

    _guard: tuple[Timer, socket.socket] | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        deadline = time.monotonic() + timeout
        made = connected(addresses(host, port, seconds=timeout), port, deadline=deadline)
        held = made.dup()  # TLS takes the other one over
        timer = Timer(deadline - time.monotonic(), _shut, [held])
        timer.daemon = True
        timer.start()
        self._guard = timer, held
        return made

    def close(self) -> None:
        if self._guard is not None:
            timer, held = self._guard
            timer.cancel()
            held.close()
        super().close()


class _TimedTls(smtplib.SMTP_SSL, _Timed):
    """The same, with TLS from the first byte."""


def _shut(held: socket.socket) -> None:
    with suppress(OSError), held:
        held.shutdown(socket.SHUT_RDWR)
