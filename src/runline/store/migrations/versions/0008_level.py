"""By which level the nodes go, and of which each is. In PostgreSQL only: a file has one process."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.add_column("cluster_nodes", sa.Column("level", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.create_table(
        "cluster_level",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one"), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.execute("INSERT INTO cluster_level (one, level, changes) VALUES (TRUE, 1, 0)")
