"""Synchronous: the same client for who has no event loop.

Rule: nothing is decided here; each method runs the asynchronous one until it has its answer.
"""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from runline.client.answers import Executed, Page, RefusedError
from runline.client.asynchronous import AsyncClient
from runline.client.frames import Frame
from runline.client.typed import Happened, Preview, Rows, after
from runline.domain.messages import Command
from runline.domain.queries.declared import Asked

R = TypeVar("R")


class Client:
    """The API, synchronously: the same methods, each waiting for its answer. Not for use within a running event loop."""

    def __init__(self, address: str, token: str = "", *, deadline_s: float = 30.0) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(address, token, deadline_s=deadline_s)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.runner.run(self.client.close())
        self.runner.close()

    def sign_in(self, stream: str, user: str, password: str) -> str:
        """See AsyncClient."""
        return self.runner.run(self.client.sign_in(stream, user, password))

    def confirm(self, password: str) -> None:
        """See AsyncClient."""
        self.runner.run(self.client.confirm(password))

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """See AsyncClient."""
        return self.runner.run(self.client.post(path, **fields))

    def send(self, command: str, /, **fields: Any) -> Executed:
        """See AsyncClient."""
        return self.runner.run(self.client.send(command, **fields))

    def send_as(
        self,
        sent_as: str,
        command: str,
        fields: Mapping[str, Any],
        *,
        preview: bool = False,
        if_position: int | None = None,
    ) -> Executed:
        """See AsyncClient."""
        return self.runner.run(self.client.send_as(sent_as, command, fields, preview=preview, if_position=if_position))

    def send_all(self, commands: list[tuple[str, Mapping[str, Any]]]) -> list[Executed | RefusedError]:
        """See AsyncClient."""
        return self.runner.run(self.client.send_all(commands))

    def ask(self, query: str, /, **params: Any) -> Page:
        """See AsyncClient."""
        return self.runner.run(self.client.ask(query, **params))

    def do(self, command: Command, *, sent_as: str = "", if_position: int | None = None) -> Happened:
        """See AsyncClient."""
        return self.runner.run(self.client.do(command, sent_as=sent_as, if_position=if_position))

    def preview(self, command: Command) -> Preview:
        """See AsyncClient."""
        return self.runner.run(self.client.preview(command))

    def do_all(self, commands: Sequence[Command]) -> list[Happened | RefusedError]:
        """See AsyncClient."""
        return self.runner.run(self.client.do_all(commands))

    def new_id(self) -> str:
        """See AsyncClient."""
        return self.runner.run(self.client.new_id())

    def page(self, asked: Asked[R]) -> Rows[R]:
        """See AsyncClient."""
        return self.runner.run(self.client.page(asked))

    def rows(self, asked: Asked[R]) -> Iterator[R]:
        """See AsyncClient."""
        while True:
            page = self.page(asked)
            yield from page.items
            if not page.next:
                return
            asked = after(asked, page.next)

    def stream(self, *topics: str, last_id: str = "", node: str = "") -> Generator[Frame, None, None]:
        """See AsyncClient."""
        frames = self.client.stream(*topics, last_id=last_id, node=node)
        try:
            while True:
                try:
                    yield self.runner.run(next_frame(frames))
                except StopAsyncIteration:
                    return
        finally:
            self.runner.run(frames.aclose())


async def next_frame(frames: AsyncIterator[Frame]) -> Frame:
    return await anext(frames)
