"""Bench `hubs`: a thousand books, each with one screen, come back after a crash.

Floor: as many connections that only ask who they are.
"""

import asyncio
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.evaluate.bench.house import Board, book_name, open_books
from runline.evaluate.bench.load import OWNER
from runline.evaluate.bench.result import resident_bytes
from runline.evaluate.bench.served import Served, serve_command, serving
from runline.evaluate.bench.watched import begin_session
from runline.gateway.server import listen
from runline.gateway.tokens import new_token, session_name

AT_ONCE = 100
"""Sessions that begin together."""

STREAM = "/v1/stream?topics=wagers,lines,figures,notifications"
WHO = "/v1/me"


class BookScreen(asyncio.Protocol):
    """A connection that follows its book, or asks for something else. last_id: of its last frame."""

    def __init__(self, server: Served, path: str, token: str, last_id: str) -> None:
        resume = f"last-event-id: {last_id}\r\n" if last_id else ""
        self.request = (
            f"GET {path} HTTP/1.1\r\nhost: {server.address}\r\nauthorization: Bearer {token}\r\n{resume}\r\n"
        ).encode()
        self.follows = path == STREAM
        self.live: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.received = b""
        self.last_id = last_id
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.live.done():
            return
        self.received += data
        if b"\nevent: image" in self.received or b"\nevent: delta" in self.received:
            self.last_id = self.received.partition(b"\nid: ")[2].partition(b"\n")[0].decode()
            self.live.set_result(self.received)
        elif not self.follows and self.received.endswith(b"}"):
            self.live.set_result(self.received)
        elif not self.received.startswith(b"HTTP/1.1 200"):
            self.live.set_exception(RuntimeError(f"a screen was refused: {self.received[:200]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.live.done():
            self.live.set_exception(RuntimeError("a screen was cut"))


async def open_screens(
    server: Served, tokens: dict[str, str], last_ids: dict[str, str], path: str = STREAM
) -> dict[str, BookScreen]:
    """A screen for each book, live."""
    loop = asyncio.get_running_loop()
    screens: dict[str, BookScreen] = {}
    for book, token in tokens.items():
        _, screens[book] = await loop.create_connection(
            lambda token=token, book=book: BookScreen(server, path, token, last_ids.get(book, "")),  # type: ignore[misc]
            *server.host,
        )
    await asyncio.gather(*(screen.live for screen in screens.values()))
    return screens


async def prepare(path: Path, books: int, moves: int) -> dict[str, str]:
    """A house with a long log, and books whose owners are signed in: their tokens."""
    tokens: dict[str, str] = {}
    async with running_engine(open_store(StoreSettings(path, "inline"))) as (_, bus):
        await open_books(bus, books)
        await Board(bus).move(moves)
        names = [book_name(number) for number in range(books)]
        tokens |= {book: new_token(book, os.urandom) for book in names}
        for first in range(0, books, AT_ONCE):
            some = names[first : first + AT_ONCE]
            await asyncio.gather(*(begin_session(bus, book, OWNER, session_name(tokens[book])) for book in some))
    return tokens


async def bench_hubs(folder: Path, *, books: int, moves: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor): kill -9 of the server, a new one on the same port, until every book's screen is live again.

    live_s: from when the server is ready again. memory_mib: what it has more with all of them than before the first.
    """
    path = folder / "hubs.db"
    tokens = await prepare(path, books, moves)
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
    command = serve_command(path, "process", port)
    async with serving(command) as server:
        screens = await open_screens(server, tokens, {})
        last_ids = {book: screen.last_id for book, screen in screens.items()}
        server.kill()
        again = Served(command, None)
        try:
            await asyncio.to_thread(again.wait_until_ready)
            asked_s = await timed(open_screens(again, tokens, {}, WHO))
            before = resident_bytes(again.child.pid)
            live_s = await timed(open_screens(again, tokens, last_ids))
            grown_mib = (resident_bytes(again.child.pid) - before) / 2**20
        finally:
            again.stop()
    return {"live_s": live_s, "memory_mib": grown_mib, "books": float(books)}, {"live_s": asked_s}


async def timed(opening: Coroutine[Any, Any, dict[str, BookScreen]]) -> float:
    """Seconds until connections have what they ask for. They stay open."""
    began = time.perf_counter()
    await opening
    return time.perf_counter() - began
