"""The schema: what migrations make is what the rows say, and a file that does not fit is refused in plain words."""

import re
from typing import Any

import apsw
import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.world import play

from runline.domain.state import Following
from runline.domain.tickets import Ticket
from runline.engine.ports import StoreError
from runline.store.migrations.run import newest_revision, upgrade_sql
from runline.store.schema import schema_sql
from runline.store.sqlite import SqliteReader, SqliteStore
from runline.store.tables import SCHEMA_REVISION, SYSTEM_TABLES, indexes_in, tables_of

TABLES = (*SYSTEM_TABLES, *tables_of(VOCABULARY).by_name.values())

SCHEMA = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%' ORDER BY name"


def migrated() -> apsw.Connection:
    """A database as the migrations make it."""
    connection = apsw.Connection(":memory:")
    connection.execute(upgrade_sql("sqlite", None)).fetchall()
    return connection


def derived() -> apsw.Connection:
    """A database as the rows describe it."""
    connection = apsw.Connection(":memory:")
    for sql in schema_sql(VOCABULARY):
        connection.execute(sql)
    return connection


def described(connection: apsw.Connection, name: str) -> list[tuple[str, str, int, int]]:
    """A table's columns: name, type, whether it must have a value, place in the key (0: not in it)."""
    return [(row[1], row[2], row[3], row[5]) for row in connection.execute(f"PRAGMA table_info({name})")]


def index_sql(connection: apsw.Connection) -> dict[str, str]:
    """What the indexes are, in SQL, by name."""
    found: list[Any] = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    return {name: re.sub(r"\s+", " ", sql).replace('"', "") for name, sql in found}


def names(connection: apsw.Connection, kind: str) -> list[str]:
    return [name for (name,) in connection.execute(SCHEMA, (kind,))]


def test_the_migrations_make_exactly_the_tables_of_the_rows():
    made, meant = migrated(), derived()
    assert names(made, "table") == sorted(["alembic_version", *names(meant, "table")])
    assert names(meant, "table") == sorted(table.name for table in TABLES)
    for name in names(meant, "table"):
        assert described(made, name) == described(meant, name), name
        without_rowid = "SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'"
        assert made.execute(without_rowid, (name,)).get == meant.execute(without_rowid, (name,)).get == 1, name


def test_the_columns_and_keys_are_those_by_which_the_statements_are_written():
    made = migrated()
    for table in TABLES:
        found = described(made, table.name)
        assert [column[0] for column in found] == [column.name for column in table.columns], table.name
        assert [column[0] for column in sorted(found, key=lambda one: one[3]) if column[3]] == list(table.key), (
            table.name
        )
        assert [not column[2] for column in found] == [column.nullable for column in table.columns], table.name


def test_the_migrations_make_exactly_the_indexes_of_the_rows_also_partial_ones():
    made, meant = index_sql(migrated()), index_sql(derived())
    assert made == meant
    assert sorted(made) == sorted(index.name for index in indexes_in(VOCABULARY))
    assert made["tickets_held"].endswith("WHERE status = 'open'")
    assert made["tickets_by_fixture"].endswith("(stream, fixture, number) WHERE status <> 'open'")


def test_an_open_wager_has_an_entry_in_the_order_of_the_key_only():
    """An index that has to find a place for every wager that is placed would cost more than the wager's own row."""
    open_ones = [
        index for index in indexes_in(VOCABULARY) if index.table == "tickets" and index.where != "status <> 'open'"
    ]
    assert [(index.name, index.columns[:2]) for index in open_ones] == [("tickets_held", ("stream", "number"))]


def test_what_is_open_is_read_and_what_has_closed_is_found_without_walking_through_history():
    connection = migrated()
    asked: list[str] = []
    reader = SqliteReader(connection)

    async def main():
        def note(_: object, sql: str, values: object) -> bool:
            asked.append(sql)
            return True

        connection.exec_trace = note
        await reader.held_rows("b1", Ticket)
        await reader.fetch("b1", [Following(Ticket, "G1", 5, 64)])
        connection.exec_trace = None

    play(main())
    plans = [
        connection.execute("EXPLAIN QUERY PLAN " + sql, ("b1", "G1", 5, 64)[: sql.count("?")]).fetchall()
        for sql in asked
    ]
    assert [row[3] for row in plans[0]] == ["SEARCH tickets USING INDEX tickets_held (stream=?)"]
    assert [row[3] for row in plans[1]] == [
        "SEARCH tickets USING INDEX tickets_by_fixture (stream=? AND fixture=? AND number>?)"
    ]


def test_the_newest_migration_is_the_revision_that_the_program_asks_for():
    assert newest_revision() == SCHEMA_REVISION


def test_the_migrations_compile_for_postgresql():
    script = upgrade_sql("postgresql", None)
    for table in TABLES:
        assert f"CREATE TABLE {table.name} (" in script
    assert "WHERE status = 'open'" in script
    assert "BYTEA" in script
    assert f"SET version_num='{SCHEMA_REVISION}'" in script


def test_a_new_file_gets_the_schema_and_keeps_it(path, committed):
    async def main():
        await committed().close("n1", 1, 0)
        await committed().close("n1", 2, 0)

    play(main())
    made = apsw.Connection(str(path))
    assert names(made, "table") == names(migrated(), "table")
    assert made.execute("SELECT version_num FROM alembic_version").get == SCHEMA_REVISION


def test_a_file_of_another_program_is_refused_and_left_as_it_is(path, committed):
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(StoreError, match=r"book\.db is a database of another program") as failed:
        committed()
    assert failed.value.kind == "unreadable"
    assert names(apsw.Connection(str(path)), "table") == ["recipes"]


def test_a_file_of_a_newer_schema_is_refused_in_plain_words(path, committed):
    async def main():
        await SqliteStore(path).close("n1", 1, 0)

    play(main())
    newer = apsw.Connection(str(path))
    newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    with pytest.raises(StoreError, match=r"book\.db was written by another Runline: .*9999") as failed:
        committed()
    assert failed.value.kind == "unreadable"


@pytest.mark.parametrize("content", [b"Dear diary, " * 1_000, b"\0" * 4_096, b"SQLite format 3\0" + b"\xff" * 8_176])
def test_what_is_no_database_is_refused_in_plain_words(path, committed, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"book\.db") as failed:
        committed()
    assert failed.value.kind == "unreadable"
    assert path.read_bytes() == content


def test_a_file_that_was_refused_can_be_opened_once_it_is_mended(path, committed):
    path.write_bytes(b"Dear diary, " * 1_000)
    with pytest.raises(StoreError):
        committed()
    path.unlink()

    async def main():
        await committed().close("n1", 1, 0)

    play(main())


def test_a_folder_is_no_database(tmp_path, committed):
    committed.path = tmp_path
    with pytest.raises(StoreError, match="cannot be opened"):
        committed()
