"""Concept tables: labels to codes, dated, and never a default."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.domain.identifiers import Unreadable
from gateway.errors import BadTable
from gateway.mapping import concepts
from tests.conftest import ROOT

TODAY = date(2026, 3, 2)
HEADER = "from,to,valid_from,valid_to,mark,note\n"
TABLES = concepts.load(ROOT / "mappings" / "concepts")


@pytest.mark.parametrize(
    ("table", "label", "code"),
    [
        ("population", "HIGH  UTILIZERS", "2"),
        ("population", "smi/sud", "3"),
        ("population", "A-1b", "1b"),
        ("population", "Individuals Experiencing Homelessness", "1"),
        ("plan", "L.A. Care", "la-care"),
        ("plan", "Mountain Valley Health Plan", "hpsj"),
        ("county", "19", "Los Angeles"),
        ("county", "06037", "Los Angeles"),
        ("county", "los angeles county", "Los Angeles"),
        ("language", "Cambodian (Khmer)", "km"),
        ("program", "Medi-Medi Plan", "eae-d-snp"),
        (
            "community-support",
            "Community Transition Services/Nursing Facility Transition to a Home",
            "community-home-transitions",
        ),
        ("hcp-code", "029", "community-health-group"),
    ],
)
def test_labels_that_are_seen(table: str, label: str, code: str) -> None:
    assert TABLES[table].code(label, on=TODAY) == code


def test_an_unknown_label_is_refused_without_quoting_it() -> None:
    with pytest.raises(Unreadable) as refused:
        TABLES["plan"].code("Zanzibarovna Health", on=TODAY)
    assert refused.value.rule == "concept-plan"
    assert "Zanzibarovna" not in str(refused.value)


def test_a_retired_label_is_known_in_its_time_only() -> None:
    assert TABLES["population"].code("Pregnant and Postpartum", on=date(2023, 6, 1)) == "9"
    with pytest.raises(Unreadable):
        TABLES["population"].code("Pregnant and Postpartum", on=TODAY)


def test_a_label_may_begin_with_the_sign_of_a_comment(tmp_path: Path) -> None:
    (tmp_path / "rank.csv").write_text(HEADER + "# the plan's own words,,,,,\n#1 priority,first,,,D,\n#,,,,,\n")
    assert list(concepts.load(tmp_path)["rank"].rows) == ["#1 priority"]


def test_a_partner_lays_rows_over_the_shared_ones(tmp_path: Path) -> None:
    (tmp_path / "gender.csv").write_text(HEADER + "F,other,,,D,this partner means it so\nDame,female,,,D,\n")
    own = concepts.overlaid(TABLES, concepts.load(tmp_path))
    assert [own["gender"].code(one, on=TODAY) for one in ("F", "Dame", "M")] == ["other", "female", "male"]
    assert TABLES["gender"].code("F", on=TODAY) == "female"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from,to\n", "row 1"),
        (HEADER, "no rows"),
        (HEADER + "A,,,,S,\n", "row 2"),
        (HEADER + "A,b,,,Z,\n", "row 2"),
        (HEADER + "A,b,1/2/2026,,S,\n", "row 2"),
        (HEADER + "A,b,,,S,\na ,c,,,S,\n", "row 3"),
        (HEADER + "A,b,,2025-12-31,S,\nA,c,2025-12-31,,S,\n", "row 3"),
        (HEADER + "A,b,S,\n", "row 2"),
    ],
)
def test_a_bad_table_names_file_and_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(BadTable, match=rf"bad\.csv.*{said}"):
        concepts.load(tmp_path)


def test_one_label_may_change_its_code_over_time(tmp_path: Path) -> None:
    (tmp_path / "ok.csv").write_text(HEADER + "A,old,,2025-12-31,S,\nA,new,2026-01-01,,S,\n")
    table = concepts.load(tmp_path)["ok"]
    assert [table.code("a", on=date(year, 6, 1)) for year in (2025, 2026)] == ["old", "new"]
