"""A tenant's task in one round trip."""

from importlib.resources import files

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One function; row-level security holds inside it, for it runs as its caller."""
    sql = files("demo.store.migrations").joinpath("0007_reading.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
