"""Limits under keys that begin with whom they are of, in one tree instead of two. What was counted under the old keys is forgotten: nobody
can tell whose it was"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("signup")
    op.create_table(
        "signup",
        sa.Column("bucket", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_signup_expires_at", "signup", ["expires_at"])
