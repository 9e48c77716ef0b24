"""Every match of a search, however many pages it has: what is decided about a member must not end with a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.ports import Kept, Page

if TYPE_CHECKING:
    from gateway.search.query import Query

PAGE = 200
"""Matches asked for at once: the most there are on a page."""


def every(query: Query, search: Callable[[Query], Page]) -> Iterator[Kept]:
    """All matches in the order of the search. `search` gives a page of them.

    Who writes what it finds takes the whole list first: a page begins at a resource as it was found.
    """
    query = replace(query, count=PAGE)
    while True:
        page = search(query)
        yield from page.matches
        if page.next is None:
            return
        query = replace(query, page=page.next)
