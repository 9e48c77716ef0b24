"""docs/settings.md lists every setting with its default, and no other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from gateway.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(ECM_[A-Z_]+)` \|(.*?)\|", PAGE.read_text(encoding="utf-8"), re.M))
    defaults = {f"ECM_{field.name.upper()}": field.default for field in fields(Settings)}
    assert rows.keys() == defaults.keys()
    for name, default in defaults.items():
        shown = "" if default is None else ("yes" if default else "no") if isinstance(default, bool) else str(default)
        assert rows[name].strip("` ") == shown, name
