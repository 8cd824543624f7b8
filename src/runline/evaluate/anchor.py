"""Anchor: a signed statement of where the logs ended and what the tables held, kept outside of the database.

An anchor is a folder: `anchor.json` (signed) and `tables.sqlite` (the tables as they were, without the log, and without secrets,
of which they have the digests). Verification can start from it, also when the log before it is archived, and nobody without the
key can have changed it.
"""

import hashlib
import os
from pathlib import Path

import apsw
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Head, StoreError
from runline.store.file import open_connection, snapshot, store_error
from runline.store.statements import HEADS_IN_ORDER, every_row_goes, every_row_in_order, every_text_goes
from runline.store.tables import Table, Tables, tables_of

STATEMENT = "anchor.json"
COPY_PAGES = 4_096
TABLES = "tables.sqlite"


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
    for row in connection.execute(every_row_in_order(table)):
        digest.update(msgspec.json.encode(row) + b"\n")
    return digest.hexdigest()


def make_anchor(path: Path, folder: Path, key: Ed25519PrivateKey, made_ns: int, vocabulary: Vocabulary) -> Statement:
    """Write an anchor of a database into a new folder. The engine may go on meanwhile.

    Raises StoreError if the database cannot be read, FileExistsError if the folder exists.
    """
    if not path.is_file():
        raise StoreError("unreadable", f"There is no database {path}.")
    folder.mkdir(parents=True, mode=0o700)
    source = open_connection(path, writing=False)
    try:
        copy = copy_file(source, path, folder / TABLES)
        heads = [Head(*row) for row in copy.execute(HEADS_IN_ORDER)]
        for name in ("events", "refusals", "batches", "openings"):
            copy.execute(every_row_goes(name))
        for row_type in vocabulary.rows.values():
            for secret in row_type.proved_by:
                copy.execute(every_text_goes(row_type.table, secret))
        copy.execute("VACUUM")
        digests = {table.name: table_digest(copy, table) for table in tables_of(vocabulary).by_name.values()}
        copy.close()
    except apsw.Error as error:
        raise store_error(error) from error
    finally:
        source.close()
    statement = Statement(made_ns, heads, digests)
    signed = msgspec.json.encode(statement)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    written = Signed(signed.hex(), key.sign(signed).hex(), public.hex())
    with os.fdopen(new_file(folder / STATEMENT), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(written), indent=2))
    return statement


def copy_file(source: apsw.Connection, path: Path, into: Path) -> apsw.Connection:
    """A copy of one state of a database, for its owner only, part by part: it ends early rather than hold the WAL up."""
    os.close(new_file(into))
    copy = open_connection(into, writing=True)
    with snapshot(source, path) as too_old, copy.backup("main", source, "main") as backup:
        source.execute(HEADS_IN_ORDER).fetchall()
        while not backup.step(COPY_PAGES):
            if too_old():
                raise apsw.InterruptError
    copy.pragma("journal_mode", "delete")
    return copy


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
        raise StoreError("unreadable", f"The anchor {folder} cannot be read: {error}") from error
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
        raise StoreError("unreadable", f"The anchor's tables cannot be read: {error}") from error
    if changed:
        raise StoreError("unreadable", f"The anchor's tables were changed: {', '.join(changed)}.")
