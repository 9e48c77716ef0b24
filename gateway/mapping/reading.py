"""What a mapper cannot read is refused, with the resource it was reading; never with what it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import Issue, Unmappable


@contextmanager
def reading(type: str, what: str) -> Iterator[None]:
    """Turn what a resource lacks or has too much of into Unmappable. `type` is where, `what` is what it should be."""
    try:
        yield
    except Unmappable:
        raise
    except (LookupError, ValueError, TypeError, AttributeError):
        raise Unmappable(
            issues=[
                Issue(
                    "error",
                    "processing",
                    f"This {type} does not hold {what} as the gateway's profiles lay it out: validate it to see where.",
                    expression=type,
                    rule="not-" + what.removeprefix("an ").lower().replace(" ", "-"),
                )
            ]
        ) from None  # the cause may quote what was read
