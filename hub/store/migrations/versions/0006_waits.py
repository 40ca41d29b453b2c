"""For whose quiet hours a mailing waits, looked at again when each batch has its turn; what reading a document left out"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert", sa.Column("warnings", sa.Text(), server_default=sa.text("'[]'"), nullable=False))
    op.add_column("mailing", sa.Column("waits_for", sa.Integer(), server_default=sa.text("0"), nullable=False))
