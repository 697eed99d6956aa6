"""Records, rings, facts, open calls, gaps, and until when each PBX was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "record",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("linkedid", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("line", sa.Text()),
        sa.Column("transferred", sa.Boolean(), nullable=False),
        sa.Column("caller_number", sa.Text()),
        sa.Column("caller_name", sa.Text()),
        sa.Column("did", sa.Text()),
        sa.Column("started_at", sa.Double()),
        sa.Column("offered_at", sa.Double()),
        sa.Column("answered_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("agent", sa.Text()),
        sa.Column("final_agent", sa.Text()),
        sa.Column("agents_rung", sa.Text(), nullable=False),
        sa.Column("rings", sa.Text(), nullable=False),
        sa.Column("transfers", sa.Text(), nullable=False),
        sa.Column("wait_seconds", sa.Double()),
        sa.Column("ring_seconds", sa.Double()),
        sa.Column("talk_seconds", sa.Double()),
        sa.Column("hold_seconds", sa.Double()),
        sa.Column("ended_by", sa.Text()),
        sa.Column("recording", sa.Text()),
        sa.Column("survey", sa.Text()),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "ordinal", name="pk_record"),
    )
    op.create_index(
        "ix_record_figures",
        "record",
        [
            "line",
            "offered_at",
            "outcome",
            "reason",
            "wait_seconds",
            "talk_seconds",
            "hold_seconds",
            "pbx",
            "uniqueid",
        ],
    )
    op.create_index("ix_record_caller_number", "record", ["caller_number"])
    op.create_index("ix_record_started_at", "record", ["started_at"])
    op.create_table(
        "ring",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("rang_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "ordinal", "n", name="pk_ring"),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid", "ordinal"],
            ["record.pbx", "record.uniqueid", "record.ordinal"],
            name="fk_ring_record",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ring_agent", "ring", ["agent", "began_at", "result"])
    op.create_table(
        "history",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "seq", name="pk_history"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "open_call",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", name="pk_open_call"),
    )
    op.create_table(
        "gap",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "began_at", name="pk_gap"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seen",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("seen_until", sa.Double(), nullable=False),
        sa.Column("started", sa.Text()),
        sa.PrimaryKeyConstraint("pbx", name="pk_seen"),
        sqlite_with_rowid=False,
    )
