"""Resources, versions, search index, audit, outbox."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        key("seq"),
        word("strand"),
        whole("link"),
        word("tenant"),
        whole("at"),
        word("principal"),
        word("purpose"),
        word("request_id"),
        word("action"),
        word("event"),
        word("entities"),
        word("outcome"),
        word("recipient", null=True),
        word("basis", null=True),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="Who did what to which version; rows are only ever added, each chained to the one before it.",
        sqlite_autoincrement=True,
    )
    op.create_index("audit_tenant", "audit", ["tenant", "seq"])
    op.create_table(
        "outbox",
        key("seq"),
        word("id"),
        word("tenant"),
        word("partner"),
        word("member"),
        word("kind"),
        word("type"),
        word("resource"),
        whole("version"),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        word("state"),
        sa.Column("ready", sa.SmallInteger(), nullable=False),
        whole("attempts"),
        whole("fence"),
        whole("due"),
        word("worker", null=True),
        whole("owed_at"),
        whole("settled_at", null=True),
        word("reason", null=True),
        sa.PrimaryKeyConstraint("seq"),
        comment="What is owed to partners. ready: front of its lane, may be taken once due. rank: 0 urgent, 1 not.",
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_id", "outbox", ["id"], unique=True)
    op.create_index("outbox_lane", "outbox", ["tenant", "partner", "member", "seq"], **where("settled_at IS NULL"))
    op.create_index("outbox_ready", "outbox", ["partner", "rank", "due", "seq"], **where("ready = 1"))
    op.create_index("outbox_state", "outbox", ["partner", "state"])
    op.create_table(
        "probe",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        whole("at"),
        sa.PrimaryKeyConstraint("id"),
        comment="One row that the readiness check writes.",
    )
    op.create_table(
        "resource",
        key("key"),
        word("tenant"),
        word("type"),
        word("id"),
        whole("version"),
        whole("at"),
        sa.Column("deleted", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="Each resource once: which version is current.",
    )
    op.create_index("resource_at", "resource", ["tenant", "type", "at"])
    op.create_index("resource_name", "resource", ["tenant", "type", "id"], unique=True)
    op.create_table(
        "resource_version",
        key("seq"),
        word("tenant"),
        word("type"),
        word("id"),
        whole("version"),
        whole("at"),
        sa.Column("deleted", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        comment="Every version ever kept, as the exact text that is served; empty for a deletion.",
        sqlite_autoincrement=True,
    )
    op.create_index("resource_version_name", "resource_version", ["tenant", "type", "id", "version"], unique=True)
    op.create_table(
        "search_entry",
        whole("key"),
        word("tenant"),
        word("type"),
        word("param"),
        word("system", null=True),
        word("value", null=True),
        whole("low", null=True),
        whole("high", null=True),
        comment="Under what the current version of each resource is found.",
    )
    op.create_index("search_entry_key", "search_entry", ["key", "param"])
    op.create_index(
        "search_entry_low",
        "search_entry",
        ["tenant", "type", "param", "low", "high", "key"],
        **where("low IS NOT NULL"),
    )
    op.create_index(
        "search_entry_value", "search_entry", ["tenant", "type", "param", "value", "key"], **where("value IS NOT NULL")
    )


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def word(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=null)


def whole(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def where(condition: str) -> dict[str, Any]:
    """A partial index on both engines."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
