"""What residents may choose: a severity of its own for a topic, quiet hours, a pause, discreet messages, a place that was drawn"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quiet_rule",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule"),
    )
    op.add_column("subscriber", sa.Column("severities", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("subscriber", sa.Column("quiet", KEY, nullable=True))
    op.add_column("subscriber", sa.Column("paused_until", sa.BigInteger(), nullable=True))
    op.add_column("subscriber", sa.Column("discreet", sa.Integer(), server_default=sa.text("0"), nullable=False))
    _move_quiet_hours(op.get_bind())
    op.drop_column("subscriber", "quiet_hours")
    op.create_index("subscriber_by_pause", "subscriber", ["paused_until"], sqlite_where=sa.text("paused_until IS NOT NULL"), postgresql_where=sa.text("paused_until IS NOT NULL"))
    op.add_column("place", sa.Column("shape", sa.Text(), nullable=True))
    op.add_column("address", sa.Column("stopped_at", sa.BigInteger(), nullable=True))
    op.add_column("batch", sa.Column("discreet", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("batch", sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index("batch_held", "batch", ["due_at"], sqlite_where=sa.text("held=1"), postgresql_where=sa.text("held=1"))


def _move_quiet_hours(connection: sa.Connection) -> None:
    """The same hours become one rule for all who chose them; one that was kept as text may differ in its spacing only."""
    kept = connection.execute(sa.text("SELECT DISTINCT quiet_hours FROM subscriber WHERE quiet_hours IS NOT NULL")).scalars().all()
    rules: dict[str, int] = {}
    for written in kept:
        rule = json.dumps(json.loads(written), separators=(",", ":"))
        if rule not in rules:
            rules[rule] = len(rules) + 1
            connection.execute(sa.text("INSERT INTO quiet_rule(id, rule) VALUES (:id, :rule)"), {"id": rules[rule], "rule": rule})
        connection.execute(sa.text("UPDATE subscriber SET quiet=:id WHERE quiet_hours=:written"), {"id": rules[rule], "written": written})
    if rules and connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT setval(pg_get_serial_sequence('quiet_rule', 'id'), :last)"), {"last": len(rules)})
