"""Quotas of a tenant, decided where the task is inserted; the length of all queues."""

from importlib.resources import files

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two functions and the indexes that they count by."""
    sql = files("demo.store.migrations").joinpath("0008_door.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
