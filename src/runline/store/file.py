"""The file: how a database is opened, by whom, and what an error of it means.

Rules: the one SQLite library is the one inside apsw. Every connection of every process is opened here, with a checksum on every
page that is verified whenever the page is read. A connection is of one thread, and never used by two at once. Who writes holds a
lock on the file itself, whatever its name, until the process ends. Beside SQLite nothing opens the file in a process that has
connections to it: closing any descriptor of a file drops all of the process's locks on it.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import apsw
import apsw.sqlite_extra

from runline.engine.ports import StoreError
from runline.shell import why
from runline.store.limits import BUSY_MS, LOCK_WAIT_S, SNAPSHOT_WAL_BYTES_MAX, WAL_KEPT_BYTES
from runline.store.mark import read_mark

log = logging.getLogger("runline.store")

SQLITE_VERSION_MIN = (3, 51, 3)
"""3.7.0 to 3.51.2 can corrupt a WAL file when two connections write or checkpoint at once."""

CHECKSUMS = "cksmvfs"
"""The layer of SQLite that puts a checksum at the end of every page and verifies it on every read."""

CHECKSUM_BYTES = 8

IOERR_DATA = 8202
IOERR_CORRUPT_FILE_SYSTEM = 8458

TRANSIENT = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.NoMemError, apsw.InterruptError)
UNREADABLE = (apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError, apsw.FormatError)

OPCODES_BETWEEN_LOOKS = 50_000
"""How often a long reader looks at the WAL's length: every millisecond or two."""


def store_error(error: Exception) -> StoreError:
    """What an error of SQLite means for the engine."""
    message = f"{type(error).__name__}: {error}"
    if getattr(error, "extendedresult", 0) in (IOERR_DATA, IOERR_CORRUPT_FILE_SYSTEM):
        return StoreError("unreadable", f"A page of the file does not have its checksum: it is damaged ({message}).")
    if isinstance(error, TRANSIENT):
        return StoreError("transient", message)
    if isinstance(error, UNREADABLE):
        return StoreError("unreadable", message)
    return StoreError("row", message)


@cache
def load_checksums() -> None:
    """Have SQLite know the layer of checksums, in this process.

    Raises StoreError `unreadable`.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_VERSION_MIN:
        raise StoreError("unreadable", f"SQLite {apsw.sqlite_lib_version()} is too old; 3.51.3 is needed.")
    loader = apsw.Connection(":memory:")
    apsw.sqlite_extra.load(loader, "cksumvfs")
    loader.close()
    if CHECKSUMS not in apsw.vfs_names():
        raise StoreError("unreadable", "This SQLite cannot verify checksums (cksumvfs).")


def open_connection(path: Path, *, writing: bool) -> apsw.Connection:
    """A connection with its guarantees asserted: checksums, and for who writes WAL and synchronous=FULL.

    Raises StoreError `unreadable`, also for a file whose pages have no checksums, and for an empty one that is to be read.
    """
    load_checksums()
    if not writing and is_empty(path):
        # SQLite would delete the write-ahead log beside it, which is that of the file that was here before.
        raise StoreError("unreadable", f"{path} is empty")
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if writing else apsw.SQLITE_OPEN_READONLY
    try:
        # SQLite would lock a connection for each value that is read or bound.
        connection = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX, vfs=CHECKSUMS)
    except apsw.Error as error:
        raise StoreError("unreadable", f"{path} cannot be opened: {error}") from error
    try:
        assert_guarantees(connection, path, writing=writing)
    except apsw.Error as error:
        connection.close()
        why = store_error(error)
        raise StoreError("unreadable", f"{path} cannot be opened: {why}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def is_empty(path: Path) -> bool:
    """Whether there is a file in which nothing is."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def assert_guarantees(connection: apsw.Connection, path: Path, *, writing: bool) -> None:
    connection.set_busy_timeout(BUSY_MS)
    # Closing must leave a write-ahead log as it is, for it may be damaged: only a clean stop copies it and takes it away.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.pragma("cache_size", -65_536)
    empty = connection.pragma("page_count") == 0
    if empty and writing:
        connection.reserve_bytes("main", CHECKSUM_BYTES)
    if writing:
        if not empty:
            require_checksums(connection, path)
        mode = connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        if mode != "wal" or connection.pragma("synchronous") != 2:
            raise StoreError("unreadable", f"{path} cannot be written with WAL and synchronous=FULL.")
        connection.pragma("journal_size_limit", WAL_KEPT_BYTES)
        # What is overwritten or deleted leaves nothing behind in the free parts of the file (a page is written anyway).
        connection.pragma("secure_delete", "on")
    require_checksums(connection, path)


