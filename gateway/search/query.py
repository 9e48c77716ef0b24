"""A search as data: what the web room parses and the store answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A search for resources of one `type`."""

    type: str
