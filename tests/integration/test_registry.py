"""Every registry: leases are taken as they were seen, streams are written as they were read."""

import asyncio
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.integration.postgresql import cluster
from tests.integration.world import play

from runline.cluster.limits import GONE_KEPT_MAX
from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.places import Onlooker, Places
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import COORDINATOR, Assigned, Given, Load, Node, NotTheirs, RegistryError, Taken, lease_of
from runline.engine.ports import StoreError
from runline.store.postgres_connection import connect

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'runline n1 streams' AND wait_event_type = 'Lock'"
)


class Registries:
    """Makes registries over the same, and closes them."""

    def __init__(self, make):
        self.make = make

    async def tell(self, told):
        """Run a story with two of them."""
        one, two = self.make(), self.make()
        try:
            await told(one, two)
        finally:
            await one.close()
            await two.close()


@pytest.fixture(params=["memory", "postgresql"])
def registries(request, path):
    if request.param == "memory":
        kept = Kept()
        return Registries(lambda: MemoryRegistry(kept))
    url = cluster().of(path)
    return Registries(lambda: PostgresRegistry(url, "n1"))


def story(registries):
    """Runs it at once."""
    return lambda told: play(registries.tell(told))


def test_a_lease_is_taken_by_one_and_only_as_it_was_seen(registries):
    @story(registries)
    async def _(one, two):
        name = lease_of("n1")
        first = await one.take(name, "n1", None)
        assert first is not None
        assert (first.holder, first.counter) == ("n1", 0)
        assert await two.take(name, "n2", None) is None
        assert (await two.look()).incarnation("n1") == first.number
        renewed = (await one.renew([first])).leases[name]
        assert (renewed.number, renewed.counter) == (first.number, 1)
        # It was renewed since it was seen.
        assert await two.take(name, "n2", first) is None
        second = await two.take(name, "", renewed)
        assert second is not None
        assert second.holder == ""
        assert second.number > first.number
        assert name not in (await one.renew([first])).leases
        seen = await one.look()
        assert seen.incarnation("n1") == 0
        # Nobody renews what nobody has.
        assert name not in (await two.renew([second])).leases
        third = await one.take(name, "n1", seen.leases[name])
        assert third is not None
        assert third.number > second.number


def test_several_leases_are_renewed_at_once_and_others_are_seen(registries):
    @story(registries)
    async def _(one, two):
        mine = await one.take(lease_of("n1"), "n1", None)
        term = await one.take(COORDINATOR, "n1", None)
        other = await two.take(lease_of("n2"), "n2", None)
        seen = await one.renew([mine, term])
        found = {name: (lease.holder, lease.counter) for name, lease in seen.leases.items()}
        assert found == {lease_of("n1"): ("n1", 1), COORDINATOR: ("n1", 1), lease_of("n2"): ("n2", 0)}
        await two.renew([other])
        assert (await one.look()).leases[lease_of("n2")].counter == 1


def test_what_nodes_say_of_themselves_is_read(registries):
    @story(registries)
    async def _(one, two):
        await one.describe(Node("n1", 1, "here:1", "1.0"))
        await one.measured("n1", 1, 250_000, {"b1": Load(100, 7)}, ["store is degraded: it is slow"])
        await two.measured("n1", 9, 1, {})
        assert await two.drain("n1", True)
        assert not await two.drain("n9", True)
        loads, conditions = {"b1": Load(100, 7)}, ("store is degraded: it is slow",)
        said = Node("n1", 1, "here:1", "1.0", True, 250_000, loads, conditions=conditions)
        assert await two.nodes() == {"n1": said}
        await one.describe(Node("n1", 2, "there:2", "1.1"))
        assert await two.nodes() == {"n1": Node("n1", 2, "there:2", "1.1")}


def test_the_level_is_written_as_it_was_seen(registries):
    @story(registries)
    async def _(one, two):
        seen = await one.look()
        assert seen.level == 1
        # Many may join at once.
        assert await one.set_level(1, seen)
        assert await two.set_level(1, seen)
        assert not await two.set_level(2, seen)
        seen = await two.look()
        assert await two.set_level(2, seen)
        assert (await one.look()).level == 2
        assert not await one.set_level(3, seen)
        lease = await one.take(lease_of("n1"), "n1", None)
        assert (await one.renew([lease])).level == 2
        await one.describe(Node("n1", lease.number, "here:1", "2.0", level=2))
        assert (await two.nodes())["n1"].level == 2


