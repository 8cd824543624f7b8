"""Wishes: what the house's staff wants of the nodes stands until the nodes were told, and is told whatever fails meanwhile."""

import asyncio

import pytest
from tests.doubles.words import staff

from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.registry import Given, Node, RegistryError, lease_of
from runline.cluster.sight import Sight
from runline.cluster.wishes import Wishes as Telling
from runline.domain.cluster import (
    DrainNode,
    MoveStream,
    NodeDrainAsked,
    NodesTold,
    NoteToldNodes,
    PinStream,
    StreamMoveAsked,
    StreamPinAsked,
    Wish,
    Wishes,
)
from runline.domain.house import OpenBook
from runline.domain.messages import GATEWAY, Rejected
from runline.domain.permissions import Permission


@pytest.fixture
def nodes(house):
    """A house that three nodes share, of which one drains."""
    house.nodes_are(n1=True, n2=True, n3=False)
    house.given(OpenBook("north", "nora"))
    return house


def wished(house):
    return {(one.subject, one.wanted, one.cluster_node) for one in house.state.part(Wishes).by_subject.values()}


def test_what_is_wanted_is_in_the_log_and_stands_until_the_nodes_were_told(nodes):
    nodes.when(MoveStream("north", "n2", "too hot"))
    nodes.happened(StreamMoveAsked, stream="north", cluster_node="n2", reason="too hot")
    asked_seq = nodes.state.seq
    nodes.when(PinStream("house", "near the feed", "n1"))
    nodes.happened(StreamPinAsked, stream="house", cluster_node="n1")
    nodes.when(DrainNode("n2", "a new disk"))
    nodes.happened(NodeDrainAsked, cluster_node="n2", off=False, reason="a new disk")
    assert wished(nodes) == {("stream north", "move", "n2"), ("stream house", "pin", "n1"), ("node n2", "drain", "")}
    nodes.when(NoteToldNodes("stream north", asked_seq), by=GATEWAY)
    nodes.happened(NodesTold, subject="stream north", asked_seq=asked_seq)
    assert wished(nodes) == {("stream house", "pin", "n1"), ("node n2", "drain", "")}
    nodes.when(NoteToldNodes("stream north", asked_seq), by=GATEWAY)
    nodes.nothing_happened()


def test_the_last_that_is_wanted_of_a_stream_or_node_counts_and_is_not_done_by_having_told_an_earlier_one(nodes):
    nodes.given(PinStream("north", "near", "n2"))
    asked_seq = nodes.state.seq
    nodes.given(PinStream("north", "anywhere"), DrainNode("n3", "again", off=True))
    assert wished(nodes) == {("stream north", "pin", ""), ("node n3", "fill", "")}
    nodes.when(NoteToldNodes("stream north", asked_seq), by=GATEWAY)
    nodes.nothing_happened()
    assert ("stream north", "pin", "") in wished(nodes)


def test_nothing_is_wanted_of_what_is_not_there_or_takes_nothing(nodes):
    nodes.when(MoveStream("south", "n1", "why"))
    nodes.rejected("unknown_book", book="south")
    for command in (MoveStream("north", "n9", "why"), PinStream("north", "why", "n9"), DrainNode("n9", "why")):
        nodes.when(command)
        nodes.rejected("unknown_node", cluster_node="n9")
    for command in (MoveStream("north", "n3", "why"), PinStream("north", "why", "n3")):
        nodes.when(command)
        nodes.rejected("node_drains", cluster_node="n3")
    nodes.given(DrainNode("n2", "a new disk"))
    # The nodes have not been told yet; it counts nevertheless.
    nodes.when(MoveStream("north", "n2", "why"))
    nodes.rejected("node_drains", cluster_node="n2")
    nodes.when(DrainNode("n1", "a new disk too"))
    nodes.rejected("no_other_node")
    nodes.given(DrainNode("n3", "it is back", off=True), MoveStream("north", "n3", "why"), DrainNode("n1", "now"))


def test_a_server_of_one_process_has_no_nodes_and_one_that_does_not_know_them_yet_says_so(house):
    for code in ("no_cluster", "unavailable"):
        for command in (MoveStream("house", "n1", "why"), DrainNode("n1", "why")):
            house.when(command)
            house.rejected(code)
        house.nodes_are()


def test_it_takes_a_permission_that_the_houses_owner_has(nodes):
    nodes.given(staff("clerk", Permission.CLUSTER_VIEW))
    nodes.when(DrainNode("n1", "why"), by="clerk")
    nodes.rejected("not_permitted", permission="cluster_change")
    nodes.when(DrainNode("n1", "why"))
    nodes.happened(NodeDrainAsked)


