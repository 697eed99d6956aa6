"""Alerts, pages on their way to people, and silences."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "alert",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("line", sa.Text()),
        sa.Column("about", sa.Text()),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("limit_at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fired_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("ending", sa.Text()),
        sa.Column("acknowledged_at", sa.Double()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("resolved_by", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_alert"),
    )
    op.create_index("ix_alert_ended_at", "alert", ["ended_at"])
    op.create_table(
        "page",
        sa.Column("alert", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("route", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("lease_until", sa.Double()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.Double()),
        sa.Column("route_at", sa.Double()),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("settled_at", sa.Double()),
        sa.Column("message_key", sa.Text()),
        sa.PrimaryKeyConstraint("alert", "seq", name="pk_page"),
    )
    op.create_index("ix_page_due", "page", ["state", "channel", "next_at"])
    op.create_table(
        "silence",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_silence"),
    )
