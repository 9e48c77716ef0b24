"""A partner that cannot sign shows a token that both know. RFC 6750, 2.1; TLS keeps it from everybody else."""

from __future__ import annotations

import hmac
from collections.abc import Sequence


def bears(authorization: str, tokens: Sequence[str]) -> bool:
    """Whether an Authorization header holds one of the tokens."""
    scheme, _, given = authorization.partition(" ")
    # every token is compared, so that the time taken says nothing
    matches = [hmac.compare_digest(given.strip().encode(), token.encode()) for token in tokens]
    return scheme.lower() == "bearer" and any(matches)
