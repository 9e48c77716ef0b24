"""What a mapper needs besides the record: ids, time, where the record came from, who runs the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.member import Organization
from gateway.mapping.ids import Ids
from gateway.mapping.systems import BASE

MAPPING_VERSION = "0.2.0"
"""Changes whenever the same record would give other resources; kept in every Provenance."""


@dataclass(frozen=True, slots=True)
class Source:
    """The document a record came from. `name` must hold nobody's data (no file names that people chose).

    `sha256` is the lower-case hex digest of its exact bytes; `row` the row of a table, counting from 1.
    """

    name: str
    sha256: str
    media_type: str
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Given to every mapper. `now` has a zone. `plan_names` gives the display of plan codes."""

    ids: Ids
    now: datetime
    source: Source
    operator: Organization
    """Who runs this gateway: the Task's requester where the referrer is a person without an organization."""
    plan_names: Mapping[str, str] = field(default_factory=dict)
    base: str = BASE
    """Where relative references in the Bundle hold."""
