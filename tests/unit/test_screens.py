"""Screens: frames leave a connection in their order, whichever of them could be written at once."""

import asyncio

from runline.gateway.screens import Screen, chunk_of, push_to


class Client:
    """Whoever reads a screen, or does not."""

    def __init__(self) -> None:
        self.reads = True
        self.chunks: list[bytes] = []

    def write(self, chunk: bytes) -> bool:
        """Take a chunk at once, if they read."""
        if self.reads:
            self.chunks.append(chunk)
        return self.reads


async def waiting(screen: Screen, client: Client) -> "asyncio.Task[bytes]":
    """The connection's task, which waits for what cannot be written at once."""
    task = asyncio.create_task(screen.next(client.write))
    await asyncio.sleep(0)
    return task


def test_a_frame_does_not_overtake_one_that_waits():
    async def main():
        screen, client = Screen("b1", 1, ("wagers",)), Client()
        task = await waiting(screen, client)
        await push_to([screen], b"first;")
        client.reads = False
        await push_to([screen], b"second;")
        client.reads = True
        await push_to([screen], b"third;")
        screen.push(b"fourth;", chunk_of(b"fourth;"))
        assert client.chunks == [chunk_of(b"first;")]
        assert await task == b"second;third;fourth;"
        await push_to([screen], b"fifth;")
        assert screen.backlog == [b"fifth;"]
        assert await screen.next(client.write) == b"fifth;"
        task = await waiting(screen, client)
        await push_to([screen], b"sixth;")
        assert client.chunks == [chunk_of(b"first;"), chunk_of(b"sixth;")]
        screen.close()
        assert await task == b""

    asyncio.run(main())


def test_nothing_follows_a_reset():
    async def main():
        screen, client = Screen("b1", 1, ("wagers",)), Client()
        task = await waiting(screen, client)
        screen.reset("revoked")
        await push_to([screen], b"more;")
        screen.push(b"more;", chunk_of(b"more;"))
        assert client.chunks == [chunk_of(b'event: reset\ndata: {"reason":"revoked"}\n\n')]
        assert await task == b""
        assert screen.backlog == []

    asyncio.run(main())


def test_a_reset_comes_behind_what_waits():
    async def main():
        screen, client = Screen("b1", 1, ("wagers",)), Client()
        task = await waiting(screen, client)
        client.reads = False
        await push_to([screen], b"first;")
        client.reads = True
        screen.reset("revoked")
        assert client.chunks == []
        assert await task == b'first;event: reset\ndata: {"reason":"revoked"}\n\n'

    asyncio.run(main())
