"""What the house has: its board and results, the feeds, the books."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "archived_fixtures",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("league", sa.Text(), nullable=False),
        sa.Column("sport", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Text(), nullable=True),
        sa.Column("confirmed_seq", sa.BigInteger(), nullable=False),
        sa.Column("confirmations", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "fixture"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "books",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "earlier_starts",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("until_seq", sa.BigInteger(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "fixture", "until_seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feeds",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("silent_after_ms", sa.BigInteger(), nullable=False),
        sa.Column("heard_ns", sa.BigInteger(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("watched_seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fixtures",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("league", sa.Text(), nullable=False),
        sa.Column("sport", sa.Text(), nullable=False),
        sa.Column("rotation", sa.BigInteger(), nullable=False),
        sa.Column("away", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("age", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "fixtures_held",
        "fixtures",
        ["stream", "name"],
        unique=False,
        sqlite_where=sa.text("age = 'current'"),
        postgresql_where=sa.text("age = 'current'"),
    )
    op.create_table(
        "guard_rules",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "scope", "subject", "market", "check"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held_lines",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("line_quarters", sa.BigInteger(), nullable=True),
        sa.Column("prices", sa.Text(), nullable=False),
        sa.Column("entered_ns", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("held_seq", sa.BigInteger(), nullable=False),
        sa.Column("held_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "market"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "late_windows",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("ends_ns", sa.BigInteger(), nullable=False),
        sa.Column("markets", sa.Text(), nullable=False),
        sa.Column("voids_ns", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("score", sa.Text(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "fixture", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leagues",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sport", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "markets",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("line_quarters", sa.BigInteger(), nullable=True),
        sa.Column("prices", sa.Text(), nullable=False),
        sa.Column("off_board", sa.Text(), nullable=False),
        sa.Column("entered_ns", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("age", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "markets_held",
        "markets",
        ["stream", "name"],
        unique=False,
        sqlite_where=sa.text("age = 'current'"),
        postgresql_where=sa.text("age = 'current'"),
    )
    op.create_table(
        "postponements",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "fixture"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "results",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("fixture", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.Text(), nullable=True),
        sa.Column("confirmed", sa.Text(), nullable=True),
        sa.Column("confirmed_seq", sa.BigInteger(), nullable=False),
        sa.Column("confirmations", sa.BigInteger(), nullable=False),
        sa.Column("age", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "fixture"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "results_held",
        "results",
        ["stream", "fixture"],
        unique=False,
        sqlite_where=sa.text("age = 'current'"),
        postgresql_where=sa.text("age = 'current'"),
    )
    op.create_table(
        "rulings",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("league", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slownesses",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value_ms", sa.BigInteger(), nullable=False),
        sa.Column("most_ms", sa.BigInteger(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "measure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "zones",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "place", "subject"),
        sqlite_with_rowid=False,
    )
