"""Garbage collection in a process that loads much once and then makes thousands of short-lived objects a request.

Those go by reference count; with Python's own settings a quarter of the time of a mapping went into looking for cycles
among them. https://docs.python.org/3/library/gc.html#gc.freeze
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 10_000
"""New objects between two collections: with margin, those of one transaction."""


@contextmanager
def loading() -> Iterator[None]:
    """No collections meanwhile; what was loaded is left out of all later ones, which are rarer."""
    gc.disable()
    try:
        yield
        gc.freeze()
        gc.set_threshold(YOUNG, 20, 20)
    finally:
        gc.enable()