def test_nodes_that_went_first_are_forgotten_and_no_number_is_given_twice(registries):
    @story(registries)
    async def _(one, two):
        numbers = []
        for count in range(GONE_KEPT_MAX + 2):
            lease = await one.take(lease_of(f"m{count}"), f"m{count}", None)
            await one.describe(Node(f"m{count}", lease.number, "here:1", "1.0"))
            numbers += [lease.number, (await one.take(lease.name, "", lease)).number]
        # The one that joins is not gone when it joins.
        assert len(await two.nodes()) == GONE_KEPT_MAX + 1
        assert "m0" not in await two.nodes()
        assert lease_of("m0") not in (await two.look()).leases
        numbers.append((await two.take(lease_of("m0"), "m0", None)).number)
        assert numbers == sorted(set(numbers))


def test_a_stream_is_assigned_as_it_was_read_by_whoever_has_the_coordinators_lease(registries):
    @story(registries)
    async def _(one, two):
        await one.enroll(["b1"])
        await one.enroll(["b1", "b2"])
        streams = await two.streams()
        assert sorted(streams) == ["b1", "b2"]
        stamp = (await two.look()).stamp
        first = streams["b1"]
        assert first == Assigned("b1", changed=first.changed)
        assert not await one.assign([Given(first, "n1", 1)], 0)
        term = await one.take(COORDINATOR, "n1", None)
        assert term is not None
        assert await one.assign([Given(first, "n1", 1)], term.number)
        assert not await one.assign([Given(first, "n2", 1)], term.number)
        now = (await two.streams())["b1"]
        assert (now.node, now.incarnation, now.number) == ("n1", 1, 1)
        assert (await two.look()).stamp > stamp
        later = await two.take(COORDINATOR, "n2", term)
        assert not await one.assign([Given(now, "n2", 1)], term.number)
        assert not await one.want(now, "n2", term.number)
        assert await two.want(now, "n2", later.number)


def test_a_stream_is_not_given_away_while_its_owner_holds_its_lease(registries):
    @story(registries)
    async def _(one, two):
        await one.enroll(["b1"])
        term = await one.take(COORDINATOR, "n1", None)
        owner = await two.take(lease_of("n2"), "n2", None)
        assert await one.assign([Given((await one.streams())["b1"], "n2", owner.number)], term.number)
        owned = (await one.streams())["b1"]
        assert not await one.assign([Given(owned, "n1", 1)], term.number)
        assert (await one.streams())["b1"] == owned
        await two.take(owner.name, "", owner)
        assert await one.assign([Given(owned, "n1", 1)], term.number)


def test_a_stream_is_taken_and_handed_over_by_its_owner_alone(registries):
    @story(registries)
    async def _(one, two):
        await one.enroll(["b1"])
        term = await one.take(COORDINATOR, "n1", None)
        await one.assign([Given((await one.streams())["b1"], "n1", 1)], term.number)
        mine = (await one.streams())["b1"]
        await one.taken([Taken(mine, 17)])
        await one.taken([Taken(replace(mine, incarnation=2), 18)])
        assert not await one.hand_over(mine, 5)
        await one.want((await one.streams())["b1"], "n2", term.number)
        going = (await one.streams())["b1"]
        assert (going.number, going.taken, going.epoch, going.wanted) == (1, 1, 17, "n2")
        assert not await one.hand_over(replace(going, wanted="n3"), 5)
        assert await one.hand_over(going, 5)
        assert not await one.hand_over(going, 5)
        gone = (await two.streams())["b1"]
        assert (gone.node, gone.incarnation, gone.number, gone.taken, gone.wanted) == ("n2", 5, 2, 1, "")
        await one.taken([Taken(mine, 19)])
        assert (await two.streams())["b1"] == gone
        assert await two.pin("b1", "n2")
        assert not await two.pin("b9", "n2")
        assert (await two.streams())["b1"].pinned == "n2"
        assert await two.move("b1", "n3")
        assert not await two.move("b9", "n3")
        moved = (await one.streams())["b1"]
        assert (moved.node, moved.wanted, moved.pinned) == ("n2", "n3", "")
        assert await two.pin("b1", "n2")
        # It is there already, and does not go elsewhere any more; nor is it pinned no more.
        assert await two.move("b1", "n2")
        stays = (await one.streams())["b1"]
        assert (stays.node, stays.wanted, stays.pinned) == ("n2", "", "n2")


