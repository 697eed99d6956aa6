"""Figures of closed days; the index of figures also finds offers that have no `offered_at`."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the index anew."""
    op.create_table(
        "summary_day",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_summary_day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "summary",
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("began_on", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("span", "began_on", "scope", "name", name="pk_summary"),
    )
    op.drop_index("ix_record_figures", table_name="record")
    op.create_index(
        "ix_record_figures",
        "record",
        [
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
        ],
    )
