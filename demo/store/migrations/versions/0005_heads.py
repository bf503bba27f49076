"""The sweep in one statement, for all tenants."""

from importlib.resources import files

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply one readable SQL file."""
    sql = files("demo.store.migrations").joinpath("0005_heads.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