def test_streams_of_a_dead_node_are_given_and_said_to_be_taken_at_once_each_as_it_was_read(registries):
    @story(registries)
    async def _(one, two):
        await one.enroll(["b1", "b2", "b3", "b4"])
        term = await one.take(COORDINATOR, "n1", None)
        living = await two.take(lease_of("n2"), "n2", None)
        read = await one.streams()
        assert await one.assign([Given(read["b4"], "n2", living.number)], term.number)
        read = await one.streams()
        await two.pin("b2", "n3")
        given = [Given(read[name], f"n{5 + number}", 7) for number, name in enumerate(sorted(read))]
        # One has been written since, another has an owner that lives.
        assert sorted(await one.assign(given, term.number)) == ["b1", "b3"]
        now = await two.streams()
        assert {name: (of.node, of.incarnation, of.number) for name, of in now.items()} == {
            "b1": ("n5", 7, 1), "b2": ("", 0, 0), "b3": ("n7", 7, 1), "b4": ("n2", living.number, 1),
        }  # fmt: skip
        other = replace(now["b4"], node="n9")
        await two.taken([Taken(now["b3"], 8), Taken(other, 9), Taken(now["b1"], 10)])
        assert {name: (of.taken, of.epoch) for name, of in (await one.streams()).items()} == {
            "b1": (1, 10), "b2": (0, 0), "b3": (1, 8), "b4": (0, 0),
        }  # fmt: skip


def test_who_has_the_house_no_more_wants_nothing_of_the_nodes(registries):
    @story(registries)
    async def _(one, two):
        lease = await one.take(lease_of("n1"), "n1", None)
        term = (await one.take(COORDINATOR, "n1", None)).number
        await one.describe(Node("n1", lease.number, "here", "1"))
        await one.enroll(["house", "b1", "z1"])
        streams = await one.streams()
        await one.assign([Given(one, "n1", lease.number) for one in streams.values()], term)
        former = (await one.streams())["house"]
        for stream in ("b1", "house", "z1"):
            assert await one.pin(stream, "n2", former)
            assert await one.move(stream, "n3", former)
        assert await one.drain("n1", True, former)
        assert not await one.pin("nothing", "n2", former)
        assert not await one.drain("n9", True, former)
        await one.taken([Taken(former, 1)])
        wanted = (await one.streams())["house"]
        assert await one.hand_over(wanted, 9)
        for number in (former.number, former.number + 1):
            stale = replace(former, number=number)
            for stream in ("b1", "house", "z1", "nothing"):
                with pytest.raises(NotTheirs):
                    await one.pin(stream, "", stale)
                with pytest.raises(NotTheirs):
                    await one.move(stream, "n1", stale)
            with pytest.raises(NotTheirs):
                await one.drain("n1", False, stale)
        after = await two.streams()
        assert {name: (one.wanted, one.pinned) for name, one in after.items()} == {
            "house": ("", ""),
            "b1": ("n3", ""),
            "z1": ("n3", ""),
        }
        assert (await two.nodes())["n1"].draining
        assert await two.move("b1", "n1", after["house"])


def test_who_wants_something_for_the_house_waits_for_whoever_just_gives_it_away(path):
    url = cluster().of(path)

    async def main():
        registry = PostgresRegistry(url, "n1")
        await registry.enroll(["house", "b1"])
        connection = await connect(url, "runline giving")
        house = Assigned("house", "n1", 1, 1)
        await connection.execute(
            "UPDATE cluster_streams SET node = 'n1', incarnation = 1, number = 1 WHERE stream = 'house'"
        )
        giving = connection.transaction()
        await giving.start()
        await connection.execute("UPDATE cluster_streams SET node = 'n2', number = 2 WHERE stream = 'house'")
        pinning = asyncio.ensure_future(registry.pin("b1", "n9", house))
        looking = await connect(url, "runline looking")
        while not await looking.fetchval(WAITING):
            assert not pinning.done()
        await giving.commit()
        with pytest.raises(NotTheirs):
            await pinning
        assert (await registry.streams())["b1"].pinned == ""
        await connection.close()
        await looking.close()
        await registry.close()

    play(main())


