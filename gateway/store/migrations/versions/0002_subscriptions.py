"""Subscriptions and their events; what partners send us."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "subscription",
        key("key"),
        word("tenant"),
        word("id"),
        word("principal"),
        word("status"),
        whole("revision"),
        whole("events"),
        whole("owed"),
        whole("sent"),
        whole("heartbeat", null=True),
        whole("ends", null=True),
        whole("spoke_at", null=True),
        sa.PrimaryKeyConstraint("key"),
        comment="Where each Subscription stands. revision: grows with every change to any of the tenant's.",
    )
    op.create_index("subscription_name", "subscription", ["tenant", "id"], unique=True)
    op.create_index("subscription_revision", "subscription", ["tenant", "revision"])
    op.create_table(
        "subscription_event",
        key("seq"),
        word("tenant"),
        word("subscription"),
        whole("number"),
        whole("at"),
        word("method"),
        word("type"),
        word("resource"),
        whole("version"),
        sa.PrimaryKeyConstraint("seq"),
        comment="Changes that met a subscription, numbered from 1 without a gap.",
    )
    op.create_index(
        "subscription_event_number", "subscription_event", ["tenant", "subscription", "number"], unique=True
    )
    _inbound()


def _inbound() -> None:
    op.create_table(
        "inbound",
        key("seq"),
        word("id"),
        word("tenant"),
        word("partner"),
        word("dedupe"),
        whole("received_at"),
        word("content_type"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        word("state"),
        whole("attempts"),
        whole("fence"),
        whole("due"),
        whole("settled_at", null=True),
        word("reason", null=True),
        sa.PrimaryKeyConstraint("seq"),
        comment="What partners sent us, as it came, kept before it was answered.",
    )
    op.create_index("inbound_id", "inbound", ["id"], unique=True)
    op.create_index("inbound_dedupe", "inbound", ["tenant", "partner", "dedupe"], unique=True)
    op.create_index("inbound_open", "inbound", ["tenant", "partner", "seq"], **where("settled_at IS NULL"))


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def word(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=null)


def whole(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def where(condition: str) -> dict[str, Any]:
    """A partial index on both engines."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
