"""fhir.resources as a second opinion: all that we write loads in its typed models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from gateway.client import model
from gateway.errors import Invalid, Malformed
from gateway.fhir import codec
from gateway.mapping import care_plan, care_team, referral
from tests.mapping.contexts import CONTEXT
from tests.mapping.filled import CARE_PLAN, CARE_TEAM, FROM_FAMILY, FROM_ORGANIZATION, REFERRAL

# Its models warn about deprecations inside pydantic; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WRITTEN = {
    "referral": referral.to_fhir(REFERRAL, context=CONTEXT),
    "referral of the family": referral.to_fhir(FROM_FAMILY, context=CONTEXT),
    "referral of an organization": referral.to_fhir(FROM_ORGANIZATION, context=CONTEXT),
    "care plan": care_plan.to_fhir(CARE_PLAN, context=CONTEXT),
    "care team": care_team.to_fhir(CARE_TEAM, context=CONTEXT),
}


@pytest.mark.parametrize("bundle", WRITTEN.values(), ids=WRITTEN)
def test_what_we_write_loads_and_is_written_back_the_same(bundle: dict[str, Any]) -> None:
    for entry in bundle["entry"]:
        resource = entry["resource"]
        typed = model(codec.write(resource))
        assert typed.get_resource_type() == resource["resourceType"]
        assert codec.read(typed.model_dump_json().encode()) == resource


def test_a_wrong_shape_is_refused_by_place_and_never_by_value() -> None:
    with pytest.raises(Invalid) as caught:
        model({"resourceType": "Patient", "birthDate": "Zanzibarovna", "name": [{"family": 5}]})
    places = {issue.expression for issue in caught.value.issues}
    assert "Patient.birthDate" in places
    assert all("Zanzibarovna" not in issue.message for issue in caught.value.issues)


def test_an_unknown_type_and_no_resource_are_refused() -> None:
    with pytest.raises(Invalid):
        model({"resourceType": "Referral"})
    with pytest.raises(Malformed):
        model(b"[]")


def test_the_models_are_not_imported_before_they_are_asked_for() -> None:
    code = "import sys, gateway.client, gateway.wiring; sys.exit(any(name.startswith('fhir.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
