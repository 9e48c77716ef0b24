"""The tree in the docstring of errors.py is the tree of the classes; each is raised, and its status is documented."""

from __future__ import annotations

import re
from pathlib import Path

from gateway import errors

ROOT = Path(__file__).parents[2]
TEXT = "\n".join(
    file.read_text(encoding="utf-8") for file in (ROOT / "gateway").rglob("*.py") if file.name != "errors.py"
)
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.GatewayError) and kind is not errors.GatewayError
}
RAISED = {name: kind for name, kind in CLASSES.items() if re.search(rf"\b{name}\(|raise {name}\b", TEXT)}
BEHIND_THE_ANSWER = (errors.PartnerUnavailable, errors.PartnerRefused, errors.Misconfigured)
"""What no request meets: partners are spoken to by commands, and a process that is misconfigured does not start."""


def test_docstring_shows_the_classes_as_they_are() -> None:
    drawn = re.findall(r"^((?:  )*)(?:\+ )?(\w+) +(\d{3}) ([a-z-]+)$", errors.__doc__ or "", re.MULTILINE)
    assert len(drawn) > 20
    listed = {name: (int(status), code) for _, name, status, code in drawn}
    classes = {
        name: (cls.status, cls.code)
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, errors.GatewayError)
    }
    assert listed == classes


def test_every_kind_of_error_is_one_that_happens() -> None:
    assert [name for name, kind in CLASSES.items() if not kind.__subclasses__() and name not in RAISED] == []


def test_every_status_that_a_request_can_meet_is_documented() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("## Statuses")[2]
    told = {int(status) for row in re.findall(r"^\| ([0-9, ]+) \|", page, re.M) for status in row.split(",")}
    met = {kind.status for kind in RAISED.values() if not issubclass(kind, BEHIND_THE_ANSWER)}
    assert told == met | {500}
