"""Databases that are kept after a day, of both kinds: what somebody may do to them behind the engine's back."""

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
from tests.integration.postgresql import cluster

from runline.store.postgres_connection import numbered
from runline.store.where import Place


class KeptFile:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.place: Place = path

    def edit(self, sql: str, *values: Any) -> None:
        """Change what is stored. Values are marked by `?`."""
        self.find(sql, *values)

    def one(self, sql: str, *values: Any) -> Any:
        """The one value that a statement finds."""
        ((found,),) = self.find(sql, *values)
        return found

    def find(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        with closing(apsw.Connection(str(self.place))) as connection:
            return connection.execute(sql, values).fetchall()


class KeptInPostgres(KeptFile):
    """A database of PostgreSQL. name: among those of the tests' server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.place = cluster().url(name)

    def find(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return cluster().ask(self.name, numbered(sql), *values)
