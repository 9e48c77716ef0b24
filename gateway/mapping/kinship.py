"""What someone is to the member, as RelatedPerson.relationship and Patient.contact.relationship.

Our code says it exactly; a v3-RoleCode beside it says what others can read where there is one.
https://hl7.org/fhir/R4/valueset-relatedperson-relationshiptype.html
"""

from __future__ import annotations

from gateway.domain.codes import Kinship
from gateway.fhir.codec import Json
from gateway.fhir.element import code_of, coding, filled
from gateway.mapping import labels, systems

KINSHIP = systems.code_system("kinship")
ROLE_CODE = systems.THO + "v3-RoleCode"

_V3: dict[Kinship, tuple[str, str] | None] = {
    Kinship.PARENT: ("PRN", "parent"),
    Kinship.GUARDIAN: ("GUARD", "guardian"),
    Kinship.FOSTER_PARENT: ("PRNFOST", "foster parent"),
    Kinship.SPOUSE: ("SPS", "spouse"),
    Kinship.CHILD: ("CHILD", "child"),
    Kinship.SIBLING: ("SIB", "sibling"),
    Kinship.GRANDPARENT: ("GRPRN", "grandparent"),
    Kinship.RELATIVE: ("FAMMEMB", "family member"),
    Kinship.FRIEND: ("FRND", "unrelated friend"),
    Kinship.CAREGIVER: None,
    Kinship.CONSERVATOR: None,
    Kinship.REPRESENTATIVE: None,
    Kinship.OTHER: None,
}
SELF = coding(ROLE_CODE, "ONESELF", "self")


def relationship(kinship: Kinship | None, *, other: str | None = None, self: bool = False) -> list[Json]:
    """The relationship CodeableConcepts; none where nothing is known. `self`: the person is the member."""
    codings = []
    if kinship is not None:
        codings.append(coding(KINSHIP, kinship.value, labels.KINSHIP[kinship]))
        if v3 := _V3[kinship]:
            codings.append(coding(ROLE_CODE, *v3))
    if self:
        codings.append(SELF)
    written = filled({"coding": codings, "text": other})
    return [written] if written else []


def kinship_from(elements: list[Json] | None) -> Kinship | None:
    code = next((found for one in elements or () if (found := code_of(one, KINSHIP))), None)
    return None if code is None else Kinship(code)


def text_from(elements: list[Json] | None) -> str | None:
    return next((one["text"] for one in elements or () if "text" in one), None)
