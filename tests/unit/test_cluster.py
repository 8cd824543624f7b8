"""Members of a cluster over a registry in memory, in a time that is made: who is there, who coordinates, whose each stream is."""

import asyncio
from contextvars import copy_context
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from runline.cluster.lease import Guard
from runline.cluster.limits import (
    BLIND_S_MAX,
    CONDITION_CHARS_MAX,
    CONDITIONS_TOLD_MAX,
    HELD_S_MAX,
    LEASE_S,
    NODES_MAX,
    RENEW_S,
    RETURN_S_MAX,
    SUSPECTED_S,
)
from runline.cluster.member import LeaseLost, Member, NotJoined
from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.places import Onlooker, Places
from runline.cluster.registry import COORDINATOR, Given, Lease, Load, Node, RegistryError, Seen, Taken, lease_of
from runline.cluster.sight import Sight
from runline.cluster.status import conditions_said, look_at, status_of
from runline.cluster.watch import Watch
from runline.engine.conditions import Condition
from runline.simulate.loop import OWNER, Owner, VirtualLoop

HOUR_NS = 3_600 * 10**9
SECOND_NS = 10**9


class Away(MemoryRegistry):
    """A registry that can be away."""

    away = False
    takes_s = 0.0

    async def look(self):
        return await self.there(super().look())

    async def renew(self, held):
        return await self.there(super().renew(held))

    async def take(self, name, holder, seen):
        return await self.there(super().take(name, holder, seen))

    async def there(self, work):
        if Away.away:
            work.close()
            raise RegistryError("it is away")
        found = await work
        await asyncio.sleep(Away.takes_s)  # waits: time is made
        return found


