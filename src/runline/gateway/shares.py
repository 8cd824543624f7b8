"""Shares: what everyone shares is given out by user, by part of the tree and by book.

A part is an agent right below the root with everything below it: whoever works there can make users and agents there, and gets
no more by it. Those who stand at the root are bounded as users, and as their book.

Rule: who has the most waits, hears `busy` or gives up a place; who has nothing yet never does. Nobody reads for long while
others wait for the loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from runline.domain.messages import Rejected
from runline.engine.lanes import part_of
from runline.gateway.limits import (
    BOOK_SHARE,
    PART_SHARE,
    QUERIES_PER_USER_MAX,
    QUERY_NS,
    QUERY_WAIT_S_MAX,
    SPENDERS_MAX,
    SPENT_AHEAD_NS,
    STREAMS_MAX,
    STREAMS_OF_PLAYERS_MAX,
    STREAMS_PER_BOOK_MAX,
    STREAMS_PER_PART_MAX,
    STREAMS_PER_PLAYER_MAX,
    STREAMS_PER_USER_MAX,
    TURN_NS,
    TURNS_AT_ONCE,
    USER_SHARE,
)
from runline.gateway.rounds import Rounds

User = tuple[str, str, str]
"""A stream, the part of its tree in which a user stands ("" for the root), and the user."""

Part = tuple[str, str]
"""A stream, and a part of its tree."""


def user_of(state: Any, name: str) -> User:
    """Somebody as they count here."""
    return state.stream, part_of(state, name), name


BUSY = "Too much at once. Try again in a moment."


class Turns(Rounds):
    """Who reads what is long takes turns: after TURN_NS, all together, everything else on the loop has its turn."""

    def __init__(self) -> None:
        super().__init__(TURN_NS)
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait for a turn."""
        if self.over or self.waiting:
            await self.wait(self.waiting.append)
            while self.over:
                await self.wait(self.waiting.appendleft)

    async def wait(self, line_up: Callable[[asyncio.Future[None]], None]) -> None:
        """Wait to be let in."""
        mine = asyncio.get_running_loop().create_future()
        line_up(mine)
        self.plan()
        await mine

    def serve(self) -> bool:
        let_in = 0
        while self.waiting and let_in < TURNS_AT_ONCE:
            mine = self.waiting.popleft()
            if not mine.done():
                mine.set_result(None)
                let_in += 1
        return bool(self.waiting)


