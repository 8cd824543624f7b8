"""Connections: whose they are, and who gives one up when they become scarce.

Rule: who is not signed in is bounded by their address, who is signed in as a user. At a bound the oldest connection for whose
client the server waits makes room for the new one, so that silence keeps nobody out; a quarter of all is kept for the signed in.
"""

import resource
from itertools import islice
from typing import Protocol

from runline.gateway.limits import (
    ADDRESS_CONNECTIONS_MAX,
    BACKLOG,
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    CONNECTIONS_MAX,
    FILES_KEPT,
    KEEP_ALIVE_S,
    KEEP_ALIVE_SCARCE_S,
    USER_CONNECTIONS_MIN,
)

LOOKED_AT = 64
"""Connections that are looked at for one that can make room."""

User = tuple[str, str]
"""A stream and a user of it."""


class Held(Protocol):
    """A connection, as it is counted.

    counted: the name of its address, "" for an exempt one. user: who is signed in on it. waits: whether the server waits for its
    client.
    """

    counted: str
    user: User | None

    @property
    def waits(self) -> bool: ...

    def cut(self) -> None:
        """Close it at once."""


Crowd = dict[Held, None]
"""Connections, the oldest first."""


def raise_files() -> int:
    """Let this process have as many files as the system allows; how many that are."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else CONNECTIONS_MAX * 2


def connections_of(files: int) -> int:
    """How many connections a process with so many files may have. Those that have just come in have theirs already."""
    return min(CONNECTIONS_MAX, max(files - BACKLOG - FILES_KEPT, files // 2))


class Connections:
    """All connections of a server, and the bodies that wait on them. most: how many there may be."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.unsigned: Crowd = {}
        self.signed: Crowd = {}
        self.by_address: dict[str, Crowd] = {}
        self.by_user: dict[User, int] = {}
        self.body_bytes = 0
        self.body_bytes_of: dict[User | str, int] = {}

    @property
    def unsigned_most(self) -> int:
        """Connections of whoever is not signed in."""
        return self.most * 3 // 4

    @property
    def idle_s(self) -> float:
        """How long an idle connection is kept now."""
        return KEEP_ALIVE_S if 2 * (len(self.unsigned) + len(self.signed)) < self.most else KEEP_ALIVE_SCARCE_S

    def enter(self, held: Held) -> bool:
        """Count a new connection; false if there is no room for it."""
        mates = self.by_address.get(held.counted)
        if mates is not None and len(mates) >= ADDRESS_CONNECTIONS_MAX and not self.make_room(mates):
            return False
        if len(self.unsigned) >= self.unsigned_most and not self.make_room(self.unsigned):
            return False
        full = len(self.unsigned) + len(self.signed) >= self.most
        if full and not self.make_room(self.unsigned) and not self.make_room(self.signed):
            return False
        self.unsigned[held] = None
        if held.counted:
            self.by_address.setdefault(held.counted, {})[held] = None
        return True

    def leave(self, held: Held) -> None:
        """Count a connection no more."""
        if held.user is not None:
            if self.signed.pop(held, held) is None:
                self.count_down(held.user)
            held.user = None
        else:
            self.unsigned.pop(held, None)
            mates = self.by_address.get(held.counted)
            if mates is not None:
                mates.pop(held, None)
                if not mates:
                    del self.by_address[held.counted]

    def count_down(self, user: User) -> None:
        self.by_user[user] -= 1
        if not self.by_user[user]:
            del self.by_user[user]

    def sign_in(self, held: Held, user: User) -> bool:
        """Count a connection as this user's; false if they have too many.

        Half of what nobody else has may be one user's (a screen wall is one user), so that there is always as much left.
        """
        if self.by_user.get(user, 0) >= max(USER_CONNECTIONS_MIN, self.most - len(self.signed)):
            return False
        self.leave(held)
        held.user = user
        self.signed[held] = None
        self.by_user[user] = self.by_user.get(user, 0) + 1
        return True

    def hand_over(self, held: Held, counted: str) -> bool:
        """Count a proxy's connection as that of the address for which it has its next request; false if that has too many."""
        self.leave(held)
        held.counted = counted
        return self.enter(held)

    def make_room(self, crowd: Crowd) -> bool:
        """Close the oldest of these for whose client the server waits; false if there is none among the first."""
        for held in list(islice(crowd, LOOKED_AT)):
            if held.waits:
                self.leave(held)
                held.cut()
                return True
            del crowd[held]
            crowd[held] = None
        return False

    # Bodies

    def hold(self, owner: User | str, count: int) -> bool:
        """Count bytes of a body that waits; false if that is too much for its owner or in all.

        A quarter of what is free may be one owner's, so that there is always as much left.
        """
        own = self.body_bytes_of.get(owner, 0) + count
        most = max(BODY_BYTES_MAX, (BODIES_BYTES_MAX - self.body_bytes) // 4)
        if self.body_bytes + count > BODIES_BYTES_MAX or (owner and own > most):
            return False
        self.body_bytes += count
        self.body_bytes_of[owner] = own
        return True

    def let_go(self, owner: User | str, count: int) -> None:
        """The body is not kept any more."""
        self.body_bytes -= count
        self.body_bytes_of[owner] -= count
        if not self.body_bytes_of[owner]:
            del self.body_bytes_of[owner]