class Duties:
    """Takes what it is given, and hands over what it is asked for at once. heard: all that it was told."""

    def __init__(self):
        self.owns = set()
        self.heard = []
        self.member: Any = None
        self.tasks = set()

    def assigned(self, stream):
        self.heard.append(("assigned", stream.stream, stream.number))
        self.owns.add(stream.stream)
        self.begin(self.member.taken([Taken(stream, 10 + stream.number)]))

    def unassigned(self, stream):
        self.heard.append(("unassigned", stream.stream, stream.number))
        self.owns.discard(stream.stream)

    def coming(self, stream):
        self.heard.append(("coming" if stream.wanted else "not coming", stream.stream, stream.number))

    def going(self, stream):
        self.heard.append(("going", stream.stream, stream.number))
        if stream.wanted:
            self.owns.discard(stream.stream)
            self.begin(self.member.hand_over(stream))

    def begin(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Started:
    """A node that was started."""

    def __init__(self, world, name, level=1):
        self.owner = Owner()
        self.duties = Duties()
        # Each machine counts its time from another start.
        off_ns = len(world.started) * HOUR_NS
        node = Node(name, 0, f"{name}.example:1", f"{level}.0", level=level)
        self.member = Member(Away(world.kept), node, self.duties, lambda: world.now_ns() + off_ns)
        self.duties.member = self.member
        self.goes_by: list[int] = []
        self.member.goes_by = self.goes_by.append
        self.context = copy_context()
        self.context.run(OWNER.set, self.owner)
        self.task = world.loop.create_task(self.life(), context=self.context)
        # What comes of it is looked at, or not.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def life(self):
        await self.member.join()
        await self.member.run()

    @property
    def owns(self):
        return self.duties.owns


class World:
    def __init__(self, loop):
        self.loop = loop
        self.kept = Kept()
        self.registry = MemoryRegistry(self.kept)
        self.started = []

    def now_ns(self):
        return SECOND_NS + round(self.loop.time() * 1e9)

    def start(self, *names, level=1):
        found = [Started(self, name, level) for name in names]
        self.started += found
        return found if len(found) > 1 else found[0]

    def stop(self, node):
        self.loop.pause(node.owner)

    def go_on(self, node):
        self.loop.go_on(node.owner)

    async def passes(self, seconds):
        await asyncio.sleep(seconds)  # waits: time is made, and nobody waits for it

    def streams(self):
        return {one.stream: one.node for one in self.kept.streams.values()}

    def coordinator(self):
        lease = self.kept.leases.get(COORDINATOR)
        return lease.holder if lease else ""


def play(story, streams=12):
    loop = VirtualLoop()
    Away.away, Away.takes_s = False, 0.0
    try:
        world = World(loop)

        async def main():
            await world.registry.enroll(f"b{number}" for number in range(streams))
            try:
                await story(world)
            finally:
                for node in world.started:
                    loop.go_on(node.owner)
                    node.task.cancel()
                await asyncio.gather(*(node.task for node in world.started), return_exceptions=True)

        loop.run_until_complete(main())
    finally:
        loop.close()


def test_nodes_share_the_streams_and_one_of_them_coordinates():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        await world.passes(5)
        assert [len(node.owns) for node in nodes] == [4, 4, 4]
        assert world.coordinator() in ("n1", "n2", "n3")
        assert all(one.taken == one.number and one.epoch == 11 for one in world.kept.streams.values())
        assert all(node.member.guard.holds() for node in nodes)
        changed = {one.stream: one.changed for one in world.kept.streams.values()}
        await world.passes(600)
        assert {one.stream: one.changed for one in world.kept.streams.values()} == changed
        assert (await look_at(world.registry)).wrong == []

    play(story)


def test_a_node_that_dies_is_gone_within_three_seconds_and_each_of_its_streams_is_assigned_once():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        await world.passes(5)
        dead = next(node for node in nodes if node.member.me.name != world.coordinator())
        before, lost = dict(world.kept.streams), set(dead.owns)
        world.stop(dead)
        await world.passes(LEASE_S - RENEW_S)
        assert {one.stream for one in world.kept.streams.values() if one.node == dead.member.me.name} == lost
        await world.passes(1.2)
        assert dead.member.me.name not in world.streams().values()
        for name, one in world.kept.streams.items():
            assert one.number == before[name].number + (name in lost)
        assert sum(len(node.owns) for node in nodes if node is not dead) == 12

    play(story)


def test_the_coordinators_death_is_another_nodes_turn():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        await world.passes(5)
        dead = next(node for node in nodes if node.member.me.name == world.coordinator())
        world.stop(dead)
        await world.passes(3)
        assert world.coordinator() not in ("", dead.member.me.name)
        assert dead.member.me.name not in world.streams().values()

    play(story)


def test_who_comes_back_from_standing_still_holds_nothing_and_lets_go_of_all_its_streams():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        stopped = nodes[0]
        said = []
        # Asked as the first thing that happens once it runs again.
        stopped.context.run(world.loop.call_later, 3.9, lambda: said.append(stopped.member.guard.holds()))
        world.stop(stopped)
        await world.passes(4)
        assert said == []
        world.go_on(stopped)
        await world.passes(0.3)
        assert said == [False]
        with pytest.raises(LeaseLost):
            await stopped.task
        assert stopped.owns == set()
        assert not stopped.member.guard.holds()
        # It may come again, as another start.
        again = world.start("n1")
        await world.passes(1)
        assert again.member.me.incarnation > stopped.member.me.incarnation
        assert again.member.guard.holds()

    play(story)


def test_who_stood_still_for_less_than_that_goes_on_after_its_next_renewal():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        owns = set(nodes[0].owns)
        world.stop(nodes[0])
        await world.passes(HELD_S_MAX - 0.3)
        world.go_on(nodes[0])
        await world.passes(1)
        assert nodes[0].member.guard.holds()
        assert nodes[0].owns == owns

    play(story)


def test_a_node_that_is_suspected_gets_nothing_and_keeps_what_it_has():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        suspected = next(node for node in nodes if node.member.me.name != world.coordinator())
        [other] = [node for node in nodes if node is not suspected]
        owns = set(suspected.owns)
        world.stop(suspected)
        while not other.member.suspected:  # waits: time is made
            await world.passes(0.01)
        await world.registry.enroll(["c1", "c2", "c3", "c4"])
        await world.passes(0.2)
        world.go_on(suspected)
        await world.passes(0.2)
        assert {world.streams()[name] for name in ("c1", "c2", "c3", "c4")} == {world.coordinator()}
        assert suspected.owns == owns

    play(story)


def test_a_second_node_of_a_living_name_is_refused_and_one_of_a_dead_name_waits():
    async def story(world):
        first = world.start("n1")
        await world.passes(3)
        second = world.start("n1")
        with pytest.raises(NotJoined, match=r"There is a node n1 at n1.example:1: .* Remedy: give this one a name"):
            await second.task
        world.stop(first)
        third = world.start("n1")
        await world.passes(LEASE_S - 0.2)
        assert third.member.lease is None
        await world.passes(3)
        assert third.member.guard.holds()
        assert len(third.owns) == 12

    play(story)


def test_of_two_that_start_at_once_under_one_name_one_joins():
    async def story(world):
        first, second = world.start("n1", "n1")
        await world.passes(5)
        assert [node.task.done() for node in (first, second)] in ([True, False], [False, True])

    play(story)


@pytest.mark.parametrize("name", ["", "a b", "-n", "n" * 65])
def test_a_name_that_is_none_is_refused(name):
    async def story(world):
        with pytest.raises(NotJoined, match="no name of a node"):
            await world.start(name).task

    play(story)


def test_there_are_no_more_nodes_than_can_be():
    async def story(world):
        for number in range(NODES_MAX):
            await world.registry.take(lease_of(f"m{number}"), f"m{number}", None)
        with pytest.raises(NotJoined, match="no more can be"):
            await world.start("n1").task

    play(story)


def test_a_node_that_drains_hands_over_and_leaves_and_nobody_waits_for_it():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        leaving, staying = nodes
        await leaving.member.drain()
        assert (len(leaving.owns), len(staying.owns)) == (0, 12)
        told = [what for what, *_ in staying.duties.heard]
        assert told.count("coming") == 6
        assert [what for what, *_ in leaving.duties.heard].count("unassigned") == 6
        leaving.member.leave()
        await leaving.task
        assert not leaving.member.guard.holds()
        assert world.kept.leases[lease_of("n1")].holder == ""
        await world.passes(1)
        assert world.coordinator() == "n2"
        assert (await look_at(world.registry)).wrong == []

    play(story)


def test_draining_ends_with_the_lease():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        stuck = nodes[0]
        stuck.duties.going = lambda stream: None
        draining = asyncio.ensure_future(stuck.member.drain())
        await world.passes(5)
        assert not draining.done()
        name = lease_of("n1")
        await world.registry.take(name, "", world.kept.leases[name])
        await draining
        with pytest.raises(LeaseLost):
            await stuck.task

    play(story)


def test_a_node_that_leaves_at_once_leaves_its_streams_to_others_at_once():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        nodes[0].member.leave()
        await world.passes(0.5)
        assert nodes[0].owns == set()
        assert len(nodes[1].owns) == 12

    play(story)


def test_a_stream_that_is_pinned_goes_there_and_its_owner_is_asked_to_hand_it_over():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        stream = min(nodes[0].owns)
        assert await world.registry.pin(stream, "n2")
        await world.passes(3)
        assert stream in nodes[1].owns
        assert ("going", stream, 1) in nodes[0].duties.heard
        assert not await world.registry.pin("nothing", "n2")

    play(story)


def test_a_hot_node_gives_away_what_gains_most():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(5)
        hot = {name: Load(100_000, 10) for name in nodes[0].owns}
        await nodes[0].member.measured(600_000, hot)
        await world.passes(60)
        assert sum(1 for name in hot if name in nodes[1].owns) == 3

    play(story)


def test_a_database_that_was_away_takes_nobodys_lease():
    async def story(world):
        nodes = world.start("n1", "n2", "n3")
        await world.passes(5)
        changed = {one.stream: one.changed for one in world.kept.streams.values()}
        Away.away = True
        await world.passes(30)
        assert not any(node.member.guard.holds() for node in nodes)
        assert all("away" in node.member.failing for node in nodes)
        Away.away = False
        await world.passes(10)
        assert all(node.member.guard.holds() and node.member.failing == "" for node in nodes)
        assert {one.stream: one.changed for one in world.kept.streams.values()} == changed

    play(story)


def test_a_lease_is_held_since_before_the_renewal_was_sent():
    async def story(world):
        node = world.start("n1")
        await world.passes(5)
        Away.takes_s = 1.2
        await world.passes(20)
        # It is renewed every 1.2 s, and what comes in is 1.2 s old.
        guard = node.member.guard
        left = [0]
        for _ in range(200):
            await world.passes(0.01)
            left.append(guard.until_ns - guard.boot_ns())
        assert 0.55 * SECOND_NS < max(left) <= (HELD_S_MAX - 1.2) * SECOND_NS

    play(story)


def test_an_old_coordinator_assigns_nothing():
    async def story(world):
        await world.passes(0)
        term = await world.registry.take(COORDINATOR, "n1", None)
        b0, b1 = world.kept.streams["b0"], world.kept.streams["b1"]
        assert await world.registry.assign([Given(b0, "n1", 1)], term.number)
        assert not await world.registry.assign([Given(b0, "n1", 1)], term.number)
        await world.registry.take(COORDINATOR, "n2", term)
        assert not await world.registry.assign([Given(b1, "n1", 1)], term.number)
        assert not await world.registry.want(b1, "n1", term.number)

    play(story)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_no_two_nodes_speak_for_a_stream_and_each_has_an_owner_in_the_end(seed):
    """Nodes die, stand still, come back, come anew under their names, leave, drain; streams are opened and pinned; the database
    is away or slow. At no time do two nodes that run hold their leases and own the same stream."""
    chance = Random(seed)

    async def story(world):
        running: dict[str, Started] = {}
        stopped: list[Started] = []

        def check():
            speaking = [node for node in running.values() if node.member.guard.holds()]
            told = [stream for node in speaking for stream in node.owns]
            assert len(told) == len(set(told))

        async def passes(seconds):
            for _ in range(round(seconds * 50)):
                await world.passes(0.02)
                check()

        def come(name):
            if name not in running or running[name].task.done():
                running[name] = world.start(name)

        def stop(name):
            if name in running:
                stopped.append(running.pop(name))
                world.stop(stopped[-1])

        def go_on():
            if stopped:
                node = stopped.pop(chance.randrange(len(stopped)))
                world.go_on(node)
                # It is looked at beside whoever has its name by now.
                running[f"{node.member.me.name} {len(world.started)} {len(stopped)}"] = node

        def leave(name):
            if name in running:
                running.pop(name).member.leave()

        async def drain(name):
            await world.registry.drain(name, draining=True)

        for name in ("n1", "n2", "n3"):
            come(name)
        await passes(4)
        for number in range(60):
            name = f"n{chance.randrange(1, 6)}"
            match chance.randrange(10):
                case 0 | 1 | 2:
                    come(name)
                case 3:
                    stop(name)
                case 4:
                    go_on()
                case 5:
                    leave(name)
                case 6:
                    await drain(name)
                case 7:
                    await world.registry.enroll([f"c{number}"])
                    await world.registry.pin(f"c{number}", name)
                case 8:
                    stop(name)
                    await passes(chance.uniform(1.5, 3))
                    go_on()
                case 9:
                    Away.away, Away.takes_s = not Away.away, chance.choice((0.0, 0.0, 0.4, 0.9))
            await passes(chance.choice((0.1, 0.5, 2, 4)))
        Away.away, Away.takes_s = False, 0.0
        while stopped:
            go_on()
        for name in ("n1", "n2", "n3", "n4", "n5"):
            await passes(6)
            come(name)
            await world.registry.drain(name, draining=False)
        await passes(40)
        assert [one for one in (await look_at(world.registry)).wrong if "no owner" in one] == []
        told = sorted(stream for node in running.values() if node.member.guard.holds() for stream in node.owns)
        assert told == sorted(world.kept.streams)

    play(story)


# The guard and the watch


def test_the_guard_holds_since_before_the_renewal_was_sent():
    now = [10 * SECOND_NS]
    guard = Guard(lambda: now[0])
    assert not guard.holds()
    guard.renewed(9 * SECOND_NS)
    now[0] = round((9 + HELD_S_MAX) * SECOND_NS) - 1
    assert guard.holds()
    guard.renewed(8 * SECOND_NS)
    assert guard.holds()
    now[0] += 1
    assert not guard.holds()
    guard.renewed(now[0])
    assert guard.holds()
    guard.end()
    guard.renewed(now[0])
    assert not guard.holds()


def test_bounds_leave_time_for_what_they_are_about():
    # Whoever is taken for dead has known for longer that it holds nothing.
    assert HELD_S_MAX * 1.1 < LEASE_S
    # After a gap that is not noticed there is time for a renewal.
    assert RENEW_S + BLIND_S_MAX + RENEW_S < LEASE_S
    assert 2 * RENEW_S <= SUSPECTED_S < LEASE_S


def looked(watch, now, counter, *, at, took=0.0):
    """A look that was sent at a time and found the lease of n1 with this counter."""
    now[0] = round((at + took) * SECOND_NS)
    watch.saw(Seen({lease_of("n1"): Lease(lease_of("n1"), "n1", 1, counter)}, 0), round(at * SECOND_NS))


def test_a_lease_expires_after_it_was_seen_unchanged_for_long_enough():
    now = [0]
    watch = Watch(lambda: now[0])
    assert not watch.expired(lease_of("n1"))
    for tenth in range(21):
        looked(watch, now, 7, at=1 + tenth / 10, took=0.05)
        assert not watch.expired(lease_of("n1"))
        assert list(watch.suspected()) == ([lease_of("n1")] if tenth > 10 else [])
    looked(watch, now, 7, at=3.1)
    assert watch.expired(lease_of("n1"))
    looked(watch, now, 8, at=3.2)
    assert not watch.expired(lease_of("n1"))


def test_whoever_has_not_looked_for_a_while_begins_anew():
    now = [0]
    watch = Watch(lambda: now[0])
    looked(watch, now, 7, at=1)
    for tenth in range(round(10 * (RETURN_S_MAX + LEASE_S))):
        looked(watch, now, 7, at=100 + tenth / 10)
        assert not watch.expired(lease_of("n1"))
        assert list(watch.suspected()) == ([lease_of("n1")] if tenth >= 10 * (RETURN_S_MAX + SUSPECTED_S) else [])
    looked(watch, now, 7, at=100 + RETURN_S_MAX + LEASE_S)
    assert watch.expired(lease_of("n1"))
    # Who has come back is watched as ever.
    for tenth in range(1, 22):
        assert not watch.expired(lease_of("n1")) or tenth == 1
        looked(watch, now, 8, at=100 + RETURN_S_MAX + LEASE_S + tenth / 10)
    assert watch.expired(lease_of("n1"))


def test_a_look_that_was_long_on_its_way_tells_nothing_of_the_time_before():
    now = [0]
    watch = Watch(lambda: now[0])
    looked(watch, now, 7, at=1)
    looked(watch, now, 7, at=1.5, took=1.6)
    looked(watch, now, 7, at=3.2)
    assert not watch.expired(lease_of("n1"))
    assert list(watch.suspected()) == []


# Levels


def test_two_neighbouring_versions_go_by_the_lower_level_until_the_last_node_of_it_has_gone():
    async def story(world):
        old = world.start("n1", "n2")
        await world.passes(3)
        new = world.start("n3", level=2)
        await world.passes(10)
        assert {node.goes_by[-1] for node in (*old, new)} == {1}
        status = await look_at(world.registry)
        assert (status.level, [one.level for one in status.nodes]) == (1, [1, 1, 2])
        assert status.wrong == []
        for node in old:
            await node.member.drain()
            node.member.leave()
            await node.task
        await world.passes(2)
        assert new.goes_by[-1] == (await look_at(world.registry)).level == 2
        assert len(new.owns) == 12

    play(story)


def test_a_dead_node_of_the_version_before_holds_the_level_until_it_has_no_lease_any_more_and_comes_back_as_the_new_one():
    async def story(world):
        old, new = world.start("n1"), world.start("n2", level=2)
        await world.passes(3)
        world.stop(old)
        await world.passes(LEASE_S - RENEW_S)
        assert new.goes_by[-1] == 1
        await world.passes(2)
        assert new.goes_by[-1] == 2
        world.go_on(old)
        with pytest.raises(LeaseLost):
            await old.task
        with pytest.raises(
            NotJoined, match=r"go by level 2, and this version of Runline \(1\.0\) is of level 1: it could not read"
        ):
            await world.start("n1").task
        again = world.start("n1", level=2)
        await world.passes(2)
        assert again.member.guard.holds()

    play(story)


def test_a_version_that_is_no_neighbour_joins_only_where_nobody_lives():
    async def story(world):
        old = world.start("n1")
        await world.passes(3)
        with pytest.raises(
            NotJoined, match=r"only neighbours run side by side\. Remedy: replace all nodes by the version of level 2"
        ):
            await world.start("n2", level=3).task
        world.stop(old)
        new = world.start("n2", level=3)
        await world.passes(LEASE_S - 0.2)
        assert new.member.lease is None
        await world.passes(3)
        assert new.member.guard.holds()
        assert new.goes_by[-1] == world.kept.level == 3
        assert len(new.owns) == 12

    play(story)


@pytest.mark.parametrize("level", [2, 3])
def test_a_node_that_stood_still_while_others_began_at_a_level_it_cannot_read_is_out_though_its_lease_is_there(level):
    async def story(world):
        old = world.start("n1")
        await world.passes(3)
        world.kept.level = level
        with pytest.raises(LeaseLost, match=f"go by level {level}"):
            async with asyncio.timeout(60):
                await old.task
        assert not old.member.guard.holds()
        assert old.owns == set()

    play(story)


def test_who_joins_while_the_level_is_raised_is_refused_or_holds_it():
    """Whoever coordinates has looked before the node of the version before came."""

    async def story(world):
        new = world.start("n2", level=2)
        await world.passes(3)
        world.kept.level = 1
        seen = await world.registry.look()
        old = world.start("n1")
        while old.member.lease is None or not old.member.guard.holds():  # waits: time is made
            await world.passes(0.01)
        assert not await world.registry.set_level(2, seen)
        await world.passes(3)
        assert new.goes_by[-1] == old.goes_by[-1] == 1
        # And the other way round: it is raised between the look of one that joins and its joining.
        set_level = MemoryRegistry.set_level

        async def late(registry, level, seen):
            registry.kept.level, registry.kept.levels = 2, registry.kept.levels + 1
            return await set_level(registry, level, seen)

        third = world.start("n3")
        registry: Any = third.member.registry
        registry.set_level = late.__get__(registry)
        with pytest.raises(NotJoined, match="go by level 2"):
            await third.task
        assert world.kept.leases[lease_of("n3")].holder == ""

    play(story)


def test_of_many_that_start_at_once_all_join():
    async def story(world):
        nodes = world.start(*(f"n{number}" for number in range(8)))
        await world.passes(5)
        assert all(node.member.guard.holds() for node in nodes)

    play(story)


def test_a_gateway_whose_level_the_nodes_have_left_behind_reaches_nobody():
    async def main():
        registry = MemoryRegistry(Kept())
        await registry.take(lease_of("n1"), "n1", None)
        places = Places(registry)
        looking = Onlooker(registry, places, level=1)
        await looking.look()
        assert dict(places.there) == {"n1": 1}
        assert await registry.set_level(2, await registry.look())
        await looking.look()
        assert dict(places.there) == {}
        await places.close()

    asyncio.run(main())


def test_a_node_looks_at_the_streams_alone_that_have_changed():
    async def story(world):
        node = world.start("n1")
        await world.passes(3)
        told, tell = [], node.member.tell

        def heard(before, now):
            told.append(now.stream)
            tell(before, now)

        node.member.tell = heard
        [stream, *_] = sorted(world.kept.streams)
        await world.registry.pin(stream, "n9")
        await world.passes(3)
        assert told == [stream]

    play(story)


# The status


def test_what_is_not_well_at_a_node_is_told_to_the_others_of_much_the_first_and_cut():
    standing = [
        Condition("store", "", "degraded", "it is slow", 0),
        Condition("stream", "b1", "failing", "x" * 1_000, 0),
    ]
    first, second = conditions_said(standing)
    assert first == "store is degraded: it is slow"
    assert second.startswith("stream b1 is failing: xxx")
    assert len(second) == CONDITION_CHARS_MAX
    many = [Condition("stream", f"b{number}", "failing", "why", 0) for number in range(CONDITIONS_TOLD_MAX + 3)]
    said = conditions_said(many)
    assert len(said) == CONDITIONS_TOLD_MAX + 1
    assert said[-1] == "3 more conditions are not told here."
    assert len(conditions_said(many[:CONDITIONS_TOLD_MAX])) == CONDITIONS_TOLD_MAX


def test_what_a_node_says_is_not_well_there_is_shown_by_status_and_query_until_it_has_gone():
    async def story(world):
        nodes = world.start("n1", "n2")
        await world.passes(3)
        await nodes[1].member.measured(0, {}, ["store is degraded: it is slow"])
        status = await look_at(world.registry)
        assert [list(one.conditions) for one in status.nodes] == [[], ["store is degraded: it is slow"]]
        assert status.wrong == ["n2: store is degraded: it is slow"]
        shown = (await Sight(world.registry).rows())["cluster"]
        assert [(row.cluster_node, row.conditions) for row in shown] == [
            ("n1", []),
            ("n2", ["store is degraded: it is slow"]),
        ]
        nodes[1].member.leave()
        await world.passes(3)
        status = await look_at(world.registry)
        assert status.nodes[1].state == "gone"
        assert not status.nodes[1].conditions
        assert status.wrong == []

    play(story)


def test_the_status_says_in_words_what_is_wrong():
    async def story(world):
        assert (await look_at(world.registry)).wrong == [
            "No node has ever joined. A server of one process (`runline serve`) joins no cluster.",
            "b0, b1, b10, b11, b2 and 7 more have no owner, and accept nothing: whoever coordinates gives them to nodes.",
        ]
        world.start("n1", "n2")
        await world.passes(5)
        registry = world.registry
        seen, nodes, streams = await registry.look(), await registry.nodes(), await registry.streams()
        assert status_of(seen, nodes, streams).wrong == []

        def with_lease(name, **changes):
            return Seen({**seen.leases, name: replace(seen.leases[name], **changes)}, 0)

        suspected = status_of(with_lease(lease_of("n2"), age_ms=1_300), nodes, streams)
        assert suspected.wrong == [
            "n2 is suspected: it has not renewed its lease for 1.3 s; after 2 s its streams go elsewhere."
        ]
        silent = status_of(with_lease(lease_of("n2"), age_ms=7_000), nodes, streams)
        assert silent.wrong == [
            "n2 is silent: it has not renewed its lease for 7.0 s; whoever coordinates gives its streams to others."
        ]
        nobody = status_of(with_lease(COORDINATOR, holder=""), nodes, streams)
        assert nobody.wrong == [
            "Nobody coordinates: streams of a node that dies stay without an owner. Any node that is there takes that over "
            "within about 3 s."
        ]
        draining = {name: replace(node, draining=True) for name, node in nodes.items()}
        one = {"b0": replace(streams["b0"], incarnation=9)}
        assert status_of(seen, draining, one).wrong == [
            "b0 has no owner, and accepts nothing: every node that is there drains. Remedy: start another one."
        ]
        untaken = {"b0": replace(streams["b0"], taken=0)}
        assert status_of(seen, nodes, untaken).wrong == ["b0 has been given to a node that has not yet taken it."]

    play(story)


def test_whoever_looks_on_goes_on_after_a_fault():
    class Faulty(MemoryRegistry):
        looks = 0

        async def look(self):
            self.looks += 1
            if self.looks == 1:
                raise ValueError("what is registered cannot be read")
            return await super().look()

    loop = VirtualLoop()

    async def main():
        registry = Faulty(Kept())
        await registry.enroll(["b1"])
        places = Places(registry)
        looking = loop.create_task(Onlooker(registry, places, level=1).run())
        await asyncio.sleep(5)  # waits: time is made, and nobody waits for it
        assert list(places.streams) == ["b1"]
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
