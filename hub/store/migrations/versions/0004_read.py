"""Who has read an alert, and which message it was, where a channel lets a later one answer it"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("confirmed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "posted",
        sa.Column("mailing", KEY, nullable=False),
        sa.Column("address", KEY, nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailing", "address"),
        sqlite_with_rowid=False,
    )
