"""The tables, as the newest migration leaves them. docs/store.md explains them to their readers.

All keys are natural: writing a row twice leaves one row. Times are Unix seconds in UTC, durations
seconds, both double precision. NULL means "not known" or "did not happen".
"""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""The migrations in `migrations/versions`, oldest first."""

metadata = MetaData()

record = Table(
    "record",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("linkedid", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("line", Text),
    Column("transferred", Boolean, nullable=False),
    Column("caller_number", Text),
    Column("caller_name", Text),
    Column("did", Text),
    Column("started_at", Double),
    Column("offered_at", Double),
    Column("answered_at", Double),
    Column("ended_at", Double),
    Column("outcome", Text),
    Column("reason", Text),
    Column("agent", Text),
    Column("final_agent", Text),
    Column("agents_rung", Text, nullable=False),
    Column("rings", Text, nullable=False),
    Column("transfers", Text, nullable=False),
    Column("wait_seconds", Double),
    Column("ring_seconds", Double),
    Column("talk_seconds", Double),
    Column("hold_seconds", Double),
    Column("ended_by", Text),
    Column("recording", Text),
    Column("survey", Text),
    Column("open", Boolean, nullable=False),
    Column("because", Text, nullable=False),
    PrimaryKeyConstraint("pbx", "uniqueid", "ordinal", name="pk_record"),
    # Covers the figures of a line over a period: they are read from this index alone.
    Index(
        "ix_record_figures",
        "line",
        "offered_at",
        "started_at",
        "outcome",
        "reason",
        "wait_seconds",
        "talk_seconds",
        "hold_seconds",
        "pbx",
        "uniqueid",
    ),
    Index("ix_record_caller_number", "caller_number"),
    Index("ix_record_started_at", "started_at"),
)

ring = Table(
    "ring",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("agent", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("began_at", Double, nullable=False),
    Column("rang_at", Double),
    Column("ended_at", Double),
    Column("result", Text),
    PrimaryKeyConstraint("pbx", "uniqueid", "ordinal", "n", name="pk_ring"),
    ForeignKeyConstraint(
        ["pbx", "uniqueid", "ordinal"],
        ["record.pbx", "record.uniqueid", "record.ordinal"],
        name="fk_ring_record",
        ondelete="CASCADE",
    ),
    Index("ix_ring_agent", "agent", "began_at", "result"),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("facts", Text, nullable=False),
    PrimaryKeyConstraint("pbx", "uniqueid", "seq", name="pk_history"),
    sqlite_with_rowid=False,
)

open_call = Table(
    "open_call",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("pbx", "uniqueid", name="pk_open_call"),
)

gap = Table(
    "gap",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("cause", Text, nullable=False),
    PrimaryKeyConstraint("pbx", "began_at", name="pk_gap"),
    sqlite_with_rowid=False,
)

seen = Table(
    "seen",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("seen_until", Double, nullable=False),
    Column("started", Text),
    PrimaryKeyConstraint("pbx", name="pk_seen"),
    sqlite_with_rowid=False,
)

summary_day = Table(
    "summary_day",
    metadata,
    Column("day", Text, nullable=False),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("frozen", Boolean, nullable=False),
    PrimaryKeyConstraint("day", name="pk_summary_day"),
    sqlite_with_rowid=False,
)

summary = Table(
    "summary",
    metadata,
    Column("span", Text, nullable=False),
    Column("began_on", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("total", Text, nullable=False),
    Column("hours", Text, nullable=False),
    PrimaryKeyConstraint("span", "began_on", "scope", "name", name="pk_summary"),
)

mark = Table(
    "mark",
    metadata,
    Column("name", Text, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("name", name="pk_mark"),
)

to_return = Table(
    "to_return",
    metadata,
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("number", Text),
    Column("shown", Text),
    Column("name", Text),
    Column("state", Text, nullable=False),
    Column("misses", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("attempted_at", Double),
    Column("settled_at", Double),
    Column("settled_by", Text),
    Column("why", Text),
    PrimaryKeyConstraint("pbx", "uniqueid", name="pk_to_return"),
    Index("ix_to_return_state", "state", "due_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("destination", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("pbx", Text, nullable=False),
    Column("uniqueid", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("draft", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_at", Double, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("lease_until", Double),
    Column("attempts", Integer, nullable=False),
    Column("trying_revision", Integer),
    Column("sent_revision", Integer, nullable=False),
    Column("remote_id", Text),
    Column("url", Text),
    Column("reason", Text),
    Column("detail", Text),
    Column("settled_at", Double),
    PrimaryKeyConstraint("destination", "key", name="pk_outbox"),
    Index("ix_outbox_due", "state", "destination", "next_at"),
    Index("ix_outbox_call", "pbx", "uniqueid"),
    Index("ix_outbox_stage", "stage"),
)

alert = Table(
    "alert",
    metadata,
    Column("number", Integer, nullable=False, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("line", Text),
    Column("about", Text),
    Column("since", Double, nullable=False),
    Column("limit_at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("fired_at", Double),
    Column("ended_at", Double),
    Column("ending", Text),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", Text),
    Column("resolved_by", Text),
    Column("why", Text),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("number", name="pk_alert"),
    # NULL: not over yet. So it finds those, and those of a time.
    Index("ix_alert_ended_at", "ended_at"),
)

page = Table(
    "page",
    metadata,
    Column("alert", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("role", Text),
    Column("route", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text),
    Column("data", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("lease_until", Double),
    Column("attempts", Integer, nullable=False),
    Column("began_at", Double),
    Column("route_at", Double),
    Column("tried", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("settled_at", Double),
    Column("message_key", Text),
    PrimaryKeyConstraint("alert", "seq", name="pk_page"),
    Index("ix_page_due", "state", "channel", "next_at"),
)

silence = Table(
    "silence",
    metadata,
    Column("number", Integer, nullable=False, autoincrement=False),
    Column("lines", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("begins_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("owner", Text, nullable=False),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("number", name="pk_silence"),
)

secret = Table(
    "secret",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("name", name="pk_secret"),
)
