"""Signed bodies by Standard Webhooks 1.0: made for what we send, checked on what we are sent. Also X-Hub-Signature-256.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. The signature is over
`id.timestamp.body`; several secrets make several signatures, so that a secret can be changed while both are in use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.errors import Misconfigured, Unauthenticated

TOLERANCE = 300
"""Seconds that a timestamp may be away from our clock."""
_PREFIX = "whsec_"


def key(secret: str) -> bytes:
    """The bytes of `whsec_<base64>` (24 to 64 of them); Misconfigured for anything else."""
    try:
        found = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(found) <= 64:
        raise Misconfigured("A webhook secret is whsec_ and the base64 of 24 to 64 random bytes.")
    return found


def signed(body: bytes, *, secrets: Sequence[str], id: str, at: datetime) -> dict[str, str]:
    """The headers that vouch for a body: id (the same on every attempt), time, a signature for each secret."""
    stamp = str(int(at.timestamp()))
    made = " ".join(f"v1,{_signature(body, secret, id=id, stamp=stamp)}" for secret in secrets)
    return {"webhook-id": id, "webhook-timestamp": stamp, **({"webhook-signature": made} if made else {})}


def verify(body: bytes, headers: Mapping[str, str], *, secrets: Sequence[str], now: datetime) -> str:
    """The id that the signature vouches for; Unauthenticated unless a secret made it of exactly this body, lately.

    Header names are lower case. X-Hub-Signature-256 vouches for the body alone: no time and no id ("") are signed, so
    that only the body itself can tell a repeat.
    """
    signature, id, stamp = (headers.get(f"webhook-{name}", "") for name in ("signature", "id", "timestamp"))
    if signature and id and stamp.isascii() and stamp.isdecimal():
        if abs(now.timestamp() - int(stamp[:15])) > TOLERANCE:
            raise Unauthenticated("The webhook's timestamp is too far from the present.")
        offered = [part[3:] for part in signature.split(" ") if part.startswith("v1,")]
        wanted = [_signature(body, secret, id=id, stamp=stamp) for secret in secrets]
    else:
        offered = [headers.get("x-hub-signature-256", "").removeprefix("sha256=").lower()]
        wanted = [hmac.new(key(secret), body, hashlib.sha256).hexdigest() for secret in secrets]
        id = ""
    # every pair is compared, so that the time taken says nothing
    matches = [hmac.compare_digest(a.encode(), b.encode()) for a in offered for b in wanted]
    if not any(matches):
        raise Unauthenticated("The webhook is not signed with a secret that is known here.")
    return id


def _signature(body: bytes, secret: str, *, id: str, stamp: str) -> str:
    made = hmac.new(key(secret), f"{id}.{stamp}.".encode() + body, hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
