"""Tasks, events, effects, keys, hosts; the guarding trigger; roles and row-level security."""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything from one readable SQL file."""
    sql = files("demo.store.migrations").joinpath("0001_core.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
