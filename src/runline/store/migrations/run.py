"""Compile migrations to SQL: Alembic offline, so that no second database library ever opens the file."""

import io
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.compiler import compiles


@compiles(sa.Text, "postgresql")
def by_its_bytes(_type: sa.Text, _compiler: Any, **_: Any) -> str:
    """A text of PostgreSQL, sorted by its bytes as SQLite's are, whatever the database's own order is."""
    return 'TEXT COLLATE "C"'


def configuration() -> Config:
    """Where the scripts are."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str | None:
    """The revision that the scripts lead to."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade_sql(dialect: str, revision: str | None) -> str:
    """The SQL that brings a database of a revision (None: empty) to the newest.

    dialect: sqlite or postgresql. Raises alembic.util.CommandError for an unknown revision.
    """
    config = configuration()
    scripts = ScriptDirectory.from_config(config)
    output = io.StringIO()

    def upgrade(_current: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision or "base")

    with EnvironmentContext(config, scripts, fn=upgrade, as_sql=True, starting_rev=revision) as environment:
        environment.configure(dialect_name=dialect, output_buffer=output, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
    return output.getvalue()
