"""Dead letters: settled once, listed fast."""

from importlib.resources import files

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply one readable SQL file."""
    sql = files("demo.store.migrations").joinpath("0004_dead_letters.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
