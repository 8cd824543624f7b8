"""Heads: where logs end, as it is stored, read once for all who want to know it at the same time."""

import asyncio

from runline.engine.ports import Head, Reading


class Heads:
    """The heads in a store. next: the reading that has not begun; wanted: of which streams."""

    def __init__(self, store: Reading) -> None:
        self.store = store
        self.reading = asyncio.Lock()
        self.next: asyncio.Task[dict[str, Head]] | None = None
        self.wanted: dict[str, None] = {}

    async def now(self, stream: str) -> Head | None:
        """The head of a stream, as it is now or a little later: never as it was. Raises StoreError."""
        self.wanted[stream] = None
        if self.next is None:
            self.next = asyncio.create_task(self.read())
            self.next.add_done_callback(heard)
        return (await asyncio.shield(self.next)).get(stream)

    async def read(self) -> dict[str, Head]:
        async with self.reading:
            # Who comes from here on waits for the one after this.
            self.next = None
            wanted, self.wanted = self.wanted, {}
            return await self.store.heads(wanted)


def heard(reading: "asyncio.Task[dict[str, Head]]") -> None:
    """What came of a reading is known, also where nobody waits for it any more."""
    if not reading.cancelled():
        reading.exception()
