"""Migrations, run once by whoever holds the advisory lock; safe to call from every start."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, make_url, text

from demo.settings import settings

LOCK = 0x4C524F  # any number, as long as all starters take the same one


def main() -> None:
    """Migrate as the settings say."""
    knobs = settings()
    owner, *logins = (knobs.database_url, knobs.api_database_url, knobs.worker_database_url)
    migrate(owner.get_secret_value(), *(url.get_secret_value() for url in logins if url))


def migrate(owner_url: str, *logins: str) -> None:
    """Bring the schema to the newest revision and give each login its password.

    `logins` are the URLs of API and worker. Their roles exist after the first migration;
    a role gets LOGIN and the password of its URL.
    """
    engine = create_engine(make_url(owner_url).set(drivername="postgresql+psycopg2"))
    try:
        with engine.begin() as connection, as_file(files("demo.store.migrations")) as folder:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            config = Config()
            config.set_main_option("script_location", str(folder))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            for login in logins:
                _let_in(connection, login)
    finally:
        engine.dispose()


def _let_in(connection: Connection, login: str) -> None:
    url = make_url(login)
    quoted = connection.execute(
        text("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :role, :password)"),
        {"role": url.username, "password": url.password},
    ).scalar_one()
    connection.exec_driver_sql(quoted.replace("%", "%%"))
