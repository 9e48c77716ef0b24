"""The outbox is walked urgent first, so its index of fronts begins with the rank: who has none is not looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

READY = sa.text("ready = 1")


def upgrade() -> None:
    op.drop_index("outbox_ready", table_name="outbox")
    columns = ["rank", "partner", "due", "seq"]
    op.create_index("outbox_ready", "outbox", columns, sqlite_where=READY, postgresql_where=READY)
