"""The hosts that a tenant's tasks read within an hour."""

from importlib.resources import files

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, for workers only."""
    sql = files("demo.store.migrations").joinpath("0010_visits.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
