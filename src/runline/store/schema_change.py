"""Changes of the schema: bringing a file to the newest one."""

from pathlib import Path

import apsw

from runline.engine.ports import StoreError
from runline.store.file import store_error
from runline.store.statements import SCHEMA
from runline.store.tables import SCHEMA_REVISION


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the schema to the newest revision, in one transaction.

    Raises StoreError `unreadable` for a file of another program or of a newer Runline.
    """
    try:
        known = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'alembic_version'").get
        revision = connection.execute(SCHEMA).get if known else None
        if revision == SCHEMA_REVISION:
            return
        if known is None and connection.execute("SELECT count(*) FROM sqlite_schema").get:
            raise StoreError("unreadable", f"{path} is a database of another program.")
        from alembic.util import CommandError

        from runline.store.migrations.run import upgrade_sql

        try:
            script = upgrade_sql("sqlite", revision)
        except CommandError as error:
            raise StoreError("unreadable", f"{path} was written by another Runline: {error}") from error
        connection.execute(script).fetchall()
    except apsw.Error as error:
        raise StoreError("unreadable", f"{path} cannot be read: {store_error(error)}") from error
