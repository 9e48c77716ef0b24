"""A mail server on loopback that refuses as it is told, and keeps what it took."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from gateway.simulators.free_port import free_port


class Kept:
    """The server's side: `answers` by command (`RCPT`, `DATA` ...), else it takes everything."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = answers
        self.mails: list[EmailMessage] = []
        self.tls: list[bool] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if answer := self.answers.get("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if answer := self.answers.get("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if answer := self.answers.get("DATA"):
            return answer
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        assert server.transport is not None
        self.tls.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return self.answers.get("QUIT", "221 Bye")


@contextmanager
def smtp_server(
    answers: dict[str, str] | None = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    password: str | None = None,
) -> Iterator[tuple[Kept, int]]:
    """The server and its port. `tls` is offered by STARTTLS, or spoken from the start (`implicit`)."""
    kept = Kept(answers or {})

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == (password or "").encode(), handled=False)

    more: dict[str, Any] = (
        {"authenticator": login, "auth_required": True, "auth_require_tls": False} if password else {}
    )
    starttls = None if implicit else tls
    controller = Controller(
        kept, hostname=host, port=free_port(host), ssl_context=tls if implicit else None, tls_context=starttls, **more
    )
    controller.start()
    try:
        yield kept, controller.port
    finally:
        controller.stop()


def certificate(folder: Path) -> Path | None:
    """A certificate for 127.0.0.1 and 127.0.0.2 that signs itself; its key is beside it. None without openssl."""
    import shutil
    import subprocess

    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    key, made = folder / "key.pem", folder / "certificate.pem"
    names = "subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", names, "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made
