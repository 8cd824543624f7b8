"""Opening: whether a file still holds all that was durable, and whether it is the log that it was.

Rule: each opening and each transaction is counted in the file, and the mark beside it says how far the counting had come. (What
moves heads is counted in them, for their rows are written anyway; all else with the opening.) A file that is behind its mark, or
whose write-ahead log is damaged, has lost what people were told of; it is refused, unless somebody says that they accept the
loss. Then, and whenever the file or its mark is a copy that was put there, the log gets a new id, so that nobody goes on from a
position of the log that was.
"""

import logging
import os
import secrets
import time
from hashlib import blake2b
from pathlib import Path

import apsw
import msgspec

from runline.engine.ports import GENESIS, StoreError
from runline.store.file import open_connection, store_error, wal_of
from runline.store.limits import OPENINGS_KEPT_MAX
from runline.store.mark import Mark, MarkDamaged, load_mark, mark_path, write_mark
from runline.store.schema_change import migrate
from runline.store.statements import COUNTED_WITH_HEADS
from runline.store.tables import OPENINGS, insert
from runline.store.wal import PAGE_BYTES, lost_behind

log = logging.getLogger("runline.store")

LAST_OPENING = "SELECT number, log, opened_ns, commits, hash, closed, found FROM openings ORDER BY number DESC LIMIT 1"
COUNT = "UPDATE openings SET commits = ?, hash = ? WHERE number = ?"
FORGET = "DELETE FROM openings WHERE number <= ?"
CLOSED = "UPDATE openings SET closed = 1 WHERE number = ?"

HOW_TO_ACCEPT = "If it is lost for good, start once with --accept-loss."


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """One opening of a file, the last one being the one that stands.

    log: the log's id since then, "" while it is being filled by a copy. commits: the transactions that the file has had, and
    hash: a chain over them. closed: whether it was stopped cleanly. found: why the log got a new id, or "".
    """

    number: int
    log: str
    opened_ns: int
    commits: int
    hash: bytes
    closed: bool
    found: str


def last_opening(connection: apsw.Connection) -> Opening | None:
    """How the file was opened last, and how far it is; None for a file that is new."""
    row = connection.execute(LAST_OPENING).fetchone()
    if row is None:
        return None
    opening = msgspec.convert(row, Opening, strict=False)
    farther = connection.execute(COUNTED_WITH_HEADS, (opening.commits,)).fetchone()
    if farther is None:
        return opening
    commits, chain = msgspec.convert(farther, tuple[int, bytes])
    return msgspec.structs.replace(opening, commits=commits, hash=chain)


def further(opening: Opening, content: bytes) -> Opening:
    """How far an opening is with one more transaction. content: what tells it from any other."""
    chain = blake2b(opening.hash + content, digest_size=16).digest()
    return msgspec.structs.replace(opening, commits=opening.commits + 1, hash=chain)


def count_commit(connection: apsw.Connection, opening: Opening, content: bytes) -> Opening:
    """Count a transaction that moves no head, within it. Returns how far the opening is with it."""
    after = further(opening, content)
    connection.execute(COUNT, (after.commits, after.hash, after.number))
    return after


def open_log(path: Path, *, accept_loss: bool) -> tuple[Opening, str]:
    """Open a file for writing, if it holds all that was durable: (this opening, why it goes on although it does not, or "").

    Raises StoreError `unreadable`.
    """
    marked = load_marked(path, accept_loss=accept_loss)
    gone = log_without_database(path)
    if gone:
        refuse(path, gone, accept_loss=accept_loss)
    connection = open_connection(path, writing=True)
    try:
        damaged = damage_in_wal(connection, path)
        last = None
        if connection.execute("SELECT count(*) FROM sqlite_schema").get:
            migrate(connection, path)
            last = last_opening(connection)
            require_whole(last)
        lost = gone or damaged or what_is_lost(path, last, marked[0] if marked else None)
        if lost:
            refuse(path, lost, accept_loss=accept_loss)
        if last is None:
            migrate(connection, path)
        opening = begin(connection, last, marked, lost, asked=accept_loss)
        write_mark(path, Mark(opening.log, opening.number, opening.commits, opening.hash, time.time_ns(), os.getpid()))
        # So that the database itself says that it is open. After a loss nothing stays of the write-ahead log: what lies behind
        # the damage would be taken for lost again.
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE if lost else apsw.SQLITE_CHECKPOINT_PASSIVE)
        return opening, lost
    except apsw.BusyError as error:
        raise StoreError("unreadable", f"{path} is being written by another program: {error}") from error
    except apsw.Error as error:
        raise StoreError("unreadable", f"{path} cannot be read: {store_error(error)}") from error
    except msgspec.ValidationError as error:
        raise StoreError("unreadable", f"{path} cannot be read: how it was opened before: {error}") from error
    finally:
        connection.close()


