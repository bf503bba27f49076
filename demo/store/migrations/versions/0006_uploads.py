"""Uploads: the claim check's slots, guarded like all rows."""

from importlib.resources import files

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply one readable SQL file."""
    sql = files("demo.store.migrations").joinpath("0006_uploads.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
