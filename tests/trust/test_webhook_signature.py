"""Signatures hold for one body, one id and a short time; secrets are long enough to be secrets."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from gateway.errors import Misconfigured, Unauthenticated
from gateway.trust.webhook_signature import TOLERANCE, key, signed, verify
from tests.conftest import NOW


def secret(length: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(length))).decode()


OURS, OTHER = secret(32), secret(33)
BODY = b'{"resourceType":"Task"}'


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_is_24_to_64_bytes(length: int) -> None:
    assert key(secret(length)) == bytes(range(length))


@pytest.mark.parametrize(
    "wrong", [secret(23), secret(65), secret(32).removeprefix("whsec_"), "whsec_", "", "whsec_!!!!", secret(32) + "é"]
)
def test_anything_else_is_none(wrong: str) -> None:
    with pytest.raises(Misconfigured):
        key(wrong)


@pytest.mark.parametrize("seconds", [-TOLERANCE, 0, TOLERANCE])
def test_a_timestamp_of_the_last_five_minutes_is_believed(seconds: int) -> None:
    headers = signed(BODY, secrets=[OURS], id="m1", at=NOW)
    assert verify(BODY, headers, secrets=[OURS], now=NOW + timedelta(seconds=seconds)) == "m1"


@pytest.mark.parametrize("seconds", [-TOLERANCE - 1, TOLERANCE + 1])
def test_another_one_is_not(seconds: int) -> None:
    headers = signed(BODY, secrets=[OURS], id="m1", at=NOW)
    with pytest.raises(Unauthenticated):
        verify(BODY, headers, secrets=[OURS], now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["9" * 400, "-1", "", "١٢٣", "1e9"])
def test_a_timestamp_that_is_none_is_refused(stamp: str) -> None:
    headers = signed(BODY, secrets=[OURS], id="m1", at=NOW) | {"webhook-timestamp": stamp}
    with pytest.raises(Unauthenticated):
        verify(BODY, headers, secrets=[OURS], now=NOW)


def test_while_a_secret_is_changed_either_will_do() -> None:
    both = signed(BODY, secrets=[OTHER, OURS], id="m1", at=NOW)
    assert both["webhook-signature"].count("v1,") == 2
    for known in ([OURS], [OTHER], [secret(40), OURS]):
        assert verify(BODY, both, secrets=known, now=NOW) == "m1"
    with pytest.raises(Unauthenticated):
        verify(BODY, both, secrets=[secret(40)], now=NOW)


def test_without_a_secret_nothing_is_signed_and_nothing_believed() -> None:
    headers = signed(BODY, secrets=[], id="m1", at=NOW)
    assert "webhook-signature" not in headers
    with pytest.raises(Unauthenticated):
        verify(BODY, headers, secrets=[OURS], now=NOW)
    with pytest.raises(Unauthenticated):
        verify(BODY, headers, secrets=[], now=NOW)
