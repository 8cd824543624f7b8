"""Nodes that share the streams of one PostgreSQL, as real processes: whichever is asked, killed, stopped for a while or told to
stop, every acknowledged command is executed exactly once, by one owner."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from tests.doubles.certificates import Authority
from tests.doubles.coming import comes_true
from tests.integration.nodes import BOOKS, PLACE, STOPS_S_MAX, Bettor, crowd, filled, nodes_of
from tests.integration.postgresql import by_a_way
from tests.integration.world import play

from runline.client.requests import path_of
from runline.cluster.operating import Operating
from runline.cluster.postgres import PostgresRegistry
from runline.domain.messages import HOUSE
from runline.evaluate.verify import verify

pytestmark = pytest.mark.usefixtures("programs")

SHARED = {HOUSE: "n1", "b1": "n1", "b2": "n1", "b3": "n2", "b4": "n2"}
"""Who has what as a test begins."""

PAUSE_S = 0.01
"""Between two wagers of a bettor at an address."""

KILLS = int(os.environ.get("TEST_OWNER_KILLS", "0"))
CROWD = int(os.environ.get("TEST_CROWD", "100000"))
"""How many players with open wagers a book has whose owner is killed again and again."""

ENGINE = ("--role", "engine")

STOPS = int(os.environ.get("TEST_STOPS", "1"))
"""At how many points of a commit its owner stands still."""


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
            # waits: there is load, and the tests beside this one have a machine too
            await asyncio.sleep(PAUSE_S)

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
    nodes.patient = True
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


@pytest.mark.skipif(not KILLS, reason="Owners are killed in turns in `make test-long` (TEST_OWNER_KILLS=N)")
def test_owners_that_are_killed_in_turns_take_nothing_with_them_that_was_acknowledged(nodes):
    """Each time it is whoever owns everything and coordinates. One of the books is large."""
    asyncio.run(crowd(nodes.url, BOOKS[0], CROWD))
    engines = {one.name: one for name in ("n1", "n2") for one in nodes.start(name, words=ENGINE)}
    [gateway] = nodes.start("g1", words=("--role", "gateway"))
    took: dict[str, list[float]] = {book: [] for book in BOOKS}

    async def killed(owner, found):
        """Kill it, and wait until somebody else has accepted a wager in every book."""
        killed_s = time.monotonic()
        owner.send(signal.SIGKILL)
        owner.child.wait()
        gone_s = time.monotonic()
        for one in found:
            await comes_true(lambda one=one: one.last[0] > gone_s, STOPS_S_MAX)
            took[one.stream].append(one.last[1] - killed_s)

    async def main():
        found = await bettors(gateway)
        async with load(found):
            for number in range(KILLS):
                owner = engines[f"n{number % 2 + 1}"]
                await nodes.pin(dict.fromkeys((HOUSE, *BOOKS), owner.name))
                await killed(owner, found)
                [engines[owner.name]] = await asyncio.to_thread(nodes.start, owner.name, words=ENGINE)
        await is_all_there_once(nodes, found)

    play(main())
    print(f"{KILLS} kills; from the kill to the next wager of another owner:")
    print_times(f"{BOOKS[0]}, {CROWD:,} players with open wagers", took[BOOKS[0]])
    print_times("every other book", [one for book in BOOKS[1:] for one in took[book]])


def print_times(what, times):
    """How long something took, in words."""
    ordered = sorted(times)
    p50, p99 = (ordered[int(share * len(ordered))] for share in (0.5, 0.99))
    print(f"{what}: p50 {p50:.2f} s, p99 {p99:.2f} s, longest {ordered[-1]:.2f} s")


class Commits:
    """The commits of an owner, as they pass on its way to the database, where it is stopped in one of them.

    point: where: whether in one that goes in turn, and in which of its pieces. pieces: how many of it have passed.
    """

    def __init__(self):
        self.committer = None
        self.in_turn = False
        self.point = None
        self.pieces = 0
        self.stop: Any = None

    def stop_at(self, point, stop):
        self.point, self.pieces, self.stop = point, 0, stop

    def hear(self, connection, direction, piece):
        to_server = direction == "there"
        if to_server and b" committer\0" in piece:
            self.committer, self.in_turn = connection, False
        if connection is not self.committer:
            return
        begins = to_server and not self.in_turn
        if to_server and b"BEGIN; INSERT INTO batches" in piece:
            self.in_turn = True
        if self.point is not None and (self.pieces or (begins and self.in_turn == self.point[0])):
            self.pieces += 1
            if self.pieces == self.point[1]:
                self.point = None
                self.stop()
        if to_server and piece.startswith(b"Q") and b"COMMIT" in piece:
            self.in_turn = False


POINTS = [
    ((in_turn, piece), whole)
    for in_turn, pieces in ((True, range(2, 25)), (False, range(2, 3)))
    for piece in pieces
    for whole in (True, False)
]
"""Pieces of commits, there and back, from the answer on by which the heads are held: of those that go table by table, and of one
that is a single statement. Each as all of an owner stands still, and as its committer goes on."""


def test_an_owner_that_stood_still_in_a_commit_for_longer_than_its_lease_serves_nothing_stale_and_is_a_node_again(
    nodes,
):
    [second] = nodes.start("n2")
    commits = Commits()

    async def refused(client):
        """What is refused makes a commit go in turn."""
        while True:
            with suppress(httpx.TransportError):
                await client.http.post(path_of("PlaceWager"), json={**PLACE, "amount_minor": 10**11})

    async def stands_still(first, point, whole, one):
        commits.stop_at(point, lambda: first.stop(whole=whole))
        await comes_true(lambda: commits.point is None)
        asked = asyncio.create_task(one.clients[0].http.get("/v1/wagers", timeout=60))
        assert (await nodes.all_taken(second))["b1"] == "n2"
        position = await one.place(first=1)
        first.go_on()
        # It was asked while it stood still, and answers as the first thing that it does.
        answer = await asked
        assert answer.status_code == 200
        assert answer.json()["position"] >= position
        await one.place()

    async def main():
        async with by_a_way(nodes.database, commits.hear) as (_, url):
            [first] = await asyncio.to_thread(nodes.start, "n1", url=url)
            found = await bettors(first, second, streams=("b1", "b3"))
            for point, whole in POINTS[:STOPS]:
                print(f"at piece {point[1]} of a commit {'in turn' if point[0] else 'at once'}, {whole=}")
                await nodes.pin(SHARED)
                async with load(found):
                    refusing = [asyncio.create_task(refused(one)) for one in found[0].clients[1:] if point[0]]
                    await stands_still(first, point, whole, found[0])
                    for one in refusing:
                        one.cancel()
                status = await nodes.registered(lambda status: all(node.state == "there" for node in status.nodes))
                assert [node.name for node in status.nodes] == ["n1", "n2"]
            await is_all_there_once(nodes, found)
            assert "it joins again" in first.complaints
            first.end()

    play(main())
    second.end()
    assert verify(nodes.url).differences == []


def test_streams_are_moved_and_pinned_and_nodes_drained_by_hand_and_a_second_node_of_a_name_is_refused(nodes, path):
    nodes.patient = True
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


AN_HOUR_OFF = """
import sys, time
wall, wall_ns, off = time.time, time.time_ns, int(sys.argv.pop(1))
time.time, time.time_ns = lambda: wall() + off, lambda: wall_ns() + off * 10**9
from runline.cli import main
main()
"""


@pytest.mark.parametrize("off_s", [3_600, -3_600])
def test_a_node_whose_clock_is_an_hour_off_the_databases_says_so_and_takes_nothing(nodes, off_s):
    [first] = nodes.start("n1")
    links = ("--node", "n2", "--links", f"unix:{nodes.folder}/n2", "--port", "0")
    found = subprocess.run(
        [sys.executable, "-c", AN_HOUR_OFF, str(off_s), "serve", "--store", nodes.url, *links],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 2
    side = "behind" if off_s > 0 else "ahead of"
    assert f"s {side} this machine's; 250 ms are borne. Remedy: keep both right by NTP" in found.stderr

    async def main():
        assert set((await nodes.all_taken(first)).values()) == {"n1"}

    play(main())