def require_checksums(connection: apsw.Connection, path: Path) -> None:
    """Assert that pages are verified as they are read.

    Raises StoreError `unreadable`.
    """
    ours = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'").get
    verified = int(connection.pragma("checksum_verification") or 0) == 1
    if connection.open_vfs != CHECKSUMS or connection.reserve_bytes("main", -1) != CHECKSUM_BYTES or not verified:
        whose = "was written by an earlier Runline" if ours else "is a database of another program"
        raise StoreError("unreadable", f"{path} {whose}, or is damaged: its pages have no checksums.")


def wal_of(path: Path) -> Path:
    """Where a database's write-ahead log lies."""
    return path.with_name(path.name + "-wal")


@contextmanager
def snapshot(connection: apsw.Connection, path: Path) -> Iterator[Callable[[], bool]]:
    """Read from one state of the file. It is let go of, with an error, before the WAL grows beyond its bound because of it.

    Gives what tells whether it is time, for work that is not a statement of SQL. Raises StoreError `transient`.
    """
    wal = wal_of(Path(os.path.realpath(path)))

    def too_old() -> bool:
        try:
            return wal.stat().st_size > SNAPSHOT_WAL_BYTES_MAX
        except FileNotFoundError:
            return False

    connection.set_progress_handler(too_old, OPCODES_BETWEEN_LOOKS)
    connection.execute("BEGIN")
    try:
        yield too_old
    except apsw.InterruptError as error:
        what = f"the write-ahead log has grown to {SNAPSHOT_WAL_BYTES_MAX >> 20} MiB while somebody looked at one state"
        raise StoreError("transient", f"Reading was ended: {what}. Try again when less is written.") from error
    finally:
        connection.set_progress_handler(None)
        if connection.in_transaction:
            connection.execute("ROLLBACK")


Inode = tuple[int, int]


class FileLock:
    """Keeps a second writer off a file, by whatever name it comes. Makes the file, for its owner only, if there is none.

    The lock belongs to the file's description: a process that inherits `descriptor` shares it.
    """

    held: dict[Inode, "FileLock"] = {}  # noqa: RUF012
    """The locks of this process."""

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + LOCK_WAIT_S
        try:
            self.descriptor = self.open(path)
            while True:
                try:
                    fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        os.close(self.descriptor)
                        raise self.in_use(path) from None
                    time.sleep(0.02)
        except OSError as error:
            raise StoreError("unreadable", f"{path} cannot be opened: {why(error)}") from error
        found = os.fstat(self.descriptor)
        self.inode = (found.st_dev, found.st_ino)
        FileLock.held[self.inode] = self

    @staticmethod
    def open(path: Path) -> int:
        """A descriptor of the file; never of one that this process has connections to."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.fchmod(descriptor, 0o600)
            return descriptor
        except FileExistsError:
            found = path.stat()
            if (found.st_dev, found.st_ino) in FileLock.held:
                raise FileLock.in_use(path) from None
            return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    @staticmethod
    def in_use(path: Path) -> StoreError:
        """That another process has the file."""
        mark = read_mark(path)
        holder = mark.process if mark else "unknown"
        return StoreError("unreadable", f"{path} is in use by another Runline (process {holder}).")

    def release(self) -> None:
        """Let others in. Only once this process has no connection to the file any more."""
        FileLock.held.pop(self.inode, None)
        os.close(self.descriptor)
