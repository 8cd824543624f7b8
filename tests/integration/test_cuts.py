"""The network is cut between two only, both ways or one way: an owner and the database, an owner and a gateway, the house's owner
and a book's. Whoever is asked, every acknowledged command is executed exactly once, nobody answers for what is another's by now,
and all comes right by itself once the network does."""

import asyncio
import os
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.doubles.certificates import Authority
from tests.doubles.coming import comes_true
from tests.integration.namespaces import are_to_be_had, machines
from tests.integration.nodes import SAYS_S_MAX, NodeProcess, filled, nodes_of, took
from tests.integration.postgresql import cluster
from tests.integration.test_nodes import SHARED, bettors, is_all_there_once, load
from tests.integration.world import play

from cluster_links import DATABASE, Net
from runline.domain.messages import HOUSE

pytestmark = pytest.mark.usefixtures("programs")

WAYS = {"both": ["there", "back"], "there": ["there"], "back": ["back"]}
"""What is lost: what the first says to the second, and what it is told."""

KINDS = list(WAYS) if os.environ.get("TEST_ONE_WAY") else ["both"]


@pytest.fixture
def nodes(path):
    with nodes_of(filled(path)) as found:
        yield found


@asynccontextmanager
async def apart(nodes, *names, gateways=()):
    """Nodes and gateways, and a net between all of them and the database."""
    numbers: dict[int, str] = {}
    database = nodes.url.partition("@/")[2].partition("?")[0]
    net = Net(nodes.folder, [cluster().folder], lambda number: numbers.get(number, ""))
    await net.begin(names)
    try:
        for name in (*names, *gateways):
            words = ("--role", "gateway") if name in gateways else ()
            listens = net.behind(name) if name in names else None
            url = net.url(name, database) if name in names else nodes.url
            node = NodeProcess(url, name, net.at(name).parent, *words, listens=listens)
            numbers[node.child.pid] = name
            nodes.processes.append(node)
            await asyncio.to_thread(getattr, node, "address")
        yield net
    finally:
        await net.end()


async def is_ready(node, stream=""):
    """Whether commands of a stream, or of all, can be recorded by a process."""
    async with httpx.AsyncClient(base_url=node.address, timeout=60) as client:
        return (await client.get("/v1/ready", params={"stream": stream} if stream else {})).status_code == 200


async def place_until_stale(bettor):
    """Place wagers until the house is not current, and then one more, which is taken once it is."""
    while not bettor.seen["house_stale"]:
        await bettor.place()


@pytest.mark.parametrize("way", KINDS)
def test_an_owner_that_cannot_reach_the_database_has_nothing_any_more_and_is_a_node_again_when_it_can(nodes, way):
    async def main():
        async with apart(nodes, "n1", "n2") as net:
            first, second = nodes.processes
            await nodes.pin(SHARED)
            found = await bettors(first, second)
            async with load(found):
                cut_s = time.monotonic()
                net.cut("n1", DATABASE, WAYS[way])
                assert set((await nodes.all_taken(second)).values()) == {"n2"}
                took(f"owner and database, {way}: taken by another", cut_s)
                for one in found:
                    await one.place(first=1)
                took(f"owner and database, {way}: all books have taken a wager again", cut_s)
                assert not await is_ready(first)
                assert await is_ready(second)
                status = await nodes.registered(lambda status: status.coordinator == "n2")
                assert {node.name: node.state for node in status.nodes} == {"n1": "gone", "n2": "there"}
                net.mend("n1", DATABASE)
                mended_s = time.monotonic()
                # They are kept at the first one, and come back to it.
                await nodes.registered(
                    lambda status: (
                        SHARED.items() <= {one.stream: one.node for one in status.streams if one.taken}.items()
                    )
                )
                took(f"owner and database, {way}: is a node again, and has its streams", mended_s)
                for one in found:
                    await one.place(first=0)
            await is_all_there_once(nodes, found)

    play(main())


