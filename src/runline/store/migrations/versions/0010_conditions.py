"""What is not well at each node, as it says. In PostgreSQL only: a file has one process."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.add_column("cluster_nodes", sa.Column("conditions", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
