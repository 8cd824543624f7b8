"""What gateways prove that they have, which lets them do less than nodes. In PostgreSQL only: a file has one process."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.create_table(
        "cluster_gateway_secret",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
