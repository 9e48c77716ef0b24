"""While callers are not authenticated, a request must name this gateway: a page with another name gets nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from gateway import wiring
from gateway.settings import Settings
from tests.web.sent import issues

BASE = "https://ECM.example.org/fhir"


@pytest.fixture
def client(settings: Settings) -> Iterator[FlaskClient]:
    with ExitStack() as stack:
        yield stack.enter_context(wiring.running(replace(settings, base_url=BASE))).test_client()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.8.8.8:1", "[::1]", "[::1]:8080", "ecm.example.org:443"]
)
def test_its_own_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/fhir/metadata", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[fec0::1]",
     "[::1", "::1:2:x", "", "ecm.example.org.evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/fhir/metadata", "/fhir/Patient?family=x", "/loops", "/nowhere"])
def test_other_names_are_refused(client: FlaskClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert issues(answer) == [("security", None)]
    assert "example" not in answer.get_data(as_text=True)


def test_something_in_front_decides_where_it_is_said_to(settings: Settings) -> None:
    with wiring.running(replace(settings, listen_anywhere=True)) as application:
        answer = application.test_client().get("/fhir/metadata", headers={"Host": "evil.example"})
    assert answer.status_code == 200
