"""What a view is given, and who is calling."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Response, request

from gateway.ports import Caller
from gateway.usecases.published import Published
from gateway.usecases.services import Services
from gateway.web.formats import XmlCodec

View = Callable[..., Response]
_REQUEST_ID = re.compile(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # UUID
    r"|[0-9A-Fa-f]{16,64}"  # a trace id
    r"|[0-9A-HJKMNP-TV-Z]{26}"  # ULID
)
"""Ids that programs make: they are logged and kept in the audit, so no form in which a person could be named."""


@dataclass(frozen=True, slots=True)
class Web:
    """What wiring gives the web room. `base` is the public address of the FHIR API, without a trailing slash.

    `hosts`: the names, besides loopback, that a request may give as its Host; None: any, something in front decides.
    """

    services: Services
    base: str
    hosts: frozenset[str] | None = None
    max_body: int = 5_242_880
    tenant: str = "default"
    release: str = ""
    xml: XmlCodec = field(default_factory=XmlCodec)
    published: Published = field(default_factory=lambda: Published((), maps=lambda day: ()))

    @property
    def reads(self) -> tuple[str, ...]:
        """FHIR media types that are read."""
        return ("application/fhir+json", *(["application/fhir+xml"] if self.xml.read else []))


def request_id(web: Web) -> str:
    """The caller's X-Request-Id if a program can have made it, else a new one; kept for the length of the request."""
    environ = request.environ
    found: str | None = environ.get("ecm.request_id")
    if found is None:
        offered = environ.get("HTTP_X_REQUEST_ID", "")
        found = offered if _REQUEST_ID.fullmatch(offered) else web.services.new_id()
        environ["ecm.request_id"] = found
    return found


def caller(web: Web) -> Caller:
    """On whose behalf this request is made: until callers are authenticated, whoever reaches loopback."""
    return Caller(principal="local", tenant=web.tenant, request_id=request_id(web))
