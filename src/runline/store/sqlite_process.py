"""The committer process: SQLite on a second core, fed with sealed batches.

Rule: the engine's loop only hands over bytes; the file is written by the child alone, one batch after another. The child
ends when the engine's process does. If the child ends first, whether its last batch is stored is read from the heads.

A batch lies in memory that both share, and only its length goes down the line: a batch of half a megabyte through a socket
would cost the loop two copies and several wake-ups.
"""

import asyncio
import logging
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import apsw
import msgspec

from runline.domain.invariants import check
from runline.engine.limits import BATCH_BYTES_MAX, COMMAND_LOG_BYTES_MAX
from runline.engine.ports import Head, Sealed, StoreError
from runline.store.batches import BatchTimes
from runline.store.checkpoints import Checkpointer
from runline.store.sqlite import (
    FileLock,
    SqliteReader,
    claim_stream,
    close_log,
    migrate,
    open_connection,
    write_batch,
)

log = logging.getLogger("runline.store")

LENGTH = struct.Struct("<I")

SHARED_BYTES = 32 * 2**20
"""The memory that both share. A batch that takes more (its rows may be larger than its events) goes over in pieces."""

check(2 * (BATCH_BYTES_MAX + COMMAND_LOG_BYTES_MAX) < SHARED_BYTES, "a full batch and its rows go over at once")

READY_S = 30.0
"""How long the child may take to open the file."""

END_S = 10.0
"""How long the child may take to end, once it is told to or its line is cut."""


class Claim(msgspec.Struct, tag=True):
    """Become the owner of a stream."""

    stream: str


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
    """Note the last batch's time and end."""

    node: str
    sealed_ns: int
    durable_before_ns: int


class Done(msgspec.Struct, tag=True):
    """It is done. fenced: the streams that were left out."""

    fenced: list[str] = []


class Failed(msgspec.Struct, tag=True):
    """It is not done: a StoreError."""

    kind: str
    message: str


encode = msgspec.msgpack.Encoder().encode
decode_sealed = msgspec.msgpack.Decoder(Sealed).decode
decode_order = msgspec.msgpack.Decoder(Claim | Piece | Commit | Close).decode
decode_reply = msgspec.msgpack.Decoder(Done | Failed).decode


def framed(message: bytes) -> bytes:
    return LENGTH.pack(len(message)) + message


