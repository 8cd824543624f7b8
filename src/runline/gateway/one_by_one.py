"""One by one: sign-ins of one user from one place are checked one after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

import msgspec

from runline.domain.messages import Rejected
from runline.gateway.limits import TRIES_WAITING_MAX


class OneByOne:
    """One after the other, by key: whoever guesses many at once learns no more than one by one, and whoever has the right
    password may give it many times at once."""

    def __init__(self) -> None:
        self.locks: dict[bytes, asyncio.Lock] = {}
        self.waiting: dict[bytes, int] = {}

    @asynccontextmanager
    async def of(self, key: bytes) -> AsyncIterator[None]:
        """Wait for the key's turn.

        Raises Rejected `busy`.
        """
        waiting = self.waiting.get(key, 0)
        if waiting >= TRIES_WAITING_MAX:
            raise Rejected("busy", "Too many sign-ins at once. Try again in a moment.")
        self.waiting[key] = waiting + 1
        try:
            async with self.locks.setdefault(key, asyncio.Lock()):
                yield
        finally:
            self.waiting[key] -= 1
            if not self.waiting[key]:
                del self.waiting[key], self.locks[key]


def digest_of(*parts: str) -> bytes:
    """A key of one length, whatever was sent."""
    return blake2b(msgspec.msgpack.encode(parts), digest_size=16).digest()
