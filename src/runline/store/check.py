"""Checking a file: that it is where it was, that every page has its checksum, and that tables and indexes agree."""

import os
from pathlib import Path

import apsw
import msgspec

from runline.engine.ports import StoreError
from runline.store.file import open_connection, snapshot, store_error, wal_of

TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class OpenFile:
    """Where a file that is open and its write-ahead log lie. Writing goes on when somebody takes them away, and what is written
    then is found by no later start."""

    def __init__(self, path: Path) -> None:
        self.database = Path(os.path.realpath(path))
        self.wal = wal_of(self.database)
        self.known = {path: path.stat() for path in (self.database, self.wal)}

    def fault(self) -> str:
        """What was taken away or replaced, and what can be done, in words; "" if nothing was."""
        if not self.is_there(self.database):
            return (
                f"{self.database.name} was taken away or replaced: what is acknowledged now goes into the file that was there. "
                "Put that one back, with its -wal and -shm, before this server ends"
            )
        if not self.is_there(self.wal):
            return (
                f"{self.wal.name} was taken away or replaced: what is in it is lost if this server is killed. Stop it, which "
                "copies everything into the database"
            )
        return ""

    def is_there(self, path: Path) -> bool:
        """Whether a name still leads to the file that it led to."""
        try:
            return os.path.samestat(path.stat(), self.known[path])
        except OSError:
            return False


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
