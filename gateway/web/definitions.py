"""Read and search of the gateway's own definitions. They hold nobody's data, and nobody writes them. docs/api.md"""

from __future__ import annotations

from flask import Response
from werkzeug.routing import BaseConverter

from gateway.usecases.published import TYPES
from gateway.web import answers
from gateway.web.context import View, Web
from gateway.web.formats import wanted
from gateway.web.parameters import form, query
from gateway.web.preconditions import of_read
from gateway.web.prefer import lenient


class DefinitionType(BaseConverter):
    """A type of definition, in a rule `<definition:type>`: before any other type."""

    regex = "|".join(TYPES)
    weight = 50


class DataType(BaseConverter):
    """Any other type, in a rule `<data:type>`: so that a write of a definition is a method not offered there (405)."""

    regex = rf"(?!\$|(?:{'|'.join(TYPES)})\Z)[^/]+"
    part_isolating = True


class Name(BaseConverter):
    """What `<...>` stands for: an id, a partner. No operation: where it has another method, that is told (405)."""

    regex = r"(?!\$|_(?:history|search)\Z)[^/]+"
    part_isolating = True


def read(web: Web) -> View:
    """GET [base]/[type]/[id], conditional by If-None-Match (304)"""

    def view(type: str, id: str) -> Response:
        format = wanted()
        found = web.published.read(type, id, on=web.services.clock().date())
        have, _ = of_read()
        headers = {"ETag": found.etag}
        if have is not None and have.name(found.version):
            return answers.empty(304, headers=headers)
        part = web.services.search.part(type, query(), lenient=lenient())
        resource = found.resource if part.is_whole else part.of(found.resource)
        return answers.public(resource, format=format, headers=headers)

    return view


def search(web: Web) -> View:
    """GET [base]/[type]?[parameters]"""

    def view(type: str) -> Response:
        asked = query()
        found = web.published.search(type, asked, on=web.services.clock().date(), base=web.base)
        return answers.public(found, format=wanted())

    return view


def search_post(web: Web) -> View:
    """POST [base]/[type]/_search"""

    def view(type: str) -> Response:
        asked = form(web)
        found = web.published.search(type, asked, on=web.services.clock().date(), base=web.base)
        return answers.public(found, format=wanted())

    return view