def counted(registry):
    """How many rows each statement finds that a registry asks, from now on."""
    found, ask_over = [], registry.ask_over

    async def ask(*asked):
        rows = await ask_over(*asked)
        found.append(len(rows))
        return rows

    registry.ask_over = ask
    return found


def test_of_a_thousand_streams_those_are_read_that_have_changed(path):
    url = cluster().of(path)

    async def main():
        one, two = PostgresRegistry(url, "n1"), PostgresRegistry(url, "n2")
        await one.enroll([f"b{number}" for number in range(1_000)])
        rows = counted(one)
        before = await one.streams()
        assert len(before) == rows.pop() == 1_000
        await two.pin("b7", "n2")
        after = await one.streams()
        assert {name for name in after if after[name] is not before[name]} == {"b7"}
        assert (before["b7"].pinned, after["b7"].pinned) == ("", "n2")
        assert rows.pop() == 1
        again = await one.streams()
        assert all(again[name] is after[name] for name in after)
        assert rows.pop() <= 1
        await two.enroll(["b1000"])
        assert len(await one.streams()) == 1_001
        assert rows.pop() == 1
        # What it read over a connection that is gone counts for nothing.
        one.let_go("streams")
        assert await one.streams() == await two.streams()
        assert rows.pop() == 1_001
        await one.close()
        await two.close()

    play(main())


def test_what_was_being_written_while_streams_were_read_is_read_the_next_time(path):
    url = cluster().of(path)

    async def main():
        registry = PostgresRegistry(url, "n1")
        await registry.enroll(["b1", "b2"])
        connection = await connect(url, "runline writing")
        writing = connection.transaction()
        await writing.start()
        await connection.execute("UPDATE cluster_streams SET pinned = 'n9' WHERE stream = 'b1'")
        assert (await registry.streams())["b1"].pinned == ""
        # Others have written, and were read, since.
        await registry.pin("b2", "n8")
        assert (await registry.streams())["b2"].pinned == "n8"
        await writing.commit()
        assert (await registry.streams())["b1"].pinned == "n9"
        await connection.close()
        await registry.close()

    play(main())


def test_whoever_listens_is_woken_by_what_changes(registries):
    @story(registries)
    async def _(one, two):
        woken = asyncio.Event()
        one.listen(woken.set)
        await one.look()
        for change in (
            lambda: two.enroll(["b1"]),
            lambda: two.take(COORDINATOR, "n2", None),
            lambda: two.pin("b1", "n1"),
        ):
            woken.clear()
            await change()
            await woken.wait()


def test_streams_that_are_stored_are_known(path):
    url = cluster().of(path)
    cluster().ask(url.partition("@/")[2].partition("?")[0], "INSERT INTO heads VALUES ('house', 1, 0, '', 0, 0, 0)")

    async def main():
        registry = PostgresRegistry(url, "n1")
        await registry.enroll(["b1"])
        assert sorted(await registry.streams()) == ["b1", "house"]
        await registry.close()

    play(main())


def test_a_database_that_does_not_answer_is_given_up_and_tried_again_over_another_connection(path, monkeypatch):
    monkeypatch.setitem(PostgresRegistry.ask.__globals__["SILENCE_S"], "leases", 0.2)
    url = cluster().of(path)

    async def main():
        one, two = PostgresRegistry(url, "n1"), PostgresRegistry(url, "n2")
        lease = await one.take(COORDINATOR, "n1", None)
        assert lease is not None
        holding = await two.connected("streams")
        async with holding.transaction():
            await holding.execute("SELECT * FROM cluster_leases FOR UPDATE")
            with pytest.raises(RegistryError, match="does not answer in time"):
                await one.renew([lease])
            assert COORDINATOR in (await one.look()).leases
        # What was sent was not cancelled, and is done now; another renewal comes after it.
        counter = (await one.renew([lease])).leases[COORDINATOR].counter
        assert counter in (1, 2)
        await one.close()
        await two.close()

    play(main())


