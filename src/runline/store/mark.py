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

from runline.store.limits import MARK_S

log = logging.getLogger("runline.store")

PLACE_BYTES = 512
"""One place: what a disk writes whole or not at all."""

DIGEST_BYTES = 16

LENGTH = struct.Struct("<H")

COPIED_NS = 5 * 10**9
"""A mark whose file was last changed so much later than it says was not written there, but copied."""

encode = msgspec.msgpack.Encoder().encode


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far a log was durable.

    log: the log's id. opening: how often it had been opened. commits: the transactions that it had had, and hash: a chain over
    them. written_ns: when this was written, by the host's clock. process: who had the file.
    """

    log: str
    opening: int
    commits: int
    hash: bytes
    written_ns: int
    process: int


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


def load_mark(path: Path) -> tuple[Mark, bool] | None:
    """A database's mark, and whether it was copied there; None if there is none.

    Raises MarkDamaged.
    """
    try:
        with mark_path(path).open("rb") as file:
            content = file.read(2 * PLACE_BYTES)
            changed_ns = os.fstat(file.fileno()).st_ctime_ns
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarkDamaged(f"{mark_path(path)} cannot be read: {error}") from error
    whole = [mark for at in (0, PLACE_BYTES) if (mark := taken(content[at : at + PLACE_BYTES]))]
    if not whole:
        raise MarkDamaged(f"{mark_path(path)} is damaged")
    mark = max(whole, key=lambda one: (one.opening, one.commits, one.written_ns))
    return mark, abs(changed_ns - mark.written_ns) > COPIED_NS


def read_mark(path: Path) -> Mark | None:
    """A database's mark, if there is one that can be read."""
    try:
        found = load_mark(path)
    except MarkDamaged:
        return None
    return found[0] if found else None


class MarkKeeper:
    """Writes a database's mark behind its commits, on a thread of its own: nobody waits for it."""

    def __init__(self, path: Path, log_id: str, opening: int, process: int) -> None:
        self.path = mark_path(path)
        self.log_id = log_id
        self.opening = opening
        self.process = process
        self.durable = (0, b"")
        self.written = (0, b"")
        self.place = 0
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(self.descriptor, 0o600)
        self.wanted = threading.Event()
        self.ending = False
        self.thread = threading.Thread(target=self.run, name="mark", daemon=True)
        self.thread.start()

    def move(self, commits: int, chain: bytes) -> None:
        """So much is durable."""
        self.durable = commits, chain
        self.wanted.set()

    def run(self) -> None:
        """The thread."""
        while True:
            self.wanted.wait()
            if self.ending:
                return
            self.wanted.clear()
            try:
                self.write()
            except OSError as error:
                # The next commit asks again; until then a lost end may be as long as that.
                log.warning("the mark %s cannot be written: %s", self.path, error)
            time.sleep(MARK_S)

    def write(self) -> None:
        """Write how far the log is durable, and sync it."""
        commits, chain = self.durable
        if (commits, chain) == self.written:
            return
        mark = Mark(self.log_id, self.opening, commits, chain, time.time_ns(), self.process)
        os.pwrite(self.descriptor, placed(mark), self.place * PLACE_BYTES)
        os.fdatasync(self.descriptor)
        self.written = commits, chain
        self.place = 1 - self.place

    def close(self) -> None:
        """Write what is durable now, and end."""
        if self.ending:
            return
        self.ending = True
        self.wanted.set()
        self.thread.join()
        try:
            self.write()
        finally:
            os.close(self.descriptor)
