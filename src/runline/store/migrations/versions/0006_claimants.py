"""Who has claimed a stream last, by the number of their opening. In PostgreSQL only: a file has one process."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.add_column("heads", sa.Column("claimant", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
