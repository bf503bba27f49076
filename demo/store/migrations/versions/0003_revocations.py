"""What was revoked before its time."""

from importlib.resources import files

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the API reads it every few seconds."""
    sql = files("demo.store.migrations").joinpath("0003_revocations.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