class Spending:
    """What queries and images have cost the loop, by user, node and book, and who must wait for it.

    Each user may spend USER_SHARE of the loop's time, all of a part PART_SHARE, each book BOOK_SHARE,
    and a little ahead of it. Who has spent nothing lately is let in even where others have spent it all.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.users: dict[User, int] = {}
        """Until when what a user has spent is paid for, in nanoseconds of `now_ns`."""
        self.parts: dict[Part, int] = {}
        self.books: dict[str, int] = {}
        self.asking: dict[User, int] = {}

    async def wait(self, user: User) -> None:
        """Wait until a user may read, but not for ever."""
        until_ns = self.now_ns() + int(QUERY_WAIT_S_MAX * 1e9)
        while (owed_ns := min(self.owed_ns(user), until_ns - self.now_ns())) > 0:  # noqa: ASYNC110
            await asyncio.sleep(owed_ns / 1e9)

    async def begin(self, user: User) -> None:
        """Wait until a user may read; `end` must follow.

        Raises Rejected `busy`.
        """
        asking = self.asking.get(user, 0)
        if asking >= QUERIES_PER_USER_MAX:
            raise Rejected("busy", BUSY)
        self.asking[user] = asking + 1
        until_ns = self.now_ns() + int(QUERY_WAIT_S_MAX * 1e9)
        try:
            while (owed_ns := self.owed_ns(user)) > 0:
                if self.now_ns() + owed_ns > until_ns:
                    raise Rejected("busy", BUSY)
                await asyncio.sleep(owed_ns / 1e9)
        except BaseException:
            self.end(user)
            raise

    def end(self, user: User, spent_ns: int = -1) -> None:
        """A user has read for so long; -1 if they never began."""
        self.asking[user] -= 1
        if not self.asking[user]:
            del self.asking[user]
        if spent_ns >= 0:
            self.charge(user, spent_ns + QUERY_NS)

    def owed_ns(self, user: User) -> int:
        """How long a user must wait before they may read."""
        now_ns = self.now_ns()
        user_ns = self.users.get(user, 0)
        if user_ns <= now_ns:
            return 0
        return max(user_ns, self.parts.get(user[:2], 0), self.books.get(user[0], 0)) - now_ns - SPENT_AHEAD_NS

    def charge(self, user: User, spent_ns: int) -> None:
        """Count what somebody has cost."""
        now_ns = self.now_ns()
        if len(self.users) > SPENDERS_MAX:
            self.users = {one: until_ns for one, until_ns in self.users.items() if until_ns > now_ns}
            self.parts = {one: until_ns for one, until_ns in self.parts.items() if until_ns > now_ns}
            self.books = {one: until_ns for one, until_ns in self.books.items() if until_ns > now_ns}
        book, part, _ = user
        self.users[user] = max(self.users.get(user, 0), now_ns) + int(spent_ns / USER_SHARE)
        if part:
            self.parts[book, part] = max(self.parts.get((book, part), 0), now_ns) + int(spent_ns / PART_SHARE)
        self.books[book] = max(self.books.get(book, 0), now_ns) + int(spent_ns / BOOK_SHARE)


class Streams:
    """How many live streams everyone has open."""

    def __init__(self) -> None:
        self.count = 0
        self.players = 0
        self.per_user: dict[User, int] = {}
        self.per_player: dict[User, int] = {}
        """The same of those who are players."""
        self.per_part: dict[Part, int] = {}
        self.per_book: dict[str, int] = {}

    def enter(self, user: User, player: bool) -> User | None:
        """Take a place; returns whose place it is if there was none free: one stream of theirs must end.

        Raises Rejected `busy`.
        """
        own = self.per_user.get(user, 0)
        if own >= (STREAMS_PER_PLAYER_MAX if player else STREAMS_PER_USER_MAX):
            raise Rejected("busy", "You have as many live streams open as one may.", most=own)
        most: User | None = None
        if user[1] and self.per_part.get(user[:2], 0) >= STREAMS_PER_PART_MAX:
            most = max((one for one in self.per_user if one[:2] == user[:2]), key=self.per_user.__getitem__)
        elif self.per_book.get(user[0], 0) >= STREAMS_PER_BOOK_MAX:
            most = max((one for one in self.per_user if one[0] == user[0]), key=self.per_user.__getitem__)
        elif player and self.players >= STREAMS_OF_PLAYERS_MAX:
            most = max(self.per_player, key=self.per_player.__getitem__)
        elif self.count >= STREAMS_MAX:
            most = max(self.per_user, key=self.per_user.__getitem__)
        if most is not None and self.per_user[most] <= own + 1:
            raise Rejected("busy", "Too many live streams. Try again in a moment.")
        self.count += 1
        self.players += player
        self.per_user[user] = own + 1
        if player:
            self.per_player[user] = own + 1
        self.per_part[user[:2]] = self.per_part.get(user[:2], 0) + 1
        self.per_book[user[0]] = self.per_book.get(user[0], 0) + 1
        return most

    def leave(self, user: User, player: bool) -> None:
        """Give a place back."""
        self.count -= 1
        self.players -= player
        self.per_user[user] -= 1
        if player:
            self.per_player[user] -= 1
        if not self.per_user[user]:
            del self.per_user[user]
            self.per_player.pop(user, None)
        self.per_part[user[:2]] -= 1
        if not self.per_part[user[:2]]:
            del self.per_part[user[:2]]
        self.per_book[user[0]] -= 1
        if not self.per_book[user[0]]:
            del self.per_book[user[0]]
