"""The surroundings in which mapper tests run: fixed time, ids and source."""

from __future__ import annotations

from gateway.domain.member import Organization
from gateway.mapping.context import Context, Source
from gateway.mapping.ids import Ids
from tests.conftest import NOW

IDS = Ids(tenant="default", salt=b"a salt for tests only")
CONTEXT = Context(
    ids=IDS,
    now=NOW,
    source=Source(name="referral.json", sha256="0" * 64, media_type="application/json"),
    operator=Organization(name="ECM Gateway operator"),
    plan_names={"la-care": "L.A. Care Health Plan", "kaiser-permanente": "Kaiser Permanente"},
)
