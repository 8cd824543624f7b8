"""What nodes do about their streams, over a registry in memory, in a time that is made: take, release, follow and hand over."""

import asyncio
from contextlib import suppress

import pytest
from tests.doubles.coming import comes_true

from runline.cluster.duties import Duties
from runline.cluster.limits import (
    COPIED_LOOK_S,
    COPIED_ROWS_MIN,
    LEASE_S,
    NAMES_ASKED_MAX,
    TAKEN_ROWS_MAX,
    TAKEN_STREAMS_MAX,
    TENDED_AGAIN_S_MAX,
    UNKNOWN_S,
    WARM_ROWS_MIN,
    WARM_S_MAX,
)
from runline.cluster.member import LeaseLost, Member
from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.places import Onlooker, Places
from runline.cluster.registry import Assigned, Load, Node, RegistryError
from runline.cluster.standing import Standing
from runline.cluster.taking import Taking
from runline.domain.messages import HOUSE, Rejected
from runline.engine.ports import GENESIS, Head, StoreError, claimed_elsewhere
from runline.simulate.loop import VirtualLoop

SECOND_NS = 10**9


class Away(MemoryRegistry):
    """A registry of which some calls fail."""

    fails = 0

    async def enroll(self, streams):
        self.fail()
        await super().enroll(streams)

    said = 0

    async def taken(self, taken):
        self.fail()
        self.said += 1
        await super().taken(taken)

    def fail(self):
        if self.fails:
            self.fails -= 1
            raise RegistryError("it is away")


class FakeEngine:
    """Owns streams of heads that all share. heard: what it was asked to do. looked: at whose heads. parts: what it was asked to
    adopt together. stopped: what somebody else has claimed."""

    def __init__(self, world):
        self.world = world
        self.has = set()
        self.followed = set()
        self.stopped = set()
        self.heard = []
        self.looked = []
        self.parts = []
        self.fails = {}
        self.held = {}

    def owns(self, stream):
        return stream in self.has

    async def heads(self, streams):
        self.looked.append(list(streams))
        return {stream: self.world.heads[stream] for stream in streams if stream in self.world.heads}

    async def adopt(self, seen):
        self.parts.append(list(seen))
        found = {}
        for stream, epoch in seen.items():
            self.heard.append(("adopt", stream))
            await asyncio.sleep(0.01)  # waits: time is made
            head = self.world.heads.get(stream)
            if stream in self.fails:
                found[stream] = self.fails[stream]
            elif (head.epoch if head else 0) != epoch:
                found[stream] = claimed_elsewhere(stream)
            else:
                held_rows = head.held_rows if head else 0
                self.world.heads[stream] = Head(stream, epoch + 1, 0, GENESIS, 0, held_rows)
                self.has.add(stream)
                self.followed.discard(stream)
                found[stream] = epoch + 1
        return found

    async def release(self, stream):
        self.heard.append(("release", stream))
        self.stopped.discard(stream)
        self.has.discard(stream)

    async def hand_over(self, stream, take):
        self.heard.append(("hand over", stream))
        if stream in self.stopped:
            raise Rejected("unavailable", "Nothing can be recorded now.")
        await take(self.world.heads[stream])
        self.has.discard(stream)

    def rows(self, stream):
        return self.held.get(stream, 0)

    def stand_by(self, stream):
        self.followed.add(stream)

    async def stand_down(self, stream):
        self.followed.discard(stream)


