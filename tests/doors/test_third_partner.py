"""An analyst adds a third plan with a partner.toml, a table and a concept file, and no Python."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.domain.codes import PopulationOfFocus, Urgency
from gateway.doors.readers import Readers
from tests.conftest import ROOT
from tests.doors.cases import TODAY

PARTNER = """
name = "A third plan"
[referral]
key = ["RefNo"]
delimiter = ";"
encoding = "latin-1"
unterminated = "allow"
"""
TABLE = """to,from,required,via,concept,default,note
-,RefNo,,,,,the key
member.name.last,Apellido,yes,,,,
member.name.first,Nombre,yes,,,,
member.birth_date,Nacimiento,yes,,,,
member.found_at,Lugar,,,,,
populations[],Grupo,yes,comma_list,population,,
referrer.name,Refiere,yes,full_name,,,
urgency,Prioridad,,,urgency,,
coverage.plan,,,,plan,IEHP,
"""
URGENCY = "from,to,valid_from,valid_to,mark,note\nUrgentísimo,expedited,,,D,\n"
FILE = (
    "Apellido;Nombre;Nacimiento;Lugar;Grupo;Refiere;Prioridad;RefNo\n"
    "Zanzibarovna;Ana;04/05/1980;Cañón;1a, 3;Roe, Pat;urgentísimo;77"
)


def test_a_third_partner(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "partners" / "tercero"
    (folder / "concepts").mkdir(parents=True)
    (folder / "partner.toml").write_text(PARTNER)
    (folder / "referral.csv").write_text(TABLE)
    (folder / "concepts" / "urgency.csv").write_text(URGENCY)
    file = Readers.load(tmp_path).table("tercero", "referral").read(FILE.encode("latin-1"), today=TODAY)
    (row,) = file.rows
    referral = row.require()
    assert referral.populations == (PopulationOfFocus.HOMELESS_ADULT, PopulationOfFocus.SMH_SUD)
    assert (referral.urgency, referral.member.found_at) == (Urgency.EXPEDITED, "Cañón")
    assert (referral.key.source, referral.key.id) == ("tercero", "77")
    assert referral.coverage is not None
    assert referral.coverage.plan == "iehp"
    assert row.mapping.startswith("tercero/referral@")
