"""The mark: a small file beside the database that says how far it was durable, so that a lost end of the log is noticed.

Rule: the mark is never ahead of what is durable, and at most MARK_S behind it. It has two places that are written in turns, each
with a digest, so that a torn one is told from a whole one and the other one still stands.
"""

import logging
import os
import struct
import threading
import time
from hashlib import blake2b
from pathlib import Path

import msgspec

from runline.shell import why
from runline.store.limits import MARK_S, MARK_SYNC_S

log = logging.getLogger("runline.store")

PLACE_BYTES = 512
"""One place: what a disk writes whole or not at all."""

DIGEST_BYTES = 16

LENGTH = struct.Struct("<H")

COPIED_NS = 10**9
"""A mark whose file was last changed so much later than it says was not written there, but copied. (So it was if the file is
another one; one that was copied over it is not.)"""

encode = msgspec.msgpack.Encoder().encode


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far a log was durable.

    log: the log's id. opening: how often it had been opened. commits: the transactions that it had had, and hash: a chain over
    them. written_ns: when this was written, by the host's clock. process: who had the file. inode: of the file in which this was
    written; a copy has another one.
    """

    log: str
    opening: int
    commits: int
    hash: bytes
    written_ns: int
    process: int
    inode: int = 0


decode = msgspec.msgpack.Decoder(Mark).decode


class MarkDamaged(Exception):
    """There is a mark, and it cannot be read."""


def mark_path(path: Path) -> Path:
    """Where a database's mark lies, by whatever link the database is named."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ".mark")


def placed(mark: Mark) -> bytes:
    """A mark as it is written: a digest, the length, the content."""
    content = encode(mark)
    content = LENGTH.pack(len(content)) + content
    return (blake2b(content, digest_size=DIGEST_BYTES).digest() + content).ljust(PLACE_BYTES, b"\0")


def taken(place: bytes) -> Mark | None:
    """The mark that was written there, if it is whole."""
    if len(place) < PLACE_BYTES:
        return None
    digest, content = place[:DIGEST_BYTES], place[DIGEST_BYTES:]
    content = content[: LENGTH.size + LENGTH.unpack_from(content)[0]]
    if blake2b(content, digest_size=DIGEST_BYTES).digest() != digest:
        return None
    return decode(content[LENGTH.size :])


def newest(content: bytes) -> tuple[Mark, int] | None:
    """The mark that a file's content says, and its place; None if no place is whole."""
    whole = [(mark, place) for place in (0, 1) if (mark := taken(content[place * PLACE_BYTES :][:PLACE_BYTES]))]
    return max(whole, key=lambda one: (one[0].opening, one[0].commits, one[0].written_ns), default=None)


def load_mark(path: Path) -> tuple[Mark, bool] | None:
    """A database's mark, and whether it was copied there; None if there is none.

    Raises MarkDamaged.
    """
    try:
        with mark_path(path).open("rb") as file:
            content = file.read(2 * PLACE_BYTES)
            found_file = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarkDamaged(f"{mark_path(path)} cannot be read: {why(error)}") from error
    found = newest(content)
    if found is None:
        raise MarkDamaged(f"{mark_path(path)} is damaged")
    mark, _ = found
    return mark, mark.inode != found_file.st_ino or abs(found_file.st_ctime_ns - mark.written_ns) > COPIED_NS


def read_mark(path: Path) -> Mark | None:
    """A database's mark, if there is one that can be read."""
    try:
        found = load_mark(path)
    except MarkDamaged:
        return None
    return found[0] if found else None


