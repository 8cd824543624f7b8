"""The committer, as a program of its own: it writes sealed batches into the file, one after the other, until its pipe ends."""

import mmap
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from runline.engine.ports import Sealed, StoreError
from runline.helpers import begin, framed, receive
from runline.store.log_file import LogFile
from runline.store.tables import Tables


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
    """Note the last batch's time and stop cleanly."""

    node: str
    sealed_ns: int
    durable_before_ns: int


class Done(msgspec.Struct, tag=True):
    """It is done. fenced: the streams that were left out. overgrown_pages: of the WAL, if it is beyond its bound.
    unmarked: why the mark cannot be written, or ""."""

    fenced: list[str] = []
    overgrown_pages: int = 0
    unmarked: str = ""


class Failed(msgspec.Struct, tag=True):
    """It is not done: a StoreError."""

    kind: str
    message: str


encode = msgspec.msgpack.Encoder().encode
decode_sealed = msgspec.msgpack.Decoder(Sealed).decode
decode_tables = msgspec.msgpack.Decoder(Tables).decode
decode_order = msgspec.msgpack.Decoder(Claim | Piece | Commit | Close).decode
decode_reply = msgspec.msgpack.Decoder(Done | Failed).decode


def serve(file: LogFile, tables: Tables, pipe: socket.socket, shared: memoryview) -> None:
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
                fenced = file.commit(decode_sealed(batch), tables)
                pieces.clear()
                reply = Done(sorted(fenced), file.checkpointer.overgrown_pages, file.mark.failure)
            elif isinstance(order, Piece):
                pieces[order.start :] = shared[: order.length]
            elif isinstance(order, Claim):
                file.claim(order.stream)
            else:
                file.close(order.node, order.sealed_ns, order.durable_before_ns)
        except StoreError as error:
            reply = Failed(error.kind, str(error))
        pipe.sendall(framed(encode(reply)))
        if isinstance(order, Close):
            return
        if isinstance(order, Commit):
            file.after_commit()


def main(number: str, parent: str, path: str, memory: str, size: str) -> None:
    """The program: hear of which tables there will be rows, open the file, say so, serve. It has inherited the lock on the file,
    and holds it until it ends."""
    with begin(number, parent) as pipe, suppress(BrokenPipeError, ConnectionResetError):
        message = receive(pipe)
        if message is None:
            return
        tables = decode_tables(message)
        try:
            file = LogFile(Path(path), int(parent))
        except (StoreError, OSError) as error:
            pipe.sendall(framed(encode(Failed("transient", str(error)))))
            return
        pipe.sendall(framed(encode(Done())))
        try:
            with mmap.mmap(int(memory), int(size), prot=mmap.PROT_READ) as mapped, memoryview(mapped) as shared:
                serve(file, tables, pipe, shared)
        finally:
            file.abandon()


if __name__ == "__main__":
    main(*sys.argv[1:])
