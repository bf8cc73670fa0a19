"""The claims on questions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("question", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reply", sa.BigInteger()),
        sa.Column("layout", sa.Boolean(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("question", name="pk_claims"),
    )
    op.create_index("ix_claims_state", "claims", ["state"])
    op.create_index("ix_claims_reply", "claims", ["reply"])


def downgrade() -> None:
    op.drop_table("claims")
