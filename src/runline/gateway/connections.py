"""Connections: whose they are, and who gives one up when they become scarce.

Rule: who is not signed in is bounded by their address, who is signed in as a user, as a branch and as a book: a branch or a
book may have as many as it leaves free. At a bound the oldest connection for whose client the server waits makes room for the
new one, so that silence keeps nobody out; a quarter of all is kept for the signed in.
"""

import resource
from itertools import islice
from typing import Protocol

from runline.gateway.limits import (
    ADDRESS_CONNECTIONS_MAX,
    ADDRESS_OPENED_MAX,
    BACKLOG,
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    CONNECTIONS_MAX,
    FILES_KEPT,
    KEEP_ALIVE_S,
    KEEP_ALIVE_SCARCE_S,
    LOOKED_AT,
    USER_CONNECTIONS_MAX,
    USER_CONNECTIONS_MIN,
)
from runline.live.limits import STREAMS_PER_USER_MAX
from runline.sharing.sharers import Sharer

SECOND_NS = 10**9

Holder = Sharer | str
"""Whose something is counted as: a user, or an address."""

Whole = tuple[str, ...]
"""What a user belongs to: a stream with a branch of its tree, and a stream."""


def wholes_of(holder: Holder) -> tuple[Whole, ...]:
    """What a user belongs to; an address, nothing."""
    if isinstance(holder, str):
        return ()
    stream, branch, _ = holder
    return ((stream, branch), (stream,)) if branch else ((stream,),)


class Held(Protocol):
    """A connection, as it is counted.

    counted: the name of its address, "" for an exempt one. user: who is signed in on it. streaming: whether it counts as one of
    their live streams. waits: whether the server waits for its client.
    """

    counted: str
    user: Sharer | None
    streaming: bool

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
        self.by_user: dict[Sharer, int] = {}
        self.streaming: dict[Sharer, int] = {}
        """Those of each user with a live stream on them; all others are in `by_user`."""
        self.by_whole: dict[Whole, Crowd] = {}
        self.opened: dict[str, int] = {}
        """How many each address has opened in the second that began at `opened_since_ns`."""
        self.opened_since_ns = 0
        self.body_bytes = 0
        self.body_bytes_of: dict[Holder | Whole, int] = {}

    @property
    def unsigned_most(self) -> int:
        """Connections of whoever is not signed in."""
        return self.most * 3 // 4

    @property
    def free(self) -> int:
        """Connections that nobody has signed in on."""
        return self.most - len(self.signed)

    @property
    def idle_s(self) -> float:
        """How long an idle connection is kept now."""
        return KEEP_ALIVE_S if 2 * (len(self.unsigned) + len(self.signed)) < self.most else KEEP_ALIVE_SCARCE_S

    def opens(self, address: str, now_ns: int) -> bool:
        """Count a connection that an address opens; false if it opens too many in a second."""
        if now_ns - self.opened_since_ns >= SECOND_NS:
            self.opened = {}
            self.opened_since_ns = now_ns
        opened = self.opened.get(address, 0) + bool(address)
        self.opened[address] = opened
        return opened <= ADDRESS_OPENED_MAX

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
                self.sign_out(held, held.user)
            held.user = None
        else:
            self.unsigned.pop(held, None)
            mates = self.by_address.get(held.counted)
            if mates is not None:
                mates.pop(held, None)
                if not mates:
                    del self.by_address[held.counted]

    def sign_in(self, held: Held, user: Sharer, streaming: bool = False) -> bool:
        """Count a connection as this user's; false if they have too many. streaming: it has a live stream on it from now on.

        Half of what nobody else has may be one user's, one branch's, one book's, so that there is always as much left.
        """
        own, most = (self.streaming, STREAMS_PER_USER_MAX) if streaming else (self.by_user, USER_CONNECTIONS_MAX)
        count = own.get(user, 0)
        if count >= min(most, max(USER_CONNECTIONS_MIN, self.free)):
            return False
        wholes = wholes_of(user)
        for whole in wholes:
            crowd = self.by_whole.get(whole, {})
            full = len(crowd) >= max(USER_CONNECTIONS_MIN, self.free)
            # Who has many pushes nobody out.
            if full and (count >= USER_CONNECTIONS_MIN or not self.make_room(crowd)):
                return False
        self.leave(held)
        held.user, held.streaming = user, streaming
        self.signed[held] = None
        own[user] = own.get(user, 0) + 1
        for whole in wholes:
            self.by_whole.setdefault(whole, {})[held] = None
        return True

    def sign_out(self, held: Held, user: Sharer) -> None:
        """Count a connection as this user's no more."""
        own = self.streaming if held.streaming else self.by_user
        own[user] -= 1
        if not own[user]:
            del own[user]
        for whole in wholes_of(user):
            crowd = self.by_whole[whole]
            del crowd[held]
            if not crowd:
                del self.by_whole[whole]

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

    def hold(self, holder: Holder, count: int) -> bool:
        """Count bytes of a body that waits; false if that is too much for its holder, their branch or book, or in all.

        A quarter of what is free may be one holder's, half of it one branch's or book's, so that there is always as much left.
        """
        free = BODIES_BYTES_MAX - self.body_bytes
        if count > free or (holder and not self.has_room(holder, count, free // 4)):
            return False
        wholes = wholes_of(holder)
        if not all(self.has_room(whole, count, free - count) for whole in wholes):
            return False
        self.body_bytes += count
        for one in (holder, *wholes):
            self.body_bytes_of[one] = self.body_bytes_of.get(one, 0) + count
        return True

    def has_room(self, one: Holder | Whole, count: int, most: int) -> bool:
        """Whether so many more bytes are not too many of somebody's."""
        return self.body_bytes_of.get(one, 0) + count <= max(BODY_BYTES_MAX, most)

    def let_go(self, holder: Holder, count: int) -> None:
        """The body is not kept any more."""
        self.body_bytes -= count
        for one in (holder, *wholes_of(holder)):
            self.body_bytes_of[one] -= count
            if not self.body_bytes_of[one]:
                del self.body_bytes_of[one]
