"""What nodes prove to each other that they have, so that nobody hands it around. In PostgreSQL only: a file has one process."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.create_table(
        "cluster_secret",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
