"""Compile migrations to SQL: Alembic offline, so that no second database library ever opens the file.

Rule: a script adds, or takes away. What adds is run at once, and leaves nodes of the version before undisturbed: they write what
they know, so that a new column has a default. What takes away says in `contracts_from` from which level on it may be done.
"""

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


HERE = Path(__file__).parent


def configuration(scripts: Path) -> Config:
    """Where the scripts are."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str | None:
    """The revision that the scripts lead to."""
    return ScriptDirectory.from_config(configuration(HERE)).get_current_head()


def lacking(revision: str | None, level: int, scripts: Path = HERE) -> tuple[str | None, bool]:
    """Up to which revision a database may be brought where nodes go by a level, None for no further, and whether all that is
    lacking then takes away only: up to the first script that they do not allow yet.

    Raises alembic.util.CommandError for an unknown revision.
    """
    steps = ScriptDirectory.from_config(configuration(scripts))._upgrade_revs("head", revision or "base")
    target: str | None = None
    held = False
    for step in steps:
        script: Any = step.revision
        contracts_from = getattr(script.module, "contracts_from", 0)
        held = held or contracts_from > level
        if not held:
            target = script.revision
        elif not contracts_from:
            return target, False
    return target, True


def upgrade_sql(dialect: str, revision: str | None, target: str = "head", scripts: Path = HERE) -> str:
    """The SQL that brings a database of a revision (None: empty) to another, the newest if no other is named.

    dialect: sqlite or postgresql. Raises alembic.util.CommandError for an unknown revision.
    """
    config = configuration(scripts)
    found = ScriptDirectory.from_config(config)
    output = io.StringIO()

    def upgrade(_current: Any, _context: Any) -> Any:
        return found._upgrade_revs(target, revision or "base")

    with EnvironmentContext(config, found, fn=upgrade, as_sql=True, starting_rev=revision) as environment:
        environment.configure(dialect_name=dialect, output_buffer=output, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
    return output.getvalue()
