"""Quotas that are decided for several new tasks at once."""

from importlib.resources import files

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One function, which takes calls of the version before as well."""
    sql = files("demo.store.migrations").joinpath("0009_batches.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
