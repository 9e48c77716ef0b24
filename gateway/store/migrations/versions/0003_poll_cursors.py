"""How far partners were asked for their changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "poll_cursor",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        word("tenant"),
        word("partner"),
        word("name"),
        sa.Column("through", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="How far each partner was asked for its changes, and when it may be asked again.",
    )
    op.create_index("poll_cursor_name", "poll_cursor", ["tenant", "partner", "name"], unique=True)


def word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False)
