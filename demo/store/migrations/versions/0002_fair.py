"""Deadlines, who waits for whom, and an audit log that only grows."""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply one readable SQL file."""
    sql = files("demo.store.migrations").joinpath("0002_fair.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
