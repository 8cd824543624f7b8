"""The registry in memory: for tests, and for simulations, in which all nodes are in one process."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from runline.cluster.limits import GONE_KEPT_MAX
from runline.cluster.registry import (
    COORDINATOR,
    HOUSE_IS_ELSEWHERE,
    Assigned,
    Given,
    Lease,
    Load,
    Node,
    NotTheirs,
    RegistryError,
    Seen,
    Taken,
    Whose,
    lease_of,
)


class Kept:
    """What is kept, whoever looks at it. told: who wants to hear of changes."""

    def __init__(self) -> None:
        self.numbers = 0
        self.leases: dict[str, Lease] = {}
        self.nodes: dict[str, Node] = {}
        self.streams: dict[str, Assigned] = {}
        self.told: list[Callable[[], None]] = []
        self.secrets: dict[Whose, bytes] = {}
        self.level, self.levels = 1, 0

    def tell(self) -> None:
        for wake in list(self.told):
            wake()


class MemoryRegistry:
    """One node's view of it."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.wake: Callable[[], None] | None = None

    async def look(self) -> Seen:
        return self.seen_without(())

    async def renew(self, held: Sequence[Lease]) -> Seen:
        leases = self.kept.leases
        lost = set()
        for one in held:
            now = leases.get(one.name)
            if now is not None and now.holder and now.number == one.number:
                leases[one.name] = replace(now, counter=now.counter + 1)
            else:
                lost.add(one.name)
        return self.seen_without(lost)

    async def take(self, name: str, holder: str, seen: Lease | None) -> Lease | None:
        now = self.kept.leases.get(name)
        if (now is None) != (seen is None):
            return None
        self.kept.numbers += 1
        if now is None or seen is None:
            taken = Lease(name, holder, self.kept.numbers, 0)
        elif (now.number, now.counter) != (seen.number, seen.counter):
            return None
        else:
            taken = Lease(name, holder, self.kept.numbers, now.counter + 1)
        self.kept.leases[name] = taken
        self.kept.tell()
        return taken

    async def describe(self, node: Node) -> None:
        self.kept.nodes[node.name] = replace(node, draining=False, cpu_ppm=0, loads={}, conditions=())
        gone = [one for name, one in self.kept.leases.items() if not one.holder and name != COORDINATOR]
        for one in sorted(gone, key=lambda one: -one.number)[GONE_KEPT_MAX:]:
            del self.kept.leases[one.name]
            self.kept.nodes = {name: of for name, of in self.kept.nodes.items() if lease_of(name) != one.name}

    async def set_level(self, level: int, seen: Seen) -> bool:
        if seen.level != self.kept.level or (level != seen.level and seen.levels != self.kept.levels):
            return False
        self.kept.level, self.kept.levels = level, self.kept.levels + 1
        return True

    async def measured(
        self, node: str, incarnation: int, cpu_ppm: int, loads: Mapping[str, Load], conditions: Sequence[str] = ()
    ) -> None:
        now = self.kept.nodes.get(node)
        if now is not None and now.incarnation == incarnation:
            self.kept.nodes[node] = replace(now, cpu_ppm=cpu_ppm, loads=dict(loads), conditions=tuple(conditions))

    async def nodes(self) -> Mapping[str, Node]:
        return dict(self.kept.nodes)

    async def streams(self) -> Mapping[str, Assigned]:
        return dict(self.kept.streams)

    async def enroll(self, streams: Iterable[str]) -> None:
        for stream in streams:
            if stream not in self.kept.streams:
                self.write(Assigned(stream))

    async def assign(self, given: Sequence[Given], term: int) -> Collection[str]:
        return [one.stream.stream for one in given if self.give(*one, term)]

    def give(self, before: Assigned, node: str, incarnation: int, term: int) -> bool:
        if not self.may(before, term):
            return False
        now = self.kept.streams[before.stream]
        if now.node and self.seen_without(()).incarnation(now.node) == now.incarnation:
            return False
        return self.write(replace(now, node=node, incarnation=incarnation, number=now.number + 1, wanted=""))

    async def want(self, before: Assigned, node: str, term: int) -> bool:
        return self.may(before, term) and self.write(replace(self.kept.streams[before.stream], wanted=node))

    async def taken(self, taken: Sequence[Taken]) -> None:
        for one, epoch in taken:
            now = self.of(one)
            if now is not None:
                self.write(replace(now, taken=now.number, epoch=epoch))

    async def hand_over(self, assigned: Assigned, incarnation: int) -> bool:
        now = self.of(assigned)
        if now is None or not now.wanted or now.wanted != assigned.wanted:
            return False
        number = now.number + 1
        return self.write(replace(now, node=now.wanted, incarnation=incarnation, number=number, wanted=""))

    async def pin(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        self.require_theirs(house)
        now = self.kept.streams.get(stream)
        return now is not None and self.write(replace(now, pinned=node))

    async def move(self, stream: str, node: str, house: Assigned | None = None) -> bool:
        self.require_theirs(house)
        now = self.kept.streams.get(stream)
        if now is None:
            return False
        pinned = now.pinned if now.pinned == node else ""
        return self.write(replace(now, wanted="" if now.node == node else node, pinned=pinned))

    async def drain(self, node: str, draining: bool, house: Assigned | None = None) -> bool:
        self.require_theirs(house)
        now = self.kept.nodes.get(node)
        if now is None:
            return False
        self.kept.nodes[node] = replace(now, draining=draining)
        self.kept.tell()
        return True

    async def secret(self, offered: bytes, whose: Whose = "nodes") -> bytes:
        if offered:
            self.kept.secrets.setdefault(whose, offered)
        if whose not in self.kept.secrets:
            raise RegistryError("no node has ever joined")
        return self.kept.secrets[whose]

    def seen_without(self, lost: Collection[str]) -> Seen:
        """What is there, but for leases that are somebody's no more."""
        leases = {name: lease for name, lease in self.kept.leases.items() if name not in lost}
        stamp = sum(one.changed for one in self.kept.streams.values())
        return Seen(leases, stamp, self.kept.level, self.kept.levels)

    def may(self, before: Assigned, term: int) -> bool:
        """Whether the coordinator of a term may change a stream, which is as it was read."""
        lease, now = self.kept.leases.get(COORDINATOR), self.kept.streams.get(before.stream)
        return (
            lease is not None
            and bool(lease.holder)
            and lease.number == term
            and now is not None
            and now.changed == before.changed
        )

    def require_theirs(self, house: Assigned | None) -> None:
        """The house is still assigned so to whoever acts for it. Raises NotTheirs."""
        if house is not None and self.of(house) is None:
            raise NotTheirs(HOUSE_IS_ELSEWHERE)

    def of(self, assigned: Assigned) -> Assigned | None:
        """A stream, if it is still assigned so."""
        now = self.kept.streams.get(assigned.stream)
        if now is not None and now.is_of(assigned.node, assigned.incarnation) and now.number == assigned.number:
            return now
        return None

    def write(self, stream: Assigned) -> bool:
        self.kept.streams[stream.stream] = replace(stream, changed=stream.changed + 1)
        self.kept.tell()
        return True

    def listen(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.kept.told.append(wake)

    async def close(self) -> None:
        if self.wake is not None:
            self.kept.told.remove(self.wake)
            self.wake = None
