"""Places: the live streams that there can be are given out by user, by branch of the tree and by book.

A branch is an agent right below the root with everything below it: whoever works there can make users and agents there, and gets
no more by it. Those who stand at the root are bounded as users, and as their book.

Rule: who has the most hears `busy` or gives up a place; who has nothing yet never does.
"""

from runline.domain.messages import Rejected
from runline.live.limits import (
    STREAMS_MAX,
    STREAMS_OF_PLAYERS_MAX,
    STREAMS_PER_BOOK_MAX,
    STREAMS_PER_BRANCH_MAX,
    STREAMS_PER_PLAYER_MAX,
    STREAMS_PER_USER_MAX,
)
from runline.sharing.sharers import Branch, Sharer


class Streams:
    """How many live streams everyone has open."""

    def __init__(self) -> None:
        self.count = 0
        self.players = 0
        self.per_user: dict[Sharer, int] = {}
        self.per_player: dict[Sharer, int] = {}
        """The same of those who are players."""
        self.per_branch: dict[Branch, int] = {}
        self.per_book: dict[str, int] = {}

    def enter(self, user: Sharer, player: bool) -> Sharer | None:
        """Take a place; returns whose place it is if there was none free: one stream of theirs must end.

        Raises Rejected `busy`.
        """
        own = self.per_user.get(user, 0)
        if own >= (STREAMS_PER_PLAYER_MAX if player else STREAMS_PER_USER_MAX):
            raise Rejected("busy", "You have as many live streams open as one may.", most=own)
        most: Sharer | None = None
        if user[1] and self.per_branch.get(user[:2], 0) >= STREAMS_PER_BRANCH_MAX:
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
        self.per_branch[user[:2]] = self.per_branch.get(user[:2], 0) + 1
        self.per_book[user[0]] = self.per_book.get(user[0], 0) + 1
        return most

    def leave(self, user: Sharer, player: bool) -> None:
        """Give a place back."""
        self.count -= 1
        self.players -= player
        self.per_user[user] -= 1
        if player:
            self.per_player[user] -= 1
        if not self.per_user[user]:
            del self.per_user[user]
            self.per_player.pop(user, None)
        self.per_branch[user[:2]] -= 1
        if not self.per_branch[user[:2]]:
            del self.per_branch[user[:2]]
        self.per_book[user[0]] -= 1
        if not self.per_book[user[0]]:
            del self.per_book[user[0]]
