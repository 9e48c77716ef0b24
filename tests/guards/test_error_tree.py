"""The tree in the docstring of errors.py is the tree of the classes."""

from __future__ import annotations

import re

from gateway import errors


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
