"""Where notifications may be sent: https to the public Internet, nothing that leads into somebody's own network.

The address as written is judged when a Subscription is kept, and every address that its name resolves to again at the
moment of connecting, so that a name cannot be moved after the check.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS_NEVER = frozenset([0, 22, 23, 25, 53, 110, 143, 389, 445, 465, 587, 993, 995, 3306, 5432, 6379, 11211, 27017])
"""Ports of services that are no webhooks: asking them anything is an attack on somebody."""
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<host>[A-Za-z0-9.-]{1,253})", re.ASCII)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What is let through beside public https: for rehearsals on this machine, or partners on a private network."""

    loopback: bool = False
    """http and https to 127.0.0.0/8, ::1 and localhost."""
    private: frozenset[str] = frozenset()
    """Host names and addresses of partners inside the operator's own network (https)."""

    def wrong(self, address: str) -> Iterator[str]:
        """Ends of sentences that say why a rest-hook address is refused; nothing when it may be tried."""
        try:
            parts = urlsplit(address)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            yield "is not an address"
            return
        if any(not "!" <= letter <= "~" for letter in address) or "\\" in address or not host:
            yield "is not an address"
            return
        here = self.loopback and is_loopback(host)
        if parts.scheme != "https" and not (parts.scheme == "http" and here):
            yield "is not https"
        if parts.username is not None or parts.password is not None:
            yield "carries credentials: send them by channel.header"
        if parts.fragment:
            yield "has a fragment"
        if port in _PORTS_NEVER:
            yield "names a port that is no webhook's"
        if not here and host not in self.private:
            yield from _wrong_host(host)

    def reachable(self, host: str, address: str) -> bool:
        """Whether `address`, to which `host` resolved, may be connected to."""
        found = _address(address)
        if found is None:
            return False
        if self.loopback and found.is_loopback:
            return True
        return host in self.private or is_public(found)


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached by `host`."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def mail_address(endpoint: str) -> str | None:
    """The address of a mailto: endpoint without headers or second recipients; None for anything else."""
    found = _MAIL.fullmatch(endpoint)
    return endpoint.removeprefix("mailto:") if found and _NAME.fullmatch(found["host"].lower()) else None


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address belongs to the public Internet, looked at through every disguise of IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:  # fec0::/10 is global to the library: it was private, and still leads inside
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _wrong_host(host: str) -> Iterator[str]:
    address = _address(host)
    if address is not None:
        if not is_public(address):
            yield "leads into a private network"
    elif not _NAME.fullmatch(host.lower()):
        yield "has a host that is neither a full name nor a plain address"  # 127.1, 0x7f000001, 2130706433, localhost
    elif host.lower().endswith((".local", ".internal", ".localhost", ".lan", ".home.arpa", ".localdomain")):
        yield "leads into a private network"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