class Replies(asyncio.Protocol):
    """The engine's end of the line to the child: replies come in the order of the orders."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.waiting: deque[asyncio.Future[Done | Failed]] = deque()
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.received += data
        while len(self.received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.received)
            end = LENGTH.size + length
            if len(self.received) < end:
                return
            reply = decode_reply(self.received[LENGTH.size : end])
            del self.received[:end]
            waiting = self.waiting.popleft()
            if not waiting.done():
                waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        while self.waiting:
            waiting = self.waiting.popleft()
            if not waiting.done():
                waiting.set_result(Failed("lost", "the committer process has ended"))

    def send(self, order: bytes) -> asyncio.Future[Done | Failed]:
        """Send an order; the future has its reply."""
        reply: asyncio.Future[Done | Failed] = asyncio.get_running_loop().create_future()
        if self.transport is None:
            reply.set_result(Failed("lost", "the committer process has ended"))
        else:
            self.waiting.append(reply)
            self.transport.write(framed(order))
        return reply


class SqliteProcessStore(SqliteReader):
    """Reads in this process, commits in another."""

    beside = True

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(path)
        try:
            connection = open_connection(path, writing=True)
            migrate(connection, path)
            super().__init__(open_connection(path, writing=False))
            connection.close()
        except StoreError:
            self.lock.release()
            raise
        self.memory = os.memfd_create("runline-batches")
        os.ftruncate(self.memory, SHARED_BYTES)
        self.shared = mmap.mmap(self.memory, SHARED_BYTES)
        self.child: subprocess.Popen[bytes] | None = None
        self.replies: Replies | None = None

    async def order(self, order: Claim | Piece | Commit | Close) -> Done:
        """Have the child do something, starting it if it does not run."""
        if self.replies is None or self.replies.transport is None:
            await self.spawn()
        assert self.replies is not None
        reply = await self.replies.send(encode(order))
        if isinstance(reply, Failed):
            raise StoreError(reply.kind, reply.message)  # type: ignore[arg-type]
        return reply

    async def spawn(self) -> None:
        """Start the child and wait until it has opened the file."""
        self.reap()
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            # Starting it blocks the loop for some milliseconds, once, before anything is served.
            self.child = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-m", "runline.store.sqlite_process", str(self.path), str(number), str(self.memory)],
                pass_fds=[number, self.memory],
                stdin=subprocess.DEVNULL,
            )
        ours.setblocking(False)
        ready: asyncio.Future[Done | Failed] = asyncio.get_running_loop().create_future()
        self.replies = replies = Replies()
        replies.waiting.append(ready)
        await asyncio.get_running_loop().create_connection(lambda: replies, sock=ours)
        try:
            reply = await asyncio.wait_for(ready, READY_S)
        except TimeoutError:
            reply = Failed("transient", f"the committer process has not opened {self.path} within {READY_S:g} s")
        if isinstance(reply, Failed):
            self.reap()
            raise StoreError("transient", reply.message)

    def reap(self) -> None:
        """Take leave of a child that has ended, or must: it ends with the line."""
        replies, self.replies = self.replies, None
        if replies is not None and replies.transport is not None:
            replies.transport.abort()
            replies.transport = None
        child, self.child = self.child, None
        if child is None:
            return
        try:
            child.wait(END_S)
        except subprocess.TimeoutExpired:
            log.error("the committer process does not end and is killed")
            child.kill()
            child.wait()

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        try:
            batch = encode(sealed)
        except (OverflowError, TypeError, ValueError) as error:
            raise StoreError("row", f"{type(error).__name__}: {error}") from error
        start = 0
        while len(batch) - start > SHARED_BYTES:
            self.shared[:] = batch[start : start + SHARED_BYTES]
            await self.order(Piece(start, SHARED_BYTES))
            start += SHARED_BYTES
        length = len(batch) - start
        self.shared[:length] = batch[start:]
        return frozenset((await self.order(Commit(length, start))).fenced)

    async def claim(self, stream: str) -> Head:
        await self.order(Claim(stream))
        return self.head(stream)

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        try:
            if self.replies is not None and self.replies.transport is not None:
                await self.order(Close(node, sealed_ns, durable_before_ns))
        except StoreError as error:
            # A child that has ended has nothing left to close; only the last batch's time is not noted.
            if error.kind != "lost":
                raise
        finally:
            self.reap()
            self.connection.close()
            self.shared.close()
            os.close(self.memory)
            self.lock.release()


def receive(line: socket.socket, size: int) -> bytes | None:
    """Exactly this many bytes, or None at the line's end."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        count = line.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return bytes(buffer)


def serve(connection: apsw.Connection, checkpointer: Checkpointer, line: socket.socket, shared: memoryview) -> None:
    """Do what comes down the line until it ends."""
    times = BatchTimes()
    pieces = bytearray()
    while True:
        header = receive(line, LENGTH.size)
        message = receive(line, LENGTH.unpack(header)[0]) if header else None
        if message is None:
            return
        reply: Done | Failed = Done()
        order = decode_order(message)
        try:
            if isinstance(order, Commit):
                batch = (
                    b"".join((pieces[: order.start], shared[: order.length])) if order.start else shared[: order.length]
                )
                reply = Done(sorted(write_batch(connection, decode_sealed(batch), times)))
                pieces.clear()
            elif isinstance(order, Piece):
                pieces[order.start :] = shared[: order.length]
            elif isinstance(order, Claim):
                claim_stream(connection, order.stream)
            else:
                checkpointer.close()
                close_log(connection, order.node, order.sealed_ns, order.durable_before_ns)
        except StoreError as error:
            reply = Failed(error.kind, str(error))
        line.sendall(framed(encode(reply)))
        if isinstance(order, Close):
            return
        if isinstance(order, Commit):
            checkpointer.after_commit()


def main(path: str, number: str, memory: str) -> None:
    """The child: open the file, say so, serve."""
    # The engine decides when to end; a Ctrl-C on the terminal reaches the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(number)) as line:
        try:
            connection, beside = (open_connection(Path(path), writing=True) for _ in range(2))
        except StoreError as error:
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(framed(encode(Failed(error.kind, str(error)))))
            return
        try:
            line.sendall(framed(encode(Done())))
            with mmap.mmap(int(memory), SHARED_BYTES, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as shared:
                serve(connection, Checkpointer(connection, beside), line, shared)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