@pytest.mark.parametrize("way", KINDS)
def test_a_gateway_that_cannot_reach_an_owner_says_so_and_nobody_else_notices(nodes, way):
    async def main():
        async with apart(nodes, "n1", "n2", gateways=("g1",)) as net:
            _, second, gateway = nodes.processes
            await nodes.pin(SHARED)
            by_gateway, by_node = await bettors(gateway), await bettors(second)
            async with load(by_node):
                for one in by_gateway:
                    await one.place()
                    assert not one.seen
                net.cut("g1", "n1", WAYS[way])
                cut_s = time.monotonic()
                waiting = [asyncio.create_task(one.place()) for one in by_gateway if SHARED[one.stream] == "n1"]
                for one in by_gateway:
                    if SHARED[one.stream] == "n2":
                        await one.place()
                        assert not one.seen
                known = {one.stream: len(one.acknowledged) for one in by_node}
                cut_off = [one for one in by_gateway if SHARED[one.stream] == "n1"]
                await comes_true(lambda: all(one.seen for one in cut_off), SAYS_S_MAX)
                took(f"owner and gateway, {way}: its clients are told", cut_s)
                assert not any(task.done() for task in waiting)
                assert {code for one in cut_off for code in one.seen} <= {"unavailable", "ReadTimeout"}
                assert not await is_ready(gateway, HOUSE)
                status = await nodes.registered(lambda status: True)
                assert {one.stream: one.node for one in status.streams} == SHARED
                assert status.wrong == []
                net.mend("g1", "n1")
                mended_s = time.monotonic()
                await asyncio.gather(*waiting)
                took(f"owner and gateway, {way}: its clients are served again", mended_s)
            assert all(len(one.acknowledged) > known[one.stream] for one in by_node)
            assert [one.seen for one in by_node] == [{}] * len(by_node)
            for one, other in zip(by_gateway, by_node, strict=True):
                executed = nodes.executed(one.stream)
                assert {executed[sent] for sent in (*one.acknowledged, *other.acknowledged)} == {1}
                assert set(executed.values()) == {1}
                await one.close()
                await other.close()

    play(main())


@pytest.mark.parametrize("way", KINDS)
def test_books_whose_owner_hears_nothing_of_the_house_take_no_wagers_and_all_else(nodes, way):
    async def main():
        async with apart(nodes, "n1", "n2") as net:
            first, second = nodes.processes
            await nodes.pin(SHARED)
            near, far = await bettors(first, streams=("b1", "b2")), await bettors(second, streams=("b3", "b4"))
            async with load(near):
                for one in far:
                    await one.place()
                net.cut("n2", "n1", WAYS[way])
                cut_s = time.monotonic()
                waiting = [asyncio.create_task(place_until_stale(one)) for one in far]
                await comes_true(lambda: all(one.seen["house_stale"] for one in far), SAYS_S_MAX)
                took(f"the house's owner and a book's, {way}: no wagers any more", cut_s)
                # What is of the book alone goes on.
                for one in far:
                    await one.send("CreatePlayer", {"player": "P2", "agent": "A1", "credit_limit_minor": 5_000})
                assert not any(task.done() for task in waiting)
                status = await nodes.registered(lambda status: True)
                assert {one.stream: one.node for one in status.streams} == SHARED
                assert status.wrong == []
                net.mend("n2", "n1")
                mended_s = time.monotonic()
                await asyncio.gather(*waiting)
                took(f"the house's owner and a book's, {way}: wagers again", mended_s)
            assert [one.seen for one in near] == [{}] * len(near)
            assert all(set(one.seen) == {"house_stale"} for one in far)
            await is_all_there_once(nodes, [*near, *far])

    play(main())


@pytest.mark.parametrize("way", KINDS)
@pytest.mark.skipif(not are_to_be_had(), reason="namespaces of the network are root's alone, and Linux's")
def test_books_take_wagers_again_after_the_network_itself_has_lost_what_the_houses_owner_says(nodes, way, tmp_path):
    authority = Authority(tmp_path / "certificates")

    async def main(there):
        for name in ("n1", "n2"):
            there.add(name)
            host = there.addresses[name]
            machine = (there.of(name), host)
            node = NodeProcess(nodes.url, name, nodes.folder, tls=authority.give(name, host), machine=machine)
            nodes.processes.append(node)
            assert node.address
        first, second = nodes.processes
        await nodes.pin(SHARED)
        near, far = await bettors(first, streams=("b1", "b2")), await bettors(second, streams=("b3", "b4"))
        async with load(near):
            for one in far:
                await one.place()
            cut = [pair for pair, name in ((("n2", "n1"), "there"), (("n1", "n2"), "back")) if name in WAYS[way]]
            for pair in cut:
                there.cut(*pair)
            cut_s = time.monotonic()
            waiting = [asyncio.create_task(place_until_stale(one)) for one in far]
            await comes_true(lambda: all(one.seen["house_stale"] for one in far), SAYS_S_MAX)
            took(f"machines of the house's owner and a book's, {way}: house_stale", cut_s)
            for pair in cut:
                there.mend(*pair)
            mended_s = time.monotonic()
            await asyncio.gather(*waiting)
            took(f"machines of the house's owner and a book's, {way}: wagers again", mended_s)
        assert [one.seen for one in near] == [{}] * len(near)
        await is_all_there_once(nodes, [*near, *far])

    with machines() as there:
        play(main(there))
