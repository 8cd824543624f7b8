"""Checking a file: that every page has its checksum, and that tables and indexes agree."""

from pathlib import Path

import apsw
import msgspec

from runline.engine.ports import StoreError
from runline.store.file import open_connection, snapshot, store_error

TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class Checked(msgspec.Struct):
    """What a check has found. faults: what is wrong, in words. unfinished: the tables of which that is not known."""

    faults: list[str] = []
    unfinished: list[str] = []


def check_file(path: str) -> Checked:
    """What is wrong with a file. Table by table, each of one state, so that none is looked at for long."""
    database = Path(path)
    checked = Checked()
    try:
        connection = open_connection(database, writing=False)
    except StoreError as error:
        checked.faults.append(str(error))
        return checked
    try:
        for (table,) in connection.execute(TABLES).fetchall():
            check_table(connection, database, str(table), checked)
    except apsw.Error as error:
        checked.faults.append(str(store_error(error)))
    finally:
        connection.close()
    return checked


def check_table(connection: apsw.Connection, database: Path, table: str, checked: Checked) -> None:
    """Check a table and its indexes."""
    try:
        with snapshot(connection, database):
            said = connection.execute(f"PRAGMA integrity_check('{table}')").fetchall()
        checked.faults += [f"{table}: {what}" for (what,) in said if what != "ok"]
    except (apsw.Error, StoreError) as error:
        why = error if isinstance(error, StoreError) else store_error(error)
        if why.kind == "transient":
            checked.unfinished.append(table)
        else:
            checked.faults.append(f"{table}: {why}")
