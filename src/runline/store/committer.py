"""The committer, as a program of its own: it writes sealed batches, one after the other, until its pipe ends.

What it writes to is its target, which it is told first: a file, or PostgreSQL.
"""

import mmap
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from runline.engine.ports import Head, Sealed, StoreError
from runline.helpers import begin, framed, receive
from runline.store.log_file import LogFile
from runline.store.tables import Tables


class Begin(msgspec.Struct):
    """The first message: write to a target of this kind, at this place, and of which tables there will be rows. name: of its
    sessions there. number: of the opening, by which it claims. replicas: whether what it commits must be on a standby. (The place
    may be secret, and so comes this way.)"""

    kind: Literal["file", "postgresql"]
    place: str
    tables: Tables
    name: str = ""
    number: int = 0
    replicas: bool = False


class Claim(msgspec.Struct, tag=True):
    """Become the owner of streams. seen: as for `Store.claim_all`."""

    seen: dict[str, int | None]


class Piece(msgspec.Struct, tag=True):
    """Keep the first `length` bytes of the shared memory: they are those of a batch from `start` on."""

    start: int
    length: int


class Commit(msgspec.Struct, tag=True):
    """Make a batch durable: its Sealed ends with the first `length` bytes of the shared memory, and begins with the pieces that
    went before, `start` bytes."""

    length: int
    start: int = 0


class Close(msgspec.Struct, tag=True):
    """Note the last batch's time and stop cleanly."""

    node: str
    sealed_ns: int
    durable_before_ns: int


class Done(msgspec.Struct, tag=True):
    """It is done. fenced: the streams that were left out. heads: those of the streams that were claimed. overgrown_pages: of the
    WAL, if it is beyond its bound. unmarked: why the mark cannot be written, or ""."""

    fenced: list[str] = []
    heads: list[Head] = []
    overgrown_pages: int = 0
    unmarked: str = ""


class Failed(msgspec.Struct, tag=True):
    """It is not done: a StoreError."""

    kind: str
    message: str


encode = msgspec.msgpack.Encoder().encode
decode_sealed = msgspec.msgpack.Decoder(Sealed).decode
decode_begin = msgspec.msgpack.Decoder(Begin).decode
decode_order = msgspec.msgpack.Decoder(Claim | Piece | Commit | Close).decode
decode_reply = msgspec.msgpack.Decoder(Done | Failed).decode


class Target(Protocol):
    """Where batches are written to. What fails raises StoreError."""

    def commit(self, sealed: Sealed, tables: Tables) -> frozenset[str]:
        """Make a batch durable; returns the streams that another process owns. tables: of its rows."""
        ...

    def claim(self, seen: Mapping[str, int | None]) -> list[Head]:
        """Become the owner of streams; returns the heads of those that were claimed. seen: as for `Store.claim_all`."""
        ...

    def after_commit(self) -> None:
        """Between two commits, when nobody waits."""
        ...

    @property
    def beside(self) -> tuple[int, str]:
        """What is wrong beside the commits: (pages of the WAL, if it is beyond its bound, why the mark cannot be written)."""
        ...

    def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        """Note the last batch's time and stop cleanly."""
        ...

    def abandon(self) -> None:
        """Let go of it as it is."""
        ...


def serve(target: Target, tables: Tables, pipe: socket.socket, shared: memoryview) -> None:
    """Do what comes down the pipe until it ends. tables: of the rows that come."""
    pieces = bytearray()
    while (message := receive(pipe)) is not None:
        reply: Done | Failed = Done()
        order = decode_order(message)
        try:
            if isinstance(order, Commit):
                batch = (
                    b"".join((pieces[: order.start], shared[: order.length])) if order.start else shared[: order.length]
                )
                fenced = target.commit(decode_sealed(batch), tables)
                pieces.clear()
                overgrown_pages, unmarked = target.beside
                reply = Done(sorted(fenced), overgrown_pages=overgrown_pages, unmarked=unmarked)
            elif isinstance(order, Piece):
                pieces[order.start :] = shared[: order.length]
            elif isinstance(order, Claim):
                reply = Done(heads=target.claim(order.seen))
            else:
                target.close(order.node, order.sealed_ns, order.durable_before_ns)
        except StoreError as error:
            reply = Failed(error.kind, str(error))
        pipe.sendall(framed(encode(reply)))
        if isinstance(order, Close):
            return
        if isinstance(order, Commit):
            target.after_commit()


def open_target(told: Begin, parent: int) -> Target:
    """What batches are written to. Raises StoreError, OSError."""
    if told.kind == "file":
        return LogFile(Path(told.place), parent)
    from runline.store.postgres_target import PostgresTarget

    return PostgresTarget(told.place, told.name, told.number, replicas=told.replicas)


def main(number: str, parent: str, memory: str, size: str) -> None:
    """The program: hear where to write to and of which tables there will be rows, open that, say so, serve. It has inherited the
    lock on a file, and holds it until it ends."""
    with begin(number, parent) as pipe, suppress(BrokenPipeError, ConnectionResetError):
        message = receive(pipe)
        if message is None:
            return
        told = decode_begin(message)
        try:
            target = open_target(told, int(parent))
        except (StoreError, OSError) as error:
            pipe.sendall(framed(encode(Failed("transient", str(error)))))
            return
        pipe.sendall(framed(encode(Done())))
        try:
            with mmap.mmap(int(memory), int(size), prot=mmap.PROT_READ) as mapped, memoryview(mapped) as shared:
                serve(target, told.tables, pipe, shared)
        finally:
            target.abandon()


if __name__ == "__main__":
    main(*sys.argv[1:])
