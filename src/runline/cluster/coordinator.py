"""Coordinating, decided: which streams go where.

Rule: a pure function of what is there. A stream without an owner gets one at once. What is handed over is handed over by its
owner, a few at a time: first what must go (its node drains, or somebody has pinned it elsewhere), then what makes the busiest
node less busy, after a pause and only where it gains more than it costs. So nothing moves to and fro, and with loads that stay
nothing moves for ever.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from runline.cluster.limits import (
    COPIED_ROWS_MIN,
    GAP_PPM_MIN,
    GAP_SHARE_MIN,
    HANDED_OVER_AT_ONCE_MAX,
    LEFT_SHARE_MIN,
    MOVE_COST_PPM,
    MOVE_PAUSE_S,
    ROW_COST_PPM,
    STREAM_PPM,
    STREAM_RESTS_S,
)
from runline.cluster.registry import Assigned, Load

NOTHING = Load(0, 0)

LONG_AGO_S = float("-inf")


class Place(msgspec.Struct, frozen=True):
    """A node that is there. beside_ppm: what its process uses beside its streams. takes: whether it may get streams (one that is
    suspected may not). draining: it is to give away all it has."""

    name: str
    incarnation: int
    beside_ppm: float = 0.0
    takes: bool = True
    draining: bool = False


class Move(msgspec.Struct, frozen=True):
    """A stream goes to a node. at_once: it has no owner; else its owner hands it over ("": does not, after all)."""

    stream: Assigned
    to: str
    at_once: bool = False
    balance: bool = False


class Recent(msgspec.Struct):
    """What was moved lately for the sake of balance: when last, and when which stream, in seconds of one clock."""

    at_s: float = LONG_AGO_S
    streams_s: dict[str, float] = {}


class Weighing:
    """Who has how much, and would have once all that is decided is done."""

    def __init__(self, places: Iterable[Place], streams: Mapping[str, Assigned], loads: Mapping[str, Load]) -> None:
        self.places = {place.name: place for place in places}
        self.loads = loads
        self.has = {name: place.beside_ppm for name, place in self.places.items()}
        for one in streams.values():
            if self.is_owned(one):
                self.has[one.wanted if one.wanted in self.has else one.node] += self.weight(one)

    def is_owned(self, one: Assigned) -> bool:
        """Whether the node that a stream is assigned to is there."""
        place = self.places.get(one.node)
        return place is not None and place.incarnation == one.incarnation

    def takes(self, name: str) -> bool:
        """Whether a node may get streams."""
        place = self.places.get(name)
        return place is not None and place.takes and not place.draining

    def weight(self, one: Assigned) -> float:
        return self.loads.get(one.stream, NOTHING).cpu_ppm + STREAM_PPM

    def cost(self, one: Assigned) -> float:
        return MOVE_COST_PPM + ROW_COST_PPM * self.loads.get(one.stream, NOTHING).rows

    def copied(self, one: Assigned) -> str:
        """Where there is a copy of a stream, "" if there is none, or nowhere that may get streams."""
        is_large = self.loads.get(one.stream, NOTHING).rows >= COPIED_ROWS_MIN // 2
        return copied_at(one.stream, one.node, filter(self.takes, self.places)) if is_large else ""

    def idlest(self) -> str:
        """Of those who may get streams; "" if there are none."""
        return min(filter(self.takes, self.places), key=lambda name: (self.has[name], name), default="")

    def hot_first(self, streams: Iterable[Assigned]) -> list[Assigned]:
        return sorted(streams, key=lambda one: (-self.weight(one), one.stream))

    def give(self, one: Assigned, to: str) -> None:
        """A stream that nobody has goes to a node."""
        self.has[to] += self.weight(one)

    def move(self, one: Assigned, to: str) -> None:
        self.has[one.node] -= self.weight(one)
        self.has[to] += self.weight(one)


def copied_at(stream: str, owner: str, nodes: Iterable[str]) -> str:
    """Which of some nodes has the copy of a large stream, "" if there is none but its owner. Each has its rank for each stream:
    where a node comes or goes, most copies stay where they are."""

    def rank(node: str) -> bytes:
        return blake2b(f"{stream} {node}".encode()).digest()

    return max((node for node in nodes if node != owner), key=rank, default="")


def decide(
    places: Iterable[Place], streams: Mapping[str, Assigned], loads: Mapping[str, Load], recent: Recent, now_s: float
) -> list[Move]:
    """What is to be moved now, in this order."""
    weighing = Weighing(places, streams, loads)
    owned = [one for one in streams.values() if weighing.is_owned(one)]
    homeless = [one for one in streams.values() if not weighing.is_owned(one)]
    moves = list(homes(weighing, homeless))
    useless = [one for one in owned if one.wanted and not weighing.takes(one.wanted)]
    moves += [Move(one, "") for one in useless]
    under_way = sum(1 for one in owned if one.wanted) - len(useless)
    free = HANDED_OVER_AT_ONCE_MAX - under_way
    going = list(must_go(weighing, [one for one in owned if not one.wanted]))[: max(free, 0)]
    moves += going
    if not (homeless or under_way or going) and now_s - recent.at_s >= MOVE_PAUSE_S:
        moves += balanced(weighing, owned, recent, now_s)
    return moves


def homes(weighing: Weighing, homeless: Iterable[Assigned]) -> Iterable[Move]:
    """Streams without an owner get one, the hottest first: where they are pinned, where they were going (there they are known),
    where there is a copy of them, or where there is least to do."""
    for one in weighing.hot_first(homeless):
        to = next(filter(weighing.takes, (one.pinned, one.wanted, weighing.copied(one))), "") or weighing.idlest()
        if to:
            weighing.give(one, to)
            yield Move(one, to, at_once=True)


def must_go(weighing: Weighing, settled: Iterable[Assigned]) -> Iterable[Move]:
    """What is not where it is to be."""
    for one in weighing.hot_first(settled):
        to = ""
        if one.pinned != one.node and weighing.takes(one.pinned):
            to = one.pinned
        elif weighing.places[one.node].draining:
            to = weighing.copied(one) or weighing.idlest()
        if to:
            weighing.move(one, to)
            yield Move(one, to)


def balanced(weighing: Weighing, owned: Iterable[Assigned], recent: Recent, now_s: float) -> list[Move]:
    """What goes from the busiest node to the idlest: the hottest that fit, until they are about even."""
    idlest = weighing.idlest()
    if not idlest:
        return []
    busiest = max(filter(weighing.takes, weighing.places), key=lambda name: (weighing.has[name], name))
    moves: list[Move] = []
    for one in weighing.hot_first(one for one in owned if one.node == busiest):
        gap = weighing.has[busiest] - weighing.has[idlest]
        if len(moves) == HANDED_OVER_AT_ONCE_MAX or gap < max(GAP_PPM_MIN, GAP_SHARE_MIN * weighing.has[busiest]):
            break
        rests = now_s - recent.streams_s.get(one.stream, LONG_AGO_S) < STREAM_RESTS_S
        weight, cost = weighing.weight(one), weighing.cost(one)
        if not one.pinned and not rests and weight >= cost and gap - weight >= max(cost, LEFT_SHARE_MIN * gap):
            weighing.move(one, idlest)
            moves.append(Move(one, idlest, balance=True))
    return moves