class Started:
    """A node."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.engine = FakeEngine(world)
        self.registry = Away(world.kept)
        self.duties = Duties(self.engine, self.registry, self)
        self.member = Member(self.registry, Node(name, 0, f"unix:/{name}", "1.0"), self.duties, world.now_ns)
        self.duties.member = self.member
        self.task = asyncio.create_task(self.live())

    async def live(self):
        await self.member.join()
        await self.member.run()

    async def copied(self, node, stream):
        """As another node says."""
        if self.world.copies is None:
            raise Rejected("unavailable", "It cannot take it yet.")
        return self.world.copies

    @property
    def has(self):
        return self.engine.has


class World:
    def __init__(self, loop):
        self.loop = loop
        self.kept = Kept()
        self.heads = {}
        self.copies = 0
        self.nodes = []
        self.tasks = []

    def now_ns(self):
        return SECOND_NS + round(self.loop.time() * 1e9)

    def start(self, *names):
        found = [Started(self, name) for name in names]
        self.nodes += found
        return found if len(found) > 1 else found[0]

    def beside(self, work):
        """Do something until the end."""
        self.tasks.append(asyncio.create_task(work))

    async def passes(self, seconds):
        await asyncio.sleep(seconds)  # waits: time is made, and nobody waits for it

    async def pin(self, stream, node):
        await MemoryRegistry(self.kept).pin(stream, node)


def play(story, *streams):
    loop = VirtualLoop()
    try:
        world = World(loop)

        async def main():
            await MemoryRegistry(world.kept).enroll(streams)
            try:
                await story(world)
            finally:
                for task in world.tasks:
                    task.cancel()
                for node in world.nodes:
                    node.task.cancel()
                    with suppress(asyncio.CancelledError, LeaseLost):
                        await node.task
                    await node.duties.close()

        loop.run_until_complete(main())
    finally:
        loop.close()


def test_what_is_assigned_is_claimed_and_said_to_be_taken():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        assert one.has | two.has == {"b1", "b2", "b3", "b4"}
        assert len(one.has) == len(two.has) == 2
        for stream in world.kept.streams.values():
            assert (stream.taken, stream.epoch) == (stream.number, 1)

    play(story, "b1", "b2", "b3", "b4")


def test_what_cannot_be_claimed_is_tried_again_and_nothing_else_waits_for_it():
    async def story(world):
        node = world.start("n1")
        node.engine.fails["b1"] = StoreError("transient", "It cannot be claimed now.")
        await world.passes(5)
        assert node.has == {"b2", "b3"}
        tries = node.engine.heard.count(("adopt", "b1"))
        await world.passes(10 * TENDED_AGAIN_S_MAX)
        assert 9 <= node.engine.heard.count(("adopt", "b1")) - tries <= 11
        del node.engine.fails["b1"]
        await world.passes(TENDED_AGAIN_S_MAX + 0.1)
        assert node.has == {"b1", "b2", "b3"}
        assert node.engine.heard.count(("adopt", "b2")) == 1

    play(story, "b1", "b2", "b3")


def test_streams_that_come_together_are_taken_together_the_house_first_then_the_hottest():
    books = [f"b{number}" for number in range(3 * TAKEN_STREAMS_MAX)]
    hot = ["b70", "b60", "b50"]

    async def story(world):
        registry = MemoryRegistry(world.kept)
        world.heads = {book: Head(book, 1, 0, GENESIS, 0) for book in (*books, HOUSE)}
        world.heads["b50"] = Head("b50", 1, 0, GENESIS, 0, held_rows=TAKEN_ROWS_MAX + 1)
        # Of a node that has gone.
        await registry.describe(Node("n0", 1, "unix:/n0", "1.0"))
        loads = {book: Load(900_000 - number, 0) for number, book in enumerate(hot)}
        await registry.measured("n0", 1, 0, loads)
        node = world.start("n1")
        await world.passes(6)
        assert node.has == {*books, HOUSE}
        assert all((one.taken, one.epoch) == (one.number, 2) for one in world.kept.streams.values())
        first, second, third, *parts = node.engine.parts
        assert (first, second, third) == ([HOUSE], ["b70", "b60"], ["b50"])
        # A large one is read for itself, the others as many at a time as may be.
        assert [len(part) for part in parts] == [TAKEN_STREAMS_MAX, TAKEN_STREAMS_MAX, TAKEN_STREAMS_MAX - 3]
        assert node.registry.said < 10

    play(story, *books, HOUSE)


def test_who_takes_streams_looks_at_the_heads_of_those_alone_at_all_that_come_together_at_once():
    books = [f"b{number}" for number in range(10 * TAKEN_STREAMS_MAX)]
    moved = ["b7", "b8", "b9"]

    async def story(world):
        one = world.start("n1")
        await world.passes(6)
        assert one.has == {*books}
        # Some may come while the first are being taken.
        assert len(one.engine.looked) <= 2
        two = world.start("n2")
        await world.passes(1)
        for book in moved:
            await world.pin(book, "n2")
            await world.passes(2)
        assert two.has >= {*moved}
        looked = [book for books in two.engine.looked for book in books]
        assert sorted(looked) == sorted(two.has)
        one.task.cancel()
        looks = len(two.engine.looked)
        await world.passes(6)
        assert two.has == {*books}
        assert len(two.engine.looked) <= looks + 2

    play(story, *books)


def test_a_stream_that_comes_meanwhile_does_not_wait_for_all_that_came_before():
    books = [f"b{number}" for number in range(4 * TAKEN_STREAMS_MAX)]

    async def story(world):
        node = world.start("n1")
        await comes_true(lambda: node.engine.parts)
        await MemoryRegistry(world.kept).enroll([HOUSE])
        await world.passes(6)
        assert node.has == {*books, HOUSE}
        assert node.engine.parts.index([HOUSE]) <= 3

    play(story, *books)


def test_a_stream_that_is_somebody_elses_before_its_turn_comes_is_not_claimed():
    books = [f"b{number}" for number in range(2 * TAKEN_STREAMS_MAX)]

    async def story(world):
        node = world.start("n1")
        await comes_true(lambda: node.engine.parts)
        late = next(book for book in books if book not in node.engine.parts[0])
        node.duties.unassigned(node.duties.told[late])
        await world.passes(6)
        assert node.has == {*books} - {late}
        assert late not in world.heads

    play(story, *books)


def test_that_a_stream_was_taken_is_said_until_it_is_heard_and_it_is_claimed_once():
    async def story(world):
        node = world.start("n1")
        node.registry.fails = 4
        await world.passes(5)
        assert world.kept.streams["b1"].taken == world.kept.streams["b1"].number
        assert node.engine.heard == [("adopt", "b1")]

    play(story, "b1")


def test_who_looks_and_then_stands_still_robs_nobody_who_was_given_the_stream_since():
    async def story(world):
        node = world.start("n1")
        await world.passes(2)
        late = node.member.streams["b1"]
        other = Started(world, "n2")
        world.nodes.append(other)
        await world.passes(1)
        await world.pin("b1", "n2")
        await world.passes(3)
        assert other.has == {"b1"}
        epoch = world.heads["b1"].epoch
        # It hears once more what was so.
        node.duties.hear(late)
        await world.passes(3)
        assert (node.has, other.has, world.heads["b1"].epoch) == (set(), {"b1"}, epoch)

    play(story, "b1")


def test_who_stands_still_between_its_looks_robs_nobody_who_was_given_the_stream_meanwhile():
    still_s = 10

    class StillEngine(FakeEngine):
        async def heads(self, streams):
            found = await super().heads(streams)
            await self.world.passes(still_s)
            return found

    async def story(world):
        class StillRegistry(MemoryRegistry):
            async def streams(self):
                found = await super().streams()
                await world.passes(still_s)
                return found

        node = world.start("n1")
        await world.passes(2)
        other = world.start("n2")
        await world.passes(1)
        late = node.member.streams["b1"]
        engine = StillEngine(world)
        taking = Taking(engine, StillRegistry(world.kept), lambda one: True)
        taken = asyncio.create_task(taking.take(late))
        await world.passes(1)
        await world.pin("b1", "n2")
        await world.passes(still_s // 2)
        assert (node.has, other.has) == (set(), {"b1"})
        epoch = world.heads["b1"].epoch
        assert await taken is None
        assert (engine.has, world.heads["b1"].epoch) == (set(), epoch)

    play(story, "b1")


def test_a_stream_that_somebody_has_claimed_nevertheless_is_taken_back_by_whose_it_is():
    async def story(world):
        node = world.start("n1")
        await world.passes(2)
        world.heads["b1"] = Head("b1", 7, 0, GENESIS, 0)
        node.duties.look_again("b1")
        await world.passes(1)
        assert node.has == {"b1"}
        assert world.heads["b1"].epoch == 8
        assert node.engine.heard == [("adopt", "b1"), ("release", "b1"), ("adopt", "b1")]

    play(story, "b1")


def test_a_stream_that_somebody_has_claimed_is_taken_back_also_where_it_is_wanted_elsewhere():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        here, there = (one, two) if "b1" in one.has else (two, one)
        here.engine.stopped.add("b1")
        await world.pin("b1", there.name)
        await world.passes(3)
        assert "b1" in here.has
        here.duties.look_again("b1")
        await world.passes(3)
        assert "b1" in there.has
        assert ("release", "b1") in here.engine.heard

    play(story, "b1", "b2")


def test_who_has_lost_the_lease_lets_go_of_all_and_follows_nothing():
    async def story(world):
        node = world.start("n1")
        await world.passes(2)
        [lease] = [one for one in world.kept.leases.values() if one.name == "node n1"]
        await MemoryRegistry(world.kept).take("node n1", "", lease)
        with pytest.raises(LeaseLost):
            await node.task
        await node.duties.let_go()
        assert (node.has, node.engine.followed) == (set(), set())
        await world.passes(LEASE_S)
        assert node.has == set()

    play(story, "b1", "b2")


def test_a_stream_goes_where_it_is_wanted_once_it_can_go_on_there():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        here, there = (one, two) if "b1" in one.has else (two, one)
        here.engine.held["b1"] = WARM_ROWS_MIN
        await world.pin("b1", there.name)
        await world.passes(3)
        # There is no copy yet.
        assert "b1" in here.has
        assert "b1" in there.engine.followed
        world.copies = 100
        await world.passes(1)
        assert "b1" in there.has
        assert "b1" not in here.has
        assert "b1" not in there.engine.followed
        assert ("release", "b1") not in here.engine.heard
        # A small one needs none; but where it goes, the house has to be current.
        world.copies = None
        await world.pin("b2", here.name if "b2" in there.has else there.name)
        before = "b2" in here.has
        await world.passes(3)
        assert ("b2" in here.has) is before
        world.copies = 0
        await world.passes(1)
        assert ("b2" in here.has) is not before

    play(story, "b1", "b2")


def test_a_stream_goes_without_a_copy_if_there_is_none_for_long():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        here, there = (one, two) if "b1" in one.has else (two, one)
        here.engine.held["b1"] = WARM_ROWS_MIN
        await world.pin("b1", there.name)
        await world.passes(WARM_S_MAX)
        assert "b1" in here.has
        await world.passes(3)
        assert "b1" in there.has

    play(story, "b1", "b2")


def test_a_stream_that_is_not_to_go_after_all_stays_and_is_followed_no_more():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        here, there = (one, two) if "b1" in one.has else (two, one)
        here.engine.held["b1"] = WARM_ROWS_MIN
        await world.pin("b1", there.name)
        await world.passes(2)
        assert "b1" in there.engine.followed
        await MemoryRegistry(world.kept).drain(there.name, draining=True)
        await world.pin("b1", "")
        await world.passes(3)
        assert "b1" in here.has
        assert there.engine.followed == set()
        assert ("hand over", "b1") not in here.engine.heard

    play(story, "b1", "b2")


def test_a_node_that_drains_gives_away_everything():
    async def story(world):
        one, two = world.start("n1", "n2")
        await world.passes(3)
        await one.member.drain()
        await world.passes(1)
        assert (one.has, two.has) == (set(), {f"b{number}" for number in range(20)})

    play(story, *(f"b{number}" for number in range(20)))


def test_books_that_are_opened_are_assigned_also_if_the_registry_was_away():
    async def story(world):
        node = world.start("n1")
        await world.passes(2)
        node.registry.fails = 1
        node.duties.opened(["c1", "c2"])
        await world.passes(2 * TENDED_AGAIN_S_MAX)
        assert node.has == {"b1", "c1", "c2"}

    play(story, "b1")


# Copies of large streams


async def large(world, *nodes):
    """Three nodes, whose owner of b1 has said that it is large; returns that one, and who has the copy."""
    for node in nodes:
        world.beside(Standing(node.registry, node.duties).run())
    await world.passes(3)
    owner = next(node for node in nodes if "b1" in node.has)
    await owner.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN), "b2": Load(0, COPIED_ROWS_MIN // 2)})
    await world.passes(2 * COPIED_LOOK_S)
    [other] = [node for node in nodes if node.engine.followed]
    assert other is not owner
    assert other.engine.followed == {"b1"}
    return owner, other


def test_a_large_stream_has_a_copy_at_another_node_which_takes_it_if_its_owner_dies():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        owner, other = await large(world, *nodes)
        owner.task.cancel()
        await world.passes(LEASE_S + 1)
        assert "b1" in other.has
        # Where it is owned it is not followed; its new owner has yet to say that it is large.
        await other.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN)})
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == set()
        [third] = [node for node in nodes if node not in (owner, other)]
        assert third.engine.followed == {"b1"}

    play(story, *(f"b{number}" for number in range(1, 7)))


def test_a_copy_is_kept_until_the_stream_has_become_small_and_nobody_keeps_one_whose_lease_is_lost():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        owner, other = await large(world, *nodes)
        await owner.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN // 2)})
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == {"b1"}
        await owner.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN // 2 - 1)})
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == set()
        await owner.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN)})
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == {"b1"}
        [lease] = [one for one in world.kept.leases.values() if one.name == f"node {other.name}"]
        await MemoryRegistry(world.kept).take(lease.name, "", lease)
        with pytest.raises(LeaseLost):
            await other.task
        await other.duties.let_go()
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == set()

    play(story, *(f"b{number}" for number in range(1, 7)))


def test_a_node_begins_with_few_copies_at_a_time_the_largest_first():
    async def story(world):
        one = world.start("n1")
        await world.passes(3)
        two = world.start("n2")
        await world.passes(2)
        sizes = {stream: Load(0, COPIED_ROWS_MIN + int(stream[1:])) for stream in one.has}
        await one.member.measured(0, sizes)
        world.beside(Standing(two.registry, two.duties).run())
        await world.passes(COPIED_LOOK_S + 0.1)
        assert two.engine.followed == {"b6", "b5"}
        await world.passes(COPIED_LOOK_S)
        assert two.engine.followed == {"b6", "b5", "b4", "b3"}
        await world.passes(2 * COPIED_LOOK_S)
        assert two.engine.followed == one.has

    play(story, *(f"b{number}" for number in range(1, 7)))


def test_a_copy_stays_while_a_new_owner_has_not_yet_said_how_large_the_stream_is():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        owner, other = await large(world, *nodes)
        [third] = [node for node in nodes if node not in (owner, other)]
        followed = []

        async def stand_down(stream):
            followed.append(stream)

        other.engine.stand_down = stand_down
        await MemoryRegistry(world.kept).move("b1", third.name)
        await world.passes(2 * COPIED_LOOK_S)
        assert "b1" in third.has
        assert "b1" not in followed
        assert "b1" in other.engine.followed
        # What it says then counts.
        await third.member.measured(0, {"b1": Load(0, COPIED_ROWS_MIN // 2 - 1)})
        await world.passes(2 * COPIED_LOOK_S)
        assert "b1" in followed

    play(story, *(f"b{number}" for number in range(1, 7)))


def test_copies_have_a_bound_together_beyond_which_the_smallest_go_without_which_is_said():
    async def story(world):
        one = world.start("n1")
        await world.passes(3)
        two = world.start("n2")
        await world.passes(2)
        said: list[str] = []
        large = COPIED_ROWS_MIN
        world.beside(Standing(two.registry, two.duties, rows_max=10 * large, say=said.append).run())

        async def are(*rows):
            """So many rows they have, as multiples of what a large stream has."""
            loads = {stream: Load(0, round(of * large)) for stream, of in zip(sorted(one.has), rows, strict=True)}
            await one.member.measured(0, loads)
            await world.passes(3 * COPIED_LOOK_S)
            return two.engine.followed

        assert await are(4, 3, 1, 2, 0) == {"b1", "b2", "b4"}
        assert "at most: b3 will" in said[-1]
        # One that has grown goes on as long as there is room at all, and then the smallest stop.
        assert await are(4, 3, 1, 3, 0) == {"b1", "b2", "b4"}
        assert await are(5, 3, 1, 2.5, 0) == {"b1", "b2", "b3"}
        assert "at most: b4 will" in said[-1]
        # A few rows less are no room; a tenth of all is.
        assert await are(3.9, 2.9, 1, 1.5, 0) == {"b1", "b2", "b3"}
        assert await are(3.9, 2.9, 1, 1.2, 0) == {"b1", "b2", "b3", "b4"}
        assert await are(1, 1, 1, 2, 1) == one.has
        assert said[-1] == ""

    play(story, *(f"b{number}" for number in range(1, 6)))


def test_a_node_that_drains_has_no_copies():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        _, other = await large(world, *nodes)
        await MemoryRegistry(world.kept).drain(other.name, draining=True)
        await world.passes(2 * COPIED_LOOK_S)
        assert other.engine.followed == set()
        assert sum(node.engine.followed == {"b1"} for node in nodes) == 1

    play(story, *(f"b{number}" for number in range(1, 7)))


# Where streams are


def test_a_stream_is_where_it_was_taken_and_nowhere_while_it_is_on_its_way():
    async def story(world):
        registry = MemoryRegistry(world.kept)
        one, two = world.start("n1", "n2")
        here = Places(registry, "n1", one.engine.owns)
        here.follow(one.member)
        elsewhere = Places(registry)
        looking = asyncio.create_task(Onlooker(registry, elsewhere, level=1).run())
        told: list[str | None] = []
        elsewhere.listen(lambda: told.append(elsewhere.where("b1")))
        await world.passes(3)
        assert elsewhere.addresses() == {"unix:/n1", "unix:/n2"}
        assert (here.anybody(), elsewhere.anybody()) == ("", "unix:/n1")
        for stream in ("b1", "b2"):
            assert here.where(stream) == ("" if stream in one.has else "unix:/n2")
            assert elsewhere.where(stream) == ("unix:/n1" if stream in one.has else "unix:/n2")
        assert told[0] is None
        assert told[-1] == elsewhere.where("b1")
        owner = one if "b1" in one.has else two
        told.clear()
        owner.task.cancel()
        with suppress(asyncio.CancelledError):
            await owner.task
        await world.passes(LEASE_S + 1)
        assert None in told
        assert elsewhere.where("b1") == ("unix:/n2" if owner is one else "unix:/n1")
        looking.cancel()
        await here.close()
        await elsewhere.close()

    play(story, "b1", "b2")


def test_before_anything_was_seen_any_book_may_be_there_but_so_many_names_are_not_waited_for():
    async def story(world):
        places = Places(MemoryRegistry(world.kept))
        names = [f"c{number}" for number in range(NAMES_ASKED_MAX)]
        assert all(places.known(name) for name in names)
        assert places.known(HOUSE)
        assert not places.known("one more")
        await world.passes(3 * UNKNOWN_S)
        assert places.known("b1")
        await world.passes(UNKNOWN_S * 1.5)
        assert places.known("b1")
        places.saw({}, {"b1": Assigned("b1")})
        assert places.known("b1")

    play(story)


def test_a_book_of_which_nobody_has_heard_may_be_a_new_one_for_a_moment():
    async def story(world):
        places = Places(MemoryRegistry(world.kept), knows=lambda book: book == "known here")
        told: list[bool] = []
        places.listen(lambda: told.append(places.known("b9")))
        places.saw({}, {"b1": Assigned("b1")})
        assert places.known("b1")
        assert places.known("known here")
        assert places.known("b9")
        await world.passes(UNKNOWN_S / 2)
        assert places.known("b9")
        await world.passes(UNKNOWN_S)
        assert not places.known("b9")
        assert told[-1] is False
        for number in range(NAMES_ASKED_MAX):
            places.known(f"c{number}")
        assert not places.known("one more")
        await world.passes(3 * UNKNOWN_S)
        assert places.known("one more")

    play(story)
