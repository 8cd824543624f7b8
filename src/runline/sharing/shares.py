"""Shares: places that are given out to the users of streams, so that whoever has none finds one.

Rule: a stream may have as many places as it leaves free, a branch of its tree as many as its stream may still have, and a user
as many as their branch may still have (those who stand at the root: as their stream). The larger the crowd, the smaller the share
of each in it, and there is always as much left for all others.
"""

from runline.sharing.sharers import Sharer

Whole = tuple[str, ...]
"""A stream, a branch of its tree, or a user."""


def wholes_of(sharer: Sharer) -> tuple[Whole, ...]:
    """What a user's places count as: the stream's, the branch's (below the root), and their own."""
    stream, branch, _ = sharer
    return ((stream,), (stream, branch), sharer) if branch else ((stream,), sharer)


class Shares:
    """Who has how many of the places that there are. most: how many there are."""

    def __init__(self, most: int) -> None:
        self.free = most
        self.held: dict[Whole, int] = {}

    def take(self, sharer: Sharer, count: int) -> bool:
        """Take places; false if that is more than the sharer may have. Runline itself (user "") may have all that are free."""
        if not sharer[2]:
            if count > self.free:
                return False
            self.free -= count
            return True
        held, left, wholes = self.held, self.free, wholes_of(sharer)
        for whole in wholes:
            left -= held.get(whole, 0)
        if count > left:
            return False
        self.free -= count
        for whole in wholes:
            held[whole] = held.get(whole, 0) + count
        return True

    def give_back(self, sharer: Sharer, count: int) -> None:
        """Give places back."""
        self.free += count
        if not sharer[2]:
            return
        held = self.held
        for whole in wholes_of(sharer):
            left = held[whole] - count
            if left:
                held[whole] = left
            else:
                del held[whole]
