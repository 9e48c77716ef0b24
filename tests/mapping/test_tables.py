"""Column tables compile once; a fault names file and row and stops the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.referral import Referral
from gateway.errors import BadTable
from gateway.mapping import concepts, partners, tables
from tests.conftest import ROOT

HEADER = "to,from,required,via,concept,default,note\n"
GOOD = "member.name.first,First,yes,,,,\nmember.phones[],Phone,,phones,,,\n"
CONCEPTS = concepts.load(ROOT / "mappings" / "concepts")


def compiled(folder: Path, rows: str) -> tables.Table:
    file = folder / "referral.csv"
    file.write_text(HEADER + rows)
    return tables.compiled(file, Referral, CONCEPTS, version="1")


def test_a_good_table_compiles(tmp_path: Path) -> None:
    table = compiled(tmp_path, GOOD)
    assert [rule.column for rule in table.rules] == ["First", "Phone"]
    assert table.columns_of("member.phones") == ("Phone",)
    assert table.columns_of("member.phones[0].number") == ("Phone",)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("member.name.frist,First,,,,,", "`frist`"),
        ("member.name,First,,,,,", "leads to a record"),
        ("member.phones,Phone,,phones,,,", r"is a list: write `\[\]`"),
        ("member.phones[],Phone,,,,,", "leads to a record"),
        ("member.supports.name,Carer,,full_name,,,", "needs an index"),
        ("member.name[0].first,First,,,,,", "is not a list"),
        ("populations[99],PoF,,,yes-no,,", "not in the list"),
        ("populations[9],PoF,,,,,", "needs a concept table"),
        ("criteria[99.9],Criterion,,,yes-no,,", "no criterion"),
        ("programs[zanzibar],Program,,,yes-no,,", "no program"),
        ("member.mrn,MRN,maybe,,,,", "`required`"),
        ("member.mrn,MRN,,eval,,,", "`via` must be one of"),
        ("member.gender,Gender,,,sex,,", "no concept table `sex`"),
        ("member.mrn,,,,,,", "both empty"),
        (",MRN,,,,,", "`to` is empty"),
        ("-,MRN,,phones,,,", "only `from`"),
        ("coverage.plan,,,,plan,Zanzibar Health,", "`default` is not in"),
        ("member.name..first,First,,,,,", "not a path"),
    ],
)
def test_a_bad_row_names_file_and_row(tmp_path: Path, row: str, said: str) -> None:
    known = CONCEPTS | {"criterion": CONCEPTS["program"]}
    file = tmp_path / "referral.csv"
    file.write_text(
        HEADER + GOOD.replace("phones[],Phone", "phones[],Other phone").replace("First", "Given") + row + "\n"
    )
    with pytest.raises(BadTable, match=rf"referral\.csv row 4: .*{said}"):
        tables.compiled(file, Referral, known, version="1")


def test_every_bad_row_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"row 2: .*row 3: "):
        compiled(tmp_path, "nowhere,A,,,,,\nneither,B,,,,,\n")


@pytest.mark.parametrize(
    "rows",
    [
        "member.name.first,First,,,,,\nmember.name.last,first ,,,,,\n",
        "member.name.first,First,,,,,\nmember.name.last,Last|FIRST,,,,,\n",
        "member.name.first,First,,,,,\nmember.name.first,Given,,,,,\n",
        "member.name.first,First,,,,,\n-,First,,,,,\n",
    ],
)
def test_one_column_and_one_field_belong_to_one_row(tmp_path: Path, rows: str) -> None:
    with pytest.raises(BadTable, match=r"row 3: another row already"):
        compiled(tmp_path, rows)


def test_one_column_may_fill_two_fields(tmp_path: Path) -> None:
    table = compiled(tmp_path, "member.name.first,First,,,,,\nmember.name.preferred,First,,,,,\n")
    assert [rule.to for rule in table.rules if rule.column == "First"] == ["member.name.first", "member.name.preferred"]


@pytest.mark.parametrize(
    "text", ["", "to,from\n", HEADER, HEADER + "member.mrn,MRN\n", HEADER + 'member.mrn,"MRN,,,,,\n', "\xff"]
)
def test_a_table_of_the_wrong_shape(tmp_path: Path, text: str) -> None:
    file = tmp_path / "referral.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadTable, match=r"referral\.csv"):
        tables.compiled(file, Referral, CONCEPTS, version="1")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", "`name`"),
        ('name = "x"\ncolour = "red"', "top level"),
        ('name = "x"\n[invoice]\nkey = ["First"]', r"\[invoice\]"),
        ('name = "x"\n[referral]', "`key`"),
        ('name = "x"\n[referral]\nkey = ["Nowhere"]', "`key`"),
        ('name = "x"\n[referral]\nkey = ["First"]\nencoding = "klingon"', "`encoding`"),
        ('name = "x"\n[referral]\nkey = ["First"]\nencoding = "zip"', "`encoding`"),
        ('name = "x"\n[referral]\nkey = ["First"]\ndelimiter = "||"', "`delimiter`"),
        ('name = "x"\n[referral]\nkey = ["First"]\ndelimiter = "\\n"', "`delimiter`"),
        ('name = "x"\n[referral]\nkey = ["First"]\ndelimiter = "\\""', "must differ"),
        ('name = "x"\n[referral]\nkey = ["First"]\nunknown_columns = "drop"', "`unknown_columns`"),
        ('name = "x"\n[referral]\nkey = ["First"]\nskip_rows = 1', "`skip_rows`"),
        ("name = ", "partner.toml"),
    ],
)
def test_a_bad_partner_file_is_refused(tmp_path: Path, toml: str, said: str) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "referral.csv").write_text(HEADER + GOOD)
    (folder / "partner.toml").write_text(toml)
    with pytest.raises(BadTable, match=said):
        partners.load(tmp_path, {"referral": Referral}, CONCEPTS)


def test_a_change_of_a_table_or_a_concept_is_another_version(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "partner.toml").write_text('name = "x"\n[referral]\nkey = ["First"]\n')
    versions = set()
    for rows in (GOOD, GOOD + "member.mrn,MRN,,,,,\n"):
        (folder / "referral.csv").write_text(HEADER + rows)
        versions.add(partners.load(tmp_path, {"referral": Referral}, CONCEPTS)["acme", "referral"].mapping)
    (folder / "concepts").mkdir()
    (folder / "concepts" / "gender.csv").write_text("from,to,valid_from,valid_to,mark,note\nWoman!,female,,,D,\n")
    versions.add(partners.load(tmp_path, {"referral": Referral}, CONCEPTS)["acme", "referral"].mapping)
    assert len(versions) == 3
