"""Several nodes: who leased what, who counted what, and turns within a priority"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "node",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "pace",
        sa.Column("mailing", KEY, nullable=False),
        sa.Column("node", KEY, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("latencies", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mailing"], ["mailing.id"]),
        sa.PrimaryKeyConstraint("mailing", "node"),
    )
    op.execute(
        "INSERT INTO pace(mailing, node, first_at, last_at, latencies)"
        " SELECT id, 0, first_at, last_at, latencies FROM mailing WHERE first_at IS NOT NULL AND last_at IS NOT NULL AND latencies IS NOT NULL"
    )
    for column in ("first_at", "last_at", "latencies"):
        op.drop_column("mailing", column)  # not by a copy of the table, which SQLite would not let go of while rows name its rows
    op.rename_table("counter", "counter_of_one")
    op.create_table(
        "counter",
        sa.Column("mailing", KEY, nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("node", KEY, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mailing"], ["mailing.id"]),
        sa.PrimaryKeyConstraint("mailing", "channel", "outcome", "node", name="counter_of_nodes"),
    )
    op.execute(
        'INSERT INTO counter(mailing, channel, outcome, node, "count")'
        ' SELECT mailing, channel, outcome, 0, "count" FROM counter_of_one'
    )
    op.drop_table("counter_of_one")
    op.drop_index("batch_by_turn", "batch")
    op.add_column("batch", sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("batch", sa.Column("node", KEY, nullable=True))
    op.execute("UPDATE batch SET node=0")  # nobody's number: what was begun must be told from what nobody has ever held
    op.create_index("batch_by_turn", "batch", ["channel", "state", "priority", "turn", "due_at"])
