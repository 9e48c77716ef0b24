from __future__ import annotations

import pytest

from gateway.validation import Validator
from tests.databases import postgres, postgres_url, sqlite_template, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_template", "sqlite_url", "url"]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load(["hl7.fhir.us.core#7.0.0", "hl7.fhir.us.sdoh-clinicalcare#3.0.0"])
