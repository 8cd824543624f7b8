"""Anchor: a signed statement of where the logs ended and what the tables held, kept outside of the database.

An anchor is a folder: `anchor.json` (signed) and `tables.sqlite` (the tables as they were, without the log, and without secrets,
of which they have the digests). Verification can start from it, also when the log before it is archived, and nobody without the
key can have changed it.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Head, StoreError
from runline.shell import reason_of
from runline.store.examined import Examined, examining, heads_of
from runline.store.file import open_connection, store_error
from runline.store.schema import schema_sql
from runline.store.statements import every_row, how_many
from runline.store.tables import Table, Tables, insert, tables_of
from runline.store.where import Place

STATEMENT = "anchor.json"
TABLES = "tables.sqlite"

PROGRESS_ROWS = 1_000
"""Rows after which it is said how many are copied."""


class Statement(msgspec.Struct, frozen=True):
    """What is signed: the heads, and a SHA-256 of every table's rows in the order of their keys, by name."""

    made_ns: int
    heads: list[Head]
    digests: dict[str, str]


class Signed(msgspec.Struct, frozen=True):
    """The file `anchor.json`: the signed bytes, the signature (Ed25519) and the public key, all in hexadecimal."""

    statement: str
    signature: str
    public_key: str


class Anchor(msgspec.Struct):
    """An anchor whose signature holds."""

    folder: Path
    heads: list[Head]
    digests: dict[str, str]


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file; a new one, readable by its owner only, if there is none."""
    if path.exists():
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    with os.fdopen(new_file(path), "w") as written:
        written.write(raw.hex() + "\n")
    return key


def new_file(path: Path) -> int:
    """A descriptor of a new file that only its owner can read."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def table_digest(connection: apsw.Connection, table: Table) -> str:
    """SHA-256 over a table's rows, as JSON arrays, in the order of their keys."""
    digest = hashlib.sha256()
    for row in connection.execute(every_row(table)):
        digest.update(msgspec.json.encode(row) + b"\n")
    return digest.hexdigest()


def make_anchor(
    place: Place,
    folder: Path,
    key: Ed25519PrivateKey,
    made_ns: int,
    vocabulary: Vocabulary,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Statement:
    """Write an anchor of a database into a new folder. The engine may go on meanwhile.

    progress: called with (rows copied, rows in all).
    Raises StoreError if the database cannot be read, FileExistsError if the folder exists.
    """
    with examining(place) as database:
        folder.mkdir(parents=True, mode=0o700)
        try:
            heads, digests = copy_tables(database, folder / TABLES, vocabulary, progress)
        except apsw.Error as error:
            raise store_error(error) from error
    statement = Statement(made_ns, heads, digests)
    signed = msgspec.json.encode(statement)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    written = Signed(signed.hex(), key.sign(signed).hex(), public.hex())
    with os.fdopen(new_file(folder / STATEMENT), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(written), indent=2))
    return statement


def copy_tables(
    database: Examined, into: Path, vocabulary: Vocabulary, progress: Callable[[int, int], None]
) -> tuple[list[Head], dict[str, str]]:
    """Copy the tables of one state of a database into a new file, for its owner only: (the heads, the digests of the copies)."""
    os.close(new_file(into))
    copy = open_connection(into, writing=True)
    for sql in schema_sql(vocabulary):
        copy.execute(sql)
    tables = tables_of(vocabulary).by_name
    done = 0

    def copied(table: Table, total: int) -> Iterator[tuple[Any, ...]]:
        nonlocal done
        columns = [column.name for column in table.columns]
        secrets = [columns.index(name) for name in vocabulary.rows[table.name].proved_by]
        for row in database.walk(every_row(table)):
            done += 1
            if done % PROGRESS_ROWS == 0:
                progress(done, total)
            yield without(row, secrets) if secrets else row

    with database.state():
        heads = list(heads_of(database).values())
        total = sum(rows for table in tables.values() for (rows,) in database.read(how_many(table)))
        with copy:
            for table in tables.values():
                copy.executemany(insert(table), copied(table, total))
    digests = {name: table_digest(copy, table) for name, table in tables.items()}
    copy.pragma("journal_mode", "delete")
    copy.close()
    return heads, digests


def without(row: tuple[Any, ...], secrets: Iterable[int]) -> tuple[Any, ...]:
    """A row with nothing in these places."""
    bare = list(row)
    for place in secrets:
        bare[place] = ""
    return tuple(bare)


def read_anchor(folder: Path, public_key: str) -> Anchor:
    """An anchor, if its signature is by this key (hexadecimal).

    Raises StoreError if it is not, or cannot be read.
    """
    try:
        signed = msgspec.json.decode((folder / STATEMENT).read_bytes(), type=Signed)
        if signed.public_key != public_key:
            raise StoreError("unreadable", f"The anchor {folder} is signed by another key, {signed.public_key}.")
        content = bytes.fromhex(signed.statement)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signed.signature), content)
        statement = msgspec.json.decode(content, type=Statement)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise StoreError("unreadable", f"The anchor {folder} cannot be read: {reason_of(error)}") from error
    except InvalidSignature:
        raise StoreError("unreadable", f"The signature of the anchor {folder} does not hold.") from None
    return Anchor(folder, statement.heads, statement.digests)


def open_tables(anchor: Anchor, into: Path, tables: Tables) -> None:
    """Copy an anchor's tables, if they are those that were signed.

    Raises StoreError.
    """
    try:
        into.write_bytes((anchor.folder / TABLES).read_bytes())
        connection = open_connection(into, writing=False)
        changed = [
            name
            for name, table in tables.by_name.items()
            if table_digest(connection, table) != anchor.digests.get(name)
        ]
        connection.close()
    except (OSError, apsw.Error) as error:
        raise StoreError("unreadable", f"The anchor's tables cannot be read: {reason_of(error)}") from error
    if changed:
        raise StoreError("unreadable", f"The anchor's tables were changed: {', '.join(changed)}.")
