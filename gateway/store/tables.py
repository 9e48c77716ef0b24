"""The schema, the same on SQLite and PostgreSQL. A guard test holds it against what the migrations make.

Imported only to migrate and to test: the hot path speaks to the driver.
Times are microseconds UTC; flags are 0 or 1; text that is compared sorts by code point on both engines.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text

metadata = MetaData()
_Key = BigInteger().with_variant(Integer(), "sqlite")
_Word = Text().with_variant(Text(collation="C"), "postgresql")


def _word(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _Word, nullable=null)


def _whole(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger(), nullable=null)


resource = Table(
    "resource",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    _word("tenant"),
    _word("type"),
    _word("id"),
    _whole("version"),
    _whole("at"),
    Column("deleted", SmallInteger(), nullable=False),
    Index("resource_name", "tenant", "type", "id", unique=True),
    Index("resource_at", "tenant", "type", "at"),
    comment="Each resource once: which version is current.",
)
resource_version = Table(
    "resource_version",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    _word("tenant"),
    _word("type"),
    _word("id"),
    _whole("version"),
    _whole("at"),
    Column("deleted", SmallInteger(), nullable=False),
    Column("body", Text(), nullable=False),
    Column("posted", SmallInteger(), nullable=False, server_default=text("0")),
    Index("resource_version_name", "tenant", "type", "id", "version", unique=True),
    sqlite_autoincrement=True,
    comment="Every version ever kept, as the exact text that is served; empty for a deletion.",
)
search_entry = Table(
    "search_entry",
    metadata,
    _whole("key"),
    _word("tenant"),
    _word("type"),
    _word("param"),
    _word("system", null=True),
    _word("value", null=True),
    _whole("low", null=True),
    _whole("high", null=True),
    Index("search_entry_key", "key", "param"),
    Index(
        "search_entry_value",
        "tenant",
        "type",
        "param",
        "value",
        "key",
        sqlite_where=text("value IS NOT NULL"),
        postgresql_where=text("value IS NOT NULL"),
    ),
    Index(
        "search_entry_low",
        "tenant",
        "type",
        "param",
        "low",
        "high",
        "key",
        sqlite_where=text("low IS NOT NULL"),
        postgresql_where=text("low IS NOT NULL"),
    ),
    comment="Under what the current version of each resource is found.",
)
audit = Table(
    "audit",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    _word("strand"),
    _whole("link"),
    _word("tenant"),
    _whole("at"),
    _word("principal"),
    _word("purpose"),
    _word("request_id"),
    _word("action"),
    _word("event"),
    _word("entities"),
    _word("outcome"),
    _word("recipient", null=True),
    _word("basis", null=True),
    Column("previous", LargeBinary(), nullable=False),
    Column("hash", LargeBinary(), nullable=False),
    Index("audit_tenant", "tenant", "seq"),
    sqlite_autoincrement=True,
    comment="Who did what to which version; rows are only ever added, each chained to the one before it.",
)
outbox = Table(
    "outbox",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    _word("id"),
    _word("tenant"),
    _word("partner"),
    _word("member"),
    _word("kind"),
    _word("type"),
    _word("resource"),
    _whole("version"),
    Column("rank", SmallInteger(), nullable=False),
    _word("state"),
    Column("ready", SmallInteger(), nullable=False),
    _whole("attempts"),
    _whole("fence"),
    _whole("due"),
    _word("worker", null=True),
    _whole("owed_at"),
    _whole("settled_at", null=True),
    _word("reason", null=True),
    Index("outbox_id", "id", unique=True),
    Index("outbox_state", "partner", "state"),
    Index(
        "outbox_lane",
        "tenant",
        "partner",
        "member",
        "seq",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
    Index(
        "outbox_ready",
        "rank",
        "partner",
        "due",
        "seq",
        sqlite_where=text("ready = 1"),
        postgresql_where=text("ready = 1"),
    ),
    sqlite_autoincrement=True,
    comment="What is owed to partners. ready: front of its lane, may be taken once due. rank: 0 urgent, 1 not.",
)
subscription = Table(
    "subscription",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    _word("tenant"),
    _word("id"),
    _word("principal"),
    _word("status"),
    _whole("revision"),
    _whole("events"),
    _whole("owed"),
    _whole("sent"),
    _whole("heartbeat", null=True),
    _whole("ends", null=True),
    _whole("spoke_at", null=True),
    Index("subscription_name", "tenant", "id", unique=True),
    Index("subscription_revision", "tenant", "revision"),
    comment="Where each Subscription stands. revision: grows with every change to any of the tenant's.",
)
subscription_event = Table(
    "subscription_event",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    _word("tenant"),
    _word("subscription"),
    _whole("number"),
    _whole("at"),
    _word("method"),
    _word("type"),
    _word("resource"),
    _whole("version"),
    Index("subscription_event_number", "tenant", "subscription", "number", unique=True),
    comment="Changes that met a subscription, numbered from 1 without a gap.",
)
inbound = Table(
    "inbound",
    metadata,
    Column("seq", _Key, primary_key=True, autoincrement=True),
    _word("id"),
    _word("tenant"),
    _word("partner"),
    _word("dedupe"),
    _whole("received_at"),
    _word("content_type"),
    Column("body", LargeBinary(), nullable=False),
    _word("state"),
    _whole("attempts"),
    _whole("fence"),
    _whole("due"),
    _whole("settled_at", null=True),
    _word("reason", null=True),
    Index("inbound_id", "id", unique=True),
    Index("inbound_dedupe", "tenant", "partner", "dedupe", unique=True),
    Index(
        "inbound_open",
        "tenant",
        "partner",
        "seq",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
    comment="What partners sent us, as it came, kept before it was answered.",
)
poll_cursor = Table(
    "poll_cursor",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    _word("tenant"),
    _word("partner"),
    _word("name"),
    _whole("through", null=True),
    _whole("fence"),
    _whole("due"),
    Index("poll_cursor_name", "tenant", "partner", "name", unique=True),
    comment="How far each partner was asked for its changes, and when it may be asked again.",
)
probe = Table(
    "probe",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    _whole("at"),
    comment="One row that the readiness check writes.",
)