def require_whole(last: Opening | None) -> None:
    """Refuse a database that a copy has begun to fill, and has not ended. Raises StoreError `unreadable`."""
    if last is not None and not last.log:
        raise StoreError("unreadable", "A copy into it has not ended. Remedy: run that `runline migrate` again.")


def without_log(number: int) -> Opening:
    """The opening of a database that a copy begins to fill."""
    return Opening(number, "", time.time_ns(), 0, GENESIS[:16], closed=False, found="it is being filled by a copy")


def with_log(opening: Opening) -> Opening:
    """The same, once it is whole: a log of its own, so that nobody goes on in it from a position of the other one."""
    return msgspec.structs.replace(opening, log=secrets.token_hex(8), closed=True, found="it was copied")


def load_marked(path: Path, *, accept_loss: bool) -> tuple[Mark, bool] | None:
    try:
        return load_mark(path)
    except MarkDamaged as error:
        if accept_loss:
            return None
        raise StoreError("unreadable", f"How far {path} was durable is not known: {error}. {HOW_TO_ACCEPT}") from error


def refuse(path: Path, lost: str, *, accept_loss: bool) -> None:
    """Refuse a file that has lost something, unless that is accepted.

    Raises StoreError `unreadable`.
    """
    if not accept_loss:
        raise StoreError("unreadable", f"{path} has lost what was durable: {lost}. {HOW_TO_ACCEPT}")


def log_without_database(path: Path) -> str:
    """That a write-ahead log lies beside an empty file, in words; else "". It is found before SQLite opens the file, because
    SQLite deletes such a log, and that may be all that is left."""
    wal = wal_of(path)
    if path.stat().st_size == 0 and wal.is_file() and wal.stat().st_size > 0:
        return f"it is empty, and {wal.name} is not"
    return ""


def damage_in_wal(connection: apsw.Connection, path: Path) -> str:
    """That the write-ahead log is damaged before its end, in words; else "".

    While somebody writes, a transaction may have come after the counting: what is behind it then is no damage.
    """
    taken = -1
    while taken != (taken := connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[0]):
        if not lost_behind(wal_of(path), max(taken, 0)):
            return ""
    return "its write-ahead log is damaged before its end"


def what_is_lost(path: Path, last: Opening | None, mark: Mark | None) -> str:
    """What a file lacks, in words; "" if nothing is known to be lost."""
    if mark is None:
        # The first mark is written before anything is copied into the database.
        if last is not None and not last.closed and path.stat().st_size > PAGE_BYTES:
            return (
                f"it was not stopped cleanly, and {mark_path(path).name}, which says how far it was durable, is missing"
            )
        return ""
    said = f"{mark_path(path).name} says that transaction {mark.commits} of opening {mark.opening} was durable"
    if last is None:
        return f"{said}, and it is empty"
    if last.log != mark.log:
        return f"{mark_path(path).name} is of another log ({mark.log}; it is {last.log})"
    if last.number < mark.opening or last.commits < mark.commits:
        return f"{said}, and it ends at transaction {last.commits} of opening {last.number}"
    if last.commits == mark.commits and last.hash != mark.hash:
        return f"{said}, and it holds other transactions"
    return ""


def begin(
    connection: apsw.Connection, last: Opening | None, marked: tuple[Mark, bool] | None, lost: str, *, asked: bool
) -> Opening:
    """Write down that the file is opened, and under which id its log goes on."""
    mark, copied = marked or (None, False)
    found = ""
    if last is not None:
        if lost or asked:
            found = f"a loss was accepted: {lost or 'none was found'}"
        elif mark is None:
            found = "there was no mark beside the file"
        elif copied:
            found = "the mark beside the file is a copy"
        elif last.number > mark.opening + 1:
            found = "the mark beside the file is of an earlier opening"
        if found:
            log.warning("the log gets a new id: %s", found)
    opening = Opening(
        number=max(last.number if last else 0, mark.opening if mark else 0) + 1,
        log=last.log if last and not found else secrets.token_hex(8),
        opened_ns=time.time_ns(),
        commits=(last.commits if last else 0) + 1,
        hash=blake2b((last.hash if last else b"") + os.urandom(16), digest_size=16).digest(),
        closed=False,
        found=found,
    )
    with connection:
        connection.execute(FORGET, (opening.number - OPENINGS_KEPT_MAX,))
        connection.execute(insert(OPENINGS), msgspec.structs.astuple(opening))
    return opening