class MarkFile:
    """A database's mark, to be written.

    Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = mark_path(path)
        self.draft = self.path.with_name(self.path.name + ".new")
        self.descriptor, self.is_draft = self.open()
        # It goes on at the place that is not the newest.
        found = newest(os.pread(self.descriptor, 2 * PLACE_BYTES, 0))
        self.place = 1 - found[1] if found else 0

    def open(self) -> tuple[int, bool]:
        """A descriptor of it, or of a draft that becomes it once something is written, so that it is never empty."""
        try:
            descriptor, is_draft = os.open(self.path, os.O_RDWR | os.O_CLOEXEC), False
        except FileNotFoundError:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            descriptor, is_draft = os.open(self.draft, flags, 0o600), True
        os.fchmod(descriptor, 0o600)
        return descriptor, is_draft

    def write(self, mark: Mark, *, synced: bool = True) -> None:
        """Write a mark, and sync it if that is asked for or it is the first. If somebody has taken the file away, another one is
        made."""
        if not self.is_draft and not self.is_there():
            before = self.descriptor
            self.descriptor, self.is_draft = self.open()
            os.close(before)
            log.warning("the mark %s was taken away; it is made anew", self.path)
        mark = msgspec.structs.replace(mark, inode=os.fstat(self.descriptor).st_ino)
        os.pwrite(self.descriptor, placed(mark), self.place * PLACE_BYTES)
        if synced or self.is_draft:
            self.sync()
        if self.is_draft:
            self.draft.rename(self.path)
            self.is_draft = False
            sync_folder(self.path.parent)
        self.place = 1 - self.place

    def sync(self) -> None:
        """Have what is written survive a power cut."""
        os.fdatasync(self.descriptor)

    def is_there(self) -> bool:
        """Whether the file still has its name."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        os.close(self.descriptor)


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_mark(path: Path, mark: Mark) -> None:
    """Write a database's mark, while nobody else does. Raises OSError."""
    file = MarkFile(path)
    try:
        file.write(mark)
    finally:
        file.close()


class MarkKeeper:
    """Writes a database's mark behind its commits, on a thread of its own: nobody waits for it.

    It is in the system's hands at once, so that no process that dies takes it along, and synced seldom: a sync of it makes the
    syncs of commits wait, at ten a second for a tenth of a second each.

    failure: why it cannot be written, "" while it can.
    """

    def __init__(self, path: Path, log_id: str, opening: int, process: int) -> None:
        self.file = MarkFile(path)
        self.log_id = log_id
        self.opening = opening
        self.process = process
        self.durable = (0, b"")
        self.written = (0, b"")
        self.failure = ""
        self.synced_s = time.monotonic()
        self.wanted = threading.Event()
        self.ending = False
        self.thread = threading.Thread(target=self.run, name="mark", daemon=True)
        self.thread.start()

    def move(self, commits: int, chain: bytes) -> None:
        """So much is durable."""
        self.durable = commits, chain
        if not self.wanted.is_set():
            self.wanted.set()

    def run(self) -> None:
        """The thread."""
        while True:
            self.wanted.wait()
            if self.ending:
                return
            self.wanted.clear()
            self.write()
            time.sleep(MARK_S)

    def write(self) -> None:
        """Write how far the log is durable. If that fails the next commit asks again; until then a lost end may be as long as
        that."""
        commits, chain = self.durable
        if (commits, chain) == self.written:
            return
        try:
            now_s = time.monotonic()
            synced = now_s - self.synced_s >= MARK_SYNC_S
            self.file.write(
                Mark(self.log_id, self.opening, commits, chain, time.time_ns(), self.process), synced=synced
            )
            if synced:
                self.synced_s = now_s
        except OSError as error:
            if not self.failure:
                log.warning("the mark %s cannot be written: %s", self.file.path, error)
            self.failure = (
                f"{self.file.path.name}, which says how far the log was durable, cannot be written: {why(error)}"
            )
            return
        self.failure = ""
        self.written = commits, chain

    def close(self) -> None:
        """Write what is durable now, synced, and end."""
        if self.ending:
            return
        self.ending = True
        self.wanted.set()
        self.thread.join()
        self.write()
        try:
            self.file.sync()
        except OSError as error:
            log.warning("the mark %s cannot be synced: %s", self.file.path, error)
        self.file.close()
