"""Tries: how often a wrong password was given, from where and for whom; whoever guesses waits.

Rule: nobody outside can make anybody else wait. Tries are counted by address and user, so that a guesser delays only who sits at
the same address; a device from which the user has signed in before is counted by itself. Only strange devices, all together, have
a bound for each user, so that guessing from many addresses has one too.

Rule: unknown users are counted like known ones, so that nothing can be learned from waiting.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

import msgspec

from runline.domain.messages import Rejected
from runline.gateway.limits import (
    FREE_FAILURES,
    RETRY_DELAY_NS_MAX,
    STRANGE_FAILURES_MAX,
    TRIES_NS,
    TRIES_REMEMBERED_MAX,
    TRIES_WAITING_MAX,
)

SECOND_NS = 10**9


class Count(msgspec.Struct):
    """Wrong passwords in a row, or within TRIES_NS. retry_ns: no try before. until_ns: when it is forgotten."""

    failures: int = 0
    retry_ns: int = 0
    until_ns: int = 0


class Counts:
    """Counts by what they are of; the one changed longest ago is forgotten when there are too many."""

    def __init__(self) -> None:
        self.known: OrderedDict[bytes, Count] = OrderedDict()

    def of(self, key: bytes, now_ns: int) -> Count:
        """The count of a key; it is remembered from now on."""
        count = self.known.pop(key, None)
        if count is None or not count.until_ns - TRIES_NS <= now_ns < count.until_ns:
            # It is over, or the clock was set back since: nobody waits for what a wrong clock has said.
            count = Count(until_ns=now_ns + TRIES_NS)
        self.known[key] = count
        if len(self.known) > TRIES_REMEMBERED_MAX:
            self.known.popitem(last=False)
        return count

    def forget(self, key: bytes) -> None:
        """Begin anew."""
        self.known.pop(key, None)


class Try(msgspec.Struct):
    """A password that is being checked; it counts as wrong until it turns out otherwise.

    failures: wrong ones for this user within TRIES_NS, this one included.
    """

    place: bytes
    user: bytes
    strange: bool
    failures: int


class Tries:
    """Who has tried, and who must wait. (In memory: a restart forgets it.)"""

    def __init__(self) -> None:
        self.places = Counts()
        self.strange = Counts()
        self.users = Counts()

    def begin(self, place: bytes, whose: bytes, strange_device: bool, now_ns: int) -> Try:
        """Count a try. place, whose: digests of from where, and for which user.

        Raises Rejected `sign_in_delayed`.
        """
        here = self.places.of(place, now_ns)
        strange = self.strange.of(whose, now_ns) if strange_device else Count()
        require_time(here.retry_ns, now_ns)
        if strange.failures >= STRANGE_FAILURES_MAX:
            require_time(strange.until_ns, now_ns)
        here.failures += 1
        here.retry_ns = now_ns + retry_delay_ns(here.failures)
        here.until_ns = now_ns + TRIES_NS
        strange.failures += 1
        all_together = self.users.of(whose, now_ns)
        all_together.failures += 1
        return Try(place, whose, strange_device, all_together.failures)

    def right(self, tried: Try) -> None:
        """It was the right password."""
        self.places.forget(tried.place)
        self.take_back(tried)

    def unknown(self, tried: Try) -> None:
        """It could not be checked: it does not count."""
        here = self.places.known.get(tried.place)
        if here is not None:
            here.failures -= 1
            here.retry_ns = 0
        self.take_back(tried)

    def take_back(self, tried: Try) -> None:
        """This try is no failure of its user."""
        for counts in (self.strange, self.users) if tried.strange else (self.users,):
            count = counts.known.get(tried.user)
            if count is not None:
                count.failures -= 1


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


def require_time(retry_ns: int, now_ns: int) -> None:
    """Refuse a try that comes too early. Raises Rejected `sign_in_delayed`."""
    if now_ns < retry_ns:
        raise Rejected("sign_in_delayed", "Too many wrong passwords. Try again later.", retry_ns=retry_ns)


def retry_delay_ns(failures: int) -> int:
    """None for the first failures, then a second, doubled each time, up to RETRY_DELAY_NS_MAX."""
    if failures <= FREE_FAILURES:
        return 0
    return min(SECOND_NS << min(failures - FREE_FAILURES - 1, 32), RETRY_DELAY_NS_MAX)


def digest_of(*parts: str) -> bytes:
    """A key of one length, whatever was sent."""
    return blake2b(msgspec.msgpack.encode(parts), digest_size=16).digest()
