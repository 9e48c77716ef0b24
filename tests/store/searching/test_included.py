"""What a search brings along: _include and _revinclude, near and far."""

from __future__ import annotations

from gateway.ports import Page
from tests.store.searching.conftest import (
    Find,
)


def around(page: Page) -> set[str]:
    return {kept.reference for kept in page.included}


def test_includes(find: Find) -> None:
    one = ("_id", "s1")
    include = "_include", "ServiceRequest:requester"
    assert around(find("ServiceRequest", one, include)) == {"Practitioner/d1"}
    assert around(find("ServiceRequest", one, ("_revinclude", "Provenance:target"))) == {"Provenance/v1"}
    both = find("ServiceRequest", one, ("_revinclude", "Task:focus"), ("_revinclude:iterate", "Provenance:target"))
    assert around(both) == {"Task/t1", "Provenance/v1"}
    assert around(find("CareTeam", ("_include", "CareTeam:participant:Practitioner"))) == {"Practitioner/d1"}
    assert around(find("CareTeam", ("_include", "CareTeam:participant"))) == {"Practitioner/d1", "Patient/p1"}
    far = find("Task", ("_id", "t2"), ("_include:iterate", "Task:part-of"), ("_include:iterate", "Task:focus"))
    assert around(far) == {"Task/t1", "ServiceRequest/s1", "ServiceRequest/s3"}
    ring = find("Task", ("_include:iterate", "Task:part-of"), ("_revinclude:iterate", "Task:part-of"))
    assert around(ring) == set(), "a match is not included again"
