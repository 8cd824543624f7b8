"""Schema: the tables as SQLAlchemy describes them, for migrations and reports on any database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from runline.domain.vocabulary import Vocabulary
from runline.store.tables import SYSTEM_TABLES, Table, indexes_in, tables_of

TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "text": sa.Text,
    "integer": sa.BigInteger,
    "boolean": sa.Boolean,
    "json": sa.Text,
    "blob": sa.LargeBinary,
}


def metadata(vocabulary: Vocabulary) -> sa.MetaData:
    """All tables and indexes, with those of a vocabulary's rows. In SQLite rows lie in the order of their keys."""
    described = sa.MetaData()
    for table in (*SYSTEM_TABLES, *tables_of(vocabulary).by_name.values()):
        describe(table, described)
    for index in indexes_in(vocabulary):
        where = sa.text(index.where) if index.where else None
        table_columns = described.tables[index.table].c
        sa.Index(
            index.name,
            *(table_columns[name] for name in index.columns),
            sqlite_where=where,
            postgresql_where=where,
        )
    return described


def schema_sql(vocabulary: Vocabulary) -> list[str]:
    """What makes them in SQLite, statement by statement: what the migrations make, for rows of any vocabulary."""
    dialect = sqlite.dialect()
    found: list[str] = []
    for table in metadata(vocabulary).sorted_tables:
        found.append(str(CreateTable(table).compile(dialect=dialect)))
        found += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    return found


def describe(table: Table, described: sa.MetaData) -> sa.Table:
    return sa.Table(
        table.name,
        described,
        *(
            sa.Column(column.name, TYPES[column.kind], primary_key=index < table.key_length, nullable=column.nullable)
            for index, column in enumerate(table.columns)
        ),
        sqlite_with_rowid=False,
    )
