"""FHIR ids. https://hl7.org/fhir/R4/datatypes.html#id"""

from __future__ import annotations

import re

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def is_id(text: str) -> bool:
    """Whether `text` can be the logical id of a resource."""
    return _ID.fullmatch(text) is not None
