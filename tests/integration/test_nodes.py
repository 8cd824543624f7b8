"""Nodes that share the streams of one PostgreSQL, as real processes: whichever is asked, killed, stopped for a while or told to
stop, every acknowledged command is executed exactly once, by one owner."""

import asyncio
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from tests.doubles.certificates import Authority
from tests.doubles.coming import comes_true
from tests.integration.nodes import BOOKS, Bettor, filled, nodes_of
from tests.integration.world import play

from runline.cluster.operating import Operating
from runline.cluster.postgres import PostgresRegistry
from runline.domain.messages import HOUSE

pytestmark = pytest.mark.usefixtures("programs")

SHARED = {HOUSE: "n1", "b1": "n1", "b2": "n1", "b3": "n2", "b4": "n2"}
"""Who has what as a test begins."""


@pytest.fixture
def nodes(path):
    with nodes_of(filled(path)) as found:
        yield found


def runline(*words):
    """What a command says, and how it ends."""
    found = subprocess.run(
        [sys.executable, "-m", "runline", *words], capture_output=True, text=True, timeout=60, check=False
    )
    return found.returncode, found.stdout + found.stderr


@asynccontextmanager
async def load(found):
    """All of them place wagers meanwhile, by whichever node."""
    loading = True

    async def place_on(bettor, first):
        while loading:
            await bettor.place(first)

    tasks = [asyncio.create_task(place_on(one, first)) for one in found for first in range(len(one.clients))]
    await comes_true(lambda: all(len(one.acknowledged) > 20 for one in found))
    try:
        yield
    finally:
        loading = False
        await asyncio.gather(*tasks)


async def is_all_there_once(nodes, found):
    """What was acknowledged was executed once, and nothing else more than once."""
    for one in found:
        executed = nodes.executed(one.stream)
        assert {executed[sent] for sent in one.acknowledged} == {1}
        assert set(executed.values()) == {1}
        await one.close()


async def bettors(*nodes, streams=BOOKS):
    """One for each stream, who come to any of these nodes."""
    found = [Bettor(stream, "owner", [node.address for node in nodes]) for stream in streams]
    await asyncio.gather(*(one.sign_in() for one in found))
    return found


def test_a_command_sent_to_any_node_reaches_the_owner_of_its_stream_and_of_one_that_is_killed_nothing_is_lost(nodes):
    first, second = nodes.start("n1", "n2")

    async def main():
        await nodes.pin(SHARED)
        found = await bettors(first, second)
        for one in found:
            await one.place(first=0)
            await one.place(first=1)
            assert not one.seen
        async with load(found):
            first.send(signal.SIGKILL)
            assert set((await nodes.all_taken(second)).values()) == {"n2"}
            for one in found:
                await one.place(first=1)
        await is_all_there_once(nodes, found)

    play(main())


def test_who_comes_by_a_gateway_hears_nothing_of_nodes_that_are_started_again_one_after_the_other(nodes, tmp_path):
    nodes.authority = Authority(tmp_path / "certificates")
    first, second = nodes.start("n1", "n2")
    [gateway] = nodes.start("g1", words=("--role", "gateway"))

    async def main():
        await nodes.pin(SHARED)
        found = await bettors(gateway)
        async with load(found):
            first.send(signal.SIGTERM)
            assert await asyncio.to_thread(first.ended) == 0
            assert set((await nodes.all_taken(second)).values()) == {"n2"}
            [again] = await asyncio.to_thread(nodes.start, "n1")
            second.send(signal.SIGTERM)
            assert await asyncio.to_thread(second.ended) == 0
            assert set((await nodes.all_taken(again)).values()) == {"n1"}
            await comes_true(lambda: all(len(one.acknowledged) > 60 for one in found))
        assert [one.seen for one in found] == [{}] * len(found)
        await is_all_there_once(nodes, found)

    play(main())
    assert gateway.complaints == ""


def test_an_owner_that_stood_still_for_longer_than_its_lease_serves_nothing_stale_and_is_a_node_again(nodes):
    first, second = nodes.start("n1", "n2")

    async def main():
        await nodes.pin(SHARED)
        one, other = Bettor("b1", "owner", [first.address]), Bettor("b1", "owner", [second.address])
        await one.sign_in()
        await other.sign_in()
        await one.place()
        first.send(signal.SIGSTOP)
        asked = asyncio.create_task(one.clients[0].http.get("/v1/wagers", timeout=60))
        assert (await nodes.all_taken(second))["b1"] == "n2"
        await other.place()
        first.send(signal.SIGCONT)
        # It was asked while it stood still, and answers as the first thing that it does.
        answer = await asked
        assert answer.status_code == 200
        assert len(answer.json()["items"]) == 2
        await one.place()
        status = await nodes.registered(lambda status: all(node.state == "there" for node in status.nodes))
        assert [node.name for node in status.nodes] == ["n1", "n2"]
        await is_all_there_once(nodes, [one])
        await other.close()

    play(main())
    assert "it joins again" in first.complaints


def test_streams_are_moved_and_pinned_and_nodes_drained_by_hand_and_a_second_node_of_a_name_is_refused(nodes, path):
    first, second = nodes.start("n1", "n2")

    async def main():
        await nodes.pin(SHARED)
        found = await bettors(first, second)
        async with load(found):
            said: list[str] = []
            registry = PostgresRegistry(nodes.url, "by hand")
            by_hand = Operating(registry, said.append)
            assert await by_hand.move("b3", "n1")
            assert await by_hand.pin(HOUSE, "n2")
            assert await by_hand.pin("b4", "")
            assert await by_hand.drain("n1", off=False)
            assert await by_hand.drain("n1", off=True)
            await registry.close()
            words = " ".join(said)
            for told in (
                "b3 goes from n2 to n1; what is sent to it meanwhile waits. b3 is at n1.",
                "It was pinned to n2, and is no more.",
                f"{HOUSE} is at n2.",
                "b4 may be at any node",
                "n1 has no streams any more.",
                "n1 takes streams again.",
            ):
                assert told in words
        assert [one.seen for one in found] == [{}] * len(found)
        await is_all_there_once(nodes, found)

    play(main())
    status, said = runline("cluster", "move", "b33", "n1", "--store", nodes.url)
    assert (status, said.partition("`")[0]) == (2, "runline: There is no stream b33. Did you mean b3? ")
    status, said = runline(
        "serve", "--store", nodes.url, "--node", "n2", "--links", f"unix:{nodes.folder}/x", "--port", "0"
    )
    assert status == 2
    assert f"There is a node n2 at unix:{nodes.folder}/n2: it has renewed its lease" in said
    status, said = runline("serve", "--store", nodes.url, "--node", "n3", "--port", "0")
    assert status == 2
    assert "This database is shared by nodes that are there: n1, n2. Remedy: let this process join them" in said
