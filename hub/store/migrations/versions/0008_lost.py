"""Batches whose sender ended without a last word are found at once"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("batch_lost", "batch", ["id"], sqlite_where=sa.text("state=2"), postgresql_where=sa.text("state=2"))
