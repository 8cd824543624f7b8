"""Spending: the time of a loop, given out by user, by branch of the tree and by book.

A branch is an agent right below the root with everything below it: whoever works there can make users and agents there, and gets
no more by it. Those who stand at the root are bounded as users, and as their book.

Rule: who has the most waits, or hears `busy`; who has nothing yet never does.
"""

import asyncio
from collections.abc import Callable

from runline.domain.messages import Rejected
from runline.sharing.limits import (
    BOOK_SHARE,
    BRANCH_SHARE,
    QUERIES_PER_USER_MAX,
    QUERY_NS,
    QUERY_WAIT_S_MAX,
    SPENDERS_MAX,
    SPENT_AHEAD_NS,
    USER_SHARE,
)
from runline.sharing.sharers import Branch, Sharer

BUSY = "Too much at once. Try again in a moment."


class Spending:
    """What queries and images have cost the loop, by user, branch and book, and who must wait for it.

    Each user may spend USER_SHARE of the loop's time, all of a branch BRANCH_SHARE, each book BOOK_SHARE,
    and a little ahead of it. Who has spent nothing lately is let in even where others have spent it all.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.users: dict[Sharer, int] = {}
        """Until when what a user has spent is paid for, in nanoseconds of `now_ns`."""
        self.branches: dict[Branch, int] = {}
        self.books: dict[str, int] = {}
        self.asking: dict[Sharer, int] = {}

    def waits_ns(self, user: Sharer, since_ns: int) -> int:
        """How long a user who waits since then must still wait before they may read: not for ever."""
        return min(self.owed_ns(user), since_ns + int(QUERY_WAIT_S_MAX * 1e9) - self.now_ns())

    async def begin(self, user: Sharer) -> None:
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

    def end(self, user: Sharer, spent_ns: int = -1) -> None:
        """A user has read for so long; -1 if they never began."""
        self.asking[user] -= 1
        if not self.asking[user]:
            del self.asking[user]
        if spent_ns >= 0:
            self.charge(user, spent_ns + QUERY_NS)

    def owed_ns(self, user: Sharer) -> int:
        """How long a user must wait before they may read."""
        now_ns = self.now_ns()
        user_ns = self.users.get(user, 0)
        if user_ns <= now_ns:
            return 0
        return max(user_ns, self.branches.get(user[:2], 0), self.books.get(user[0], 0)) - now_ns - SPENT_AHEAD_NS

    def charge(self, user: Sharer, spent_ns: int) -> None:
        """Count what somebody has cost."""
        now_ns = self.now_ns()
        if len(self.users) > SPENDERS_MAX:
            self.users = {one: until_ns for one, until_ns in self.users.items() if until_ns > now_ns}
            self.branches = {one: until_ns for one, until_ns in self.branches.items() if until_ns > now_ns}
            self.books = {one: until_ns for one, until_ns in self.books.items() if until_ns > now_ns}
        book, branch, _ = user
        self.users[user] = max(self.users.get(user, 0), now_ns) + int(spent_ns / USER_SHARE)
        if branch:
            self.branches[book, branch] = max(self.branches.get((book, branch), 0), now_ns) + int(
                spent_ns / BRANCH_SHARE
            )
        self.books[book] = max(self.books.get(book, 0), now_ns) + int(spent_ns / BOOK_SHARE)