class House:
    """A house that wants something. fails: how often it cannot note that the nodes were told."""

    def __init__(self, *wishes):
        self.wishes = list(wishes)
        self.fails = 1
        self.done = asyncio.Event()

    def wished(self):
        return self.wishes

    async def note_told(self, wish):
        if self.fails:
            self.fails -= 1
            raise Rejected("unavailable", "it stops")
        self.wishes.remove(wish)
        if not self.wishes:
            self.done.set()


class Failing(MemoryRegistry):
    """Does not answer the first time."""

    failed = False

    async def pin(self, stream, node, house=None):
        if not self.failed:
            self.failed = True
            raise RegistryError("it is away")
        return await super().pin(stream, node, house)


async def registered(registry):
    """Two nodes that are there, and two streams of the first."""
    for name in ("n1", "n2"):
        lease = await registry.take(lease_of(name), name, None)
        await registry.describe(Node(name, lease.number, name, "1.0"))
    term = (await registry.take("coordinator", "n1", None)).number
    await registry.enroll(["house", "north"])
    incarnation = (await registry.look()).incarnation("n1")
    streams = [Given(one, "n1", incarnation) for one in (await registry.streams()).values()]
    assert len(await registry.assign(streams, term)) == 2


def test_the_nodes_are_told_as_often_as_it_takes_and_in_order(monkeypatch):
    monkeypatch.setattr("runline.cluster.wishes.TENDED_AGAIN_S_MAX", 0)

    async def main():
        registry = Failing(Kept())
        await registered(registry)
        house = House(
            Wish("stream house", "pin", "n2", 5),
            Wish("stream north", "move", "n2", 6),
            Wish("node n1", "drain", "", 7),
            Wish("stream gone", "move", "n2", 8),
        )
        owned = (await registry.streams())["house"]
        telling = Telling(house, registry, lambda: owned)
        telling.look()
        telling.look()
        await house.done.wait()
        streams = await registry.streams()
        assert (streams["house"].pinned, streams["house"].wanted) == ("n2", "")
        assert (streams["north"].pinned, streams["north"].wanted) == ("", "n2")
        assert await Sight(registry).taking() == {"n1": False, "n2": True}
        await telling.close()

    asyncio.run(main())


def test_who_stands_still_and_has_the_house_no_more_tells_nothing_and_notes_nothing(monkeypatch):
    monkeypatch.setattr("runline.cluster.wishes.TENDED_AGAIN_S_MAX", 0)

    async def main():
        registry = MemoryRegistry(Kept())
        await registered(registry)
        owned = {"house": (await registry.streams())["house"]}
        house = House(Wish("stream north", "move", "n2", 5))
        house.fails = 0
        # It was given to the other one while this one stood still, which has not heard of it yet.
        await registry.move("house", "n2")
        assert await registry.hand_over((await registry.streams())["house"], 2)
        await registry.pin("north", "n1")
        tried = []
        move = registry.move

        async def counted(*args):
            tried.append(args)
            if len(tried) == 3:
                owned.clear()
            return await move(*args)

        monkeypatch.setattr(registry, "move", counted)
        telling = Telling(house, registry, lambda: owned.get("house"))
        telling.look()
        assert telling.telling is not None
        await telling.telling
        assert len(tried) == 3
        assert house.wishes
        north = (await registry.streams())["north"]
        assert (north.wanted, north.pinned) == ("", "n1")
        # Where the house is not owned nothing is even tried.
        telling.look()
        assert telling.telling is None

    asyncio.run(main())


def test_the_cluster_is_shown_as_its_registry_has_it_and_read_once_for_all_who_ask(monkeypatch):
    async def main():
        registry = MemoryRegistry(Kept())
        await registered(registry)
        looks = []
        look = registry.look

        def counted():
            looks.append(1)
            return look()

        monkeypatch.setattr(registry, "look", counted)
        sight = Sight(registry)
        found, again = await asyncio.gather(sight.rows(), sight.rows())
        assert found is again
        assert looks == [1]
        assert [(row.cluster_node, row.state, row.coordinates, row.streams) for row in found["cluster"]] == [
            ("n1", "there", True, 2),
            ("n2", "there", False, 0),
        ]
        assert [(row.stream, row.cluster_node, row.taken) for row in found["cluster_streams"]] == [
            ("house", "n1", False),
            ("north", "n1", False),
        ]

        async def away():
            raise RegistryError("it is away")

        monkeypatch.setattr(registry, "look", away)
        with pytest.raises(Rejected) as refused:
            await Sight(registry).rows()
        assert refused.value.code == "unavailable"

    asyncio.run(main())
