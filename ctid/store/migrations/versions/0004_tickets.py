"""Callers to be called back, and ticket drafts on their way to other systems."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "to_return",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("shown", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("misses", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("attempted_at", sa.Double()),
        sa.Column("settled_at", sa.Double()),
        sa.Column("settled_by", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", name="pk_to_return"),
    )
    op.create_index("ix_to_return_state", "to_return", ["state", "due_at"])
    op.create_table(
        "outbox",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trying_revision", sa.Integer()),
        sa.Column("sent_revision", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("settled_at", sa.Double()),
        sa.PrimaryKeyConstraint("destination", "key", name="pk_outbox"),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "destination", "next_at"])
    op.create_index("ix_outbox_call", "outbox", ["pbx", "uniqueid"])
    op.create_index("ix_outbox_stage", "outbox", ["stage"])