def test_who_was_the_coordinator_assigns_nothing_even_while_another_just_becomes_it(path):
    url = cluster().of(path)

    async def main():
        one, two = PostgresRegistry(url, "n1"), PostgresRegistry(url, "n2")
        await one.enroll(["b1"])
        stream = (await one.streams())["b1"]
        term = await one.take(COORDINATOR, "n1", None)
        assert term is not None
        # Another is just taking the lease: it has been changed, and not yet durably.
        taking = await two.connected("streams")
        transaction = taking.transaction()
        await transaction.start()
        await taking.execute("UPDATE cluster_leases SET holder = 'n2', number = nextval('cluster_numbers')")
        asked = asyncio.create_task(one.assign([Given(stream, "n1", 1)], term.number))
        while not asked.done() and not await asyncio.to_thread(waiting, url):
            pass  # waits: for the server to say that it waits
        await transaction.commit()
        assert not await asked
        await one.close()
        await two.close()

    play(main())


def test_whoever_only_looks_reads_the_links_secret_once_somebody_has_offered_one(registries):
    @story(registries)
    async def _(one, two):
        with pytest.raises(RegistryError, match=r"[Nn]o node has ever joined"):
            await two.secret(b"")
        assert await one.secret(b"what is offered first") == b"what is offered first"
        assert await two.secret(b"") == await two.secret(b"another") == b"what is offered first"
        with pytest.raises(RegistryError, match=r"[Nn]o node has ever joined"):
            await two.secret(b"", "gateways")
        assert await one.secret(b"that of gateways", "gateways") == b"that of gateways"
        assert await two.secret(b"") == b"what is offered first"


def test_a_user_of_the_database_who_may_only_look_is_enough_for_a_gateway(path):
    """As docs/how-to/many-machines.md has it."""
    url = cluster().of(path)
    name = url.partition("@/")[2].partition("?")[0]
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "many-machines.md").read_text()
    (granted,) = re.findall(r"GRANT SELECT ON [a-z_, ]+ TO runline_gateway", text)
    cluster().ask(name, "CREATE ROLE runline_gateway LOGIN")
    cluster().ask(name, granted)

    async def main():
        node, gate = (
            PostgresRegistry(url, "n1"),
            PostgresRegistry(url.replace("//runline@", "//runline_gateway@"), "g1"),
        )
        woken = asyncio.Event()
        gate.listen(woken.set)
        await node.secret(b"a secret")
        await node.secret(b"a lesser one", "gateways")
        await node.enroll(["house"])
        assert await gate.secret(b"", "gateways") == b"a lesser one"
        places = Places(gate)
        await Onlooker(gate, places, level=1).look()
        assert list(places.streams) == ["house"]
        assert await gate.nodes() == {}
        woken.clear()
        await node.enroll(["b1"])
        await woken.wait()
        refused = (gate.enroll(["b2"]), gate.secret(b"another", "gateways"), gate.secret(b""), gate.pin("b1", "n1"))
        for written in refused:
            with pytest.raises(RegistryError, match="permission denied"):
                await written
        await places.close()
        await gate.close()
        await node.close()

    try:
        play(asyncio.wait_for(main(), 60))
    finally:
        cluster().ask(name, "DROP OWNED BY runline_gateway")
        cluster().ask("postgres", "DROP ROLE runline_gateway")


def waiting(url):
    """How many sessions of a database wait for another one."""
    name = url.partition("@/")[2].partition("?")[0]
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
    return cluster().ask("postgres", sql, name)[0][0]


def test_a_database_without_the_tables_is_said_to_be_one():
    address = cluster().empty("recipes_of_ours")

    async def main():
        registry = PostgresRegistry(address, "n1")
        with pytest.raises(RegistryError, match=r"has no registry of nodes\. Remedy: start `runline serve` on it"):
            await registry.look()
        await registry.close()

    try:
        play(main())
    finally:
        cluster().ask("postgres", "DROP DATABASE recipes_of_ours WITH (FORCE)")


def test_a_database_that_is_not_there_and_one_that_others_could_listen_to_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_connection.CONNECT_S_MAX", 0)

    async def main():
        with pytest.raises(RegistryError, match="cannot be reached"):
            await PostgresRegistry(f"postgresql://runline@/none?host={tmp_path}", "n1").look()

    play(main())
    with pytest.raises(StoreError, match="verify-full"):
        PostgresRegistry("postgresql://runline@db.example/runline", "n1")
