"""The registry: which nodes there are, who holds which lease, and whose each stream is.

Rule: clocks of two machines are never compared. A lease has a counter that its holder moves on; whoever takes it over has seen
it unchanged for long enough by a clock of its own, and takes it only if it still is as it was seen. What is written about a
stream is written only if nothing has been written about it since it was read. Whether a commit of a stream counts is not said
here but by its head.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

Whose = Literal["nodes", "gateways"]

COORDINATOR = "coordinator"
"""The lease of whoever assigns streams."""


HOUSE_IS_ELSEWHERE = "The house is another node's by now."


def lease_of(node: str) -> str:
    """The lease of a node."""
    return f"node {node}"


class RegistryError(Exception):
    """The registry did not answer, or not in time: it is not known whether it has done what it was asked for."""


class NotTheirs(RegistryError):
    """Whoever acts for a stream does not own it any more: nothing was done."""


class Lease(msgspec.Struct, frozen=True):
    """A lease. holder: the node that has it, "" for nobody. number: of this taking, higher than that of any before; of a node's
    own lease it is the node's incarnation. counter: how often it was renewed. age_ms: since then, by the database's clock, for
    showing only."""

    name: str
    holder: str
    number: int
    counter: int
    age_ms: int = 0


class Seen(msgspec.Struct, frozen=True):
    """What one look finds: all leases by name, and a stamp that grows with whatever is written about streams. level: the
    cluster's; levels: counts whatever is written of it."""

    leases: Mapping[str, Lease]
    stamp: int
    level: int = 1
    levels: int = 0

    def incarnation(self, node: str) -> int:
        """Of a node that is there; 0 for one that is not."""
        lease = self.leases.get(lease_of(node))
        return lease.number if lease is not None and lease.holder else 0


class Load(msgspec.Struct, frozen=True, array_like=True):
    """What a stream costs. cpu_ppm: millionths of a core; rows: that are held in memory."""

    cpu_ppm: int
    rows: int


class Node(msgspec.Struct, frozen=True):
    """A node, as it has said it is. incarnation: which start of it. address: where others reach it. cpu_ppm: what its process
    uses, in millionths of a core. loads: of its streams. draining: it gets no streams, and gives away those that it has. level:
    of its version. conditions: what is not well there, in sentences."""

    name: str
    incarnation: int
    address: str
    version: str
    draining: bool = False
    cpu_ppm: int = 0
    loads: Mapping[str, Load] = {}
    level: int = 1
    conditions: Sequence[str] = ()


class Assigned(msgspec.Struct, frozen=True):
    """Whose a stream is. node, incarnation: the node that it is assigned to ("", 0: none has been). number: counts assignments.
    taken: the number under which its node has last taken it, with `epoch` of its head. wanted: the node to which it is to be
    handed over, "" for none. pinned: where somebody wants it, "" for anywhere. changed: counts whatever is written of it
    here."""

    stream: str
    node: str = ""
    incarnation: int = 0
    number: int = 0
    taken: int = 0
    epoch: int = 0
    wanted: str = ""
    pinned: str = ""
    changed: int = 0

    def is_of(self, node: str, incarnation: int) -> bool:
        """Whether it is assigned to this start of a node."""
        return self.node == node and self.incarnation == incarnation


class Given(NamedTuple):
    """A stream, as it was read, is to be a node's, of this start."""

    stream: Assigned
    node: str
    incarnation: int


class Taken(NamedTuple):
    """A stream, as it is assigned, was taken by its owner, with the epoch of its head."""

    stream: Assigned
    epoch: int


class Registry(Protocol):
    """Where it is kept. All methods raise RegistryError; one that returns whether it was done has changed nothing otherwise."""

    async def look(self) -> Seen:
        """What is there now."""
        ...

    async def renew(self, held: Sequence[Lease]) -> Seen:
        """Move the counters of leases on, of those that still have these numbers, durably; then what is there. Of these leases
        it has only those that were renewed."""
        ...

    async def take(self, name: str, holder: str, seen: Lease | None) -> Lease | None:
        """Take a lease that is as it was seen (None: there was none); None if it is not. holder "": nobody is to have it."""
        ...

    async def describe(self, node: Node) -> None:
        """A node says what it is, as it joins. It drains no more."""
        ...

    async def set_level(self, level: int, seen: Seen) -> bool:
        """Write the cluster's level, if it still is what was seen; another one only if nobody has written of it since. Who joins
        writes it as it is: whoever has looked before who is there raises nothing then."""
        ...

    async def measured(
        self, node: str, incarnation: int, cpu_ppm: int, loads: Mapping[str, Load], conditions: Sequence[str] = ()
    ) -> None:
        """A node says what it and its streams cost, and what is not well there."""
        ...

    async def nodes(self) -> Mapping[str, Node]:
        """All nodes that have ever joined, by name."""
        ...

    async def streams(self) -> Mapping[str, Assigned]:
        """All streams, by name. What has not changed since the last time is the same object."""
        ...

    async def enroll(self, streams: Iterable[str]) -> None:
        """There are these streams, and all that have a head."""
        ...

    async def assign(self, given: Sequence[Given], term: int) -> Collection[str]:
        """Give streams whose owners hold no lease to nodes, at once, for the holder of the coordinator's lease of this number.
        Returns those that were given; the others have changed since they were read, or have an owner."""
        ...

    async def want(self, before: Assigned, node: str, term: int) -> bool:
        """Have a stream handed over to a node by its owner ("": no more), for the same."""
        ...

    async def taken(self, taken: Sequence[Taken]) -> None:
        """Their owners have taken streams. Of one that is not assigned so any more nothing is said."""
        ...

    async def hand_over(self, assigned: Assigned, incarnation: int) -> bool:
        """Its owner has let go of a stream, which now is that node's by which it is wanted."""
        ...

    async def pin(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        """Have a stream at a node ("": anywhere). Whether there is such a stream. house: as which whoever wants it owns the
        house; without it, it is wanted by hand. Raises NotTheirs."""
        ...

    async def move(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        """Have a stream go to a node, once, and be pinned nowhere else. Whether there is such a stream. The rest as above."""
        ...

    async def drain(self, node: str, draining: bool, house: Assigned | None = None) -> bool:
        """Have a node give away its streams, or take some again. Whether there is such a node. The rest as above."""
        ...

    async def secret(self, offered: bytes, whose: Whose = "nodes") -> bytes:
        """What the ends of links prove to each other that they have: what was offered first. Nodes have one for each other, and
        another for gateways, which may do less. Who offers b"" only looks."""
        ...

    def listen(self, wake: Callable[[], None]) -> None:
        """Call this soon after something has changed, but for renewals and loads. Some changes may go without: look as well."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...
