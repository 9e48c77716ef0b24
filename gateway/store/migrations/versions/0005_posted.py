"""A version says whether it was created by POST: its history names the request, and PUT may create as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "resource_version", sa.Column("posted", sa.SmallInteger(), nullable=False, server_default=sa.text("0"))
    )
