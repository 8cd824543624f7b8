"""Databases: what looks at a database, a file or one of PostgreSQL; the engine may be running meanwhile."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from runline.store.where import place_of


def verify(database: str, /, *, anchor: Path | None = None, public_key: str | None = None, json: bool = False) -> int:
    """Prove that log, tables and hash chain agree. Exits 0 (they do), 1 (they differ: says where) or 2 (cannot read).

    Parameters
    ----------
    database
        The SQLite file, or the address of a database of PostgreSQL, such as postgresql://runline@/runline?host=/run/postgresql
        (its password belongs into PGPASSWORD or ~/.pgpass). The engine may be running.
    anchor
        Start from this anchor (a folder) instead of from nothing.
    public_key
        The key that must have signed the anchor, in hexadecimal; by default that of the key beside the file.
    json
        Say it as JSON: what was compared, and every difference.
    """
    from runline.evaluate.terminal import verify_database

    return verify_database(place_of(database), anchor, public_key, as_json=json)


def anchor(database: str, folder: Path, /, *, key: Path | None = None, json: bool = False) -> int:
    """Write a signed anchor of a database into a new folder, to be kept elsewhere. `verify` can start from it.

    Parameters
    ----------
    database
        The SQLite file, or the address of a database of PostgreSQL. The engine may be running.
    folder
        Where to write; it must not exist.
    key
        The file of the key that signs; it is made if there is none, and beside it one with its public half (.pub). By default it
        lies beside the SQLite file; for PostgreSQL it must be named.
    json
        Say it as JSON: the heads, and the public key.
    """
    from runline.evaluate.terminal import anchor_database

    return anchor_database(place_of(database), folder, key, as_json=json)


def migrate(
    *,
    source: Annotated[str, Parameter(name="--from")],
    target: Annotated[str, Parameter(name="--to")],
    json: bool = False,
) -> int:
    """Copy a house and its books, with their logs, into an empty database, and prove that both are the same.

    Nobody may serve either meanwhile. A copy that does not end, or cannot be proved, is not kept: that database is not served
    until it is copied anew. Exits 0 (it is kept), 1 (it is not the same, or its log does not make its tables: says where) or 2.

    Parameters
    ----------
    source
        The SQLite file (a path, or sqlite:///PATH), or the address of a database of PostgreSQL. It stays as it is.
    target
        The same, of an empty one.
    json
        Say it as JSON: the position of each stream, the rows and the digest of each table, and every difference.
    """
    from runline.evaluate.terminal import migrate_database

    return migrate_database(place_of(source), place_of(target), as_json=json)


def trace(database: str, command: str, /, *, json: bool = False) -> int:
    """Show the way of one command: received, queued, decided, handed to the store, durable, each with its time.

    Exits 0 (found), 1 (this database does not know it) or 2 (cannot read).

    Parameters
    ----------
    database
        The SQLite file, or the address of a database of PostgreSQL. The engine may be running.
    command
        The command's id (a UUIDv7), as `runline log --json` and the page's log have it.
    json
        Say it as JSON.
    """
    from runline.evaluate.terminal import trace_command

    return trace_command(place_of(database), command, as_json=json)


def clock(database: str, /, *, confirm: bool = False, json: bool = False) -> int:
    """Show whether the host's clock agrees with the time that a server keeps. Exits 0 (it does), 1 (it does not) or 2.

    A server does not follow a clock that was set while it ran, and not one that it cannot believe at its start; people may be
    unable to sign in meanwhile. If the host's clock is right, confirm it here.

    Parameters
    ----------
    database
        The SQLite file. The server may be running. (Over PostgreSQL none keeps a time of its own.)
    confirm
        The host's clock is right: a running server follows it within a second, otherwise the next start does.
    json
        Say it as JSON.
    """
    from runline.evaluate.clock import show_clock

    return show_clock(place_of(database), confirmed=confirm, as_json=json)
