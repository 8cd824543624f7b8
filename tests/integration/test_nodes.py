"""Nodes that share the streams of one PostgreSQL, as real processes: whichever is asked, killed, stopped for a while or told to
stop, every acknowledged command is executed exactly once, by one owner."""

import asyncio
import signal

import pytest
from tests.doubles.coming import comes_true
from tests.integration.nodes import BOOKS, Bettor, filled, nodes_of
from tests.integration.world import play

from runline.domain.messages import HOUSE

pytestmark = pytest.mark.usefixtures("programs")

SHARED = {HOUSE: "n1", "b1": "n1", "b2": "n1", "b3": "n2", "b4": "n2"}
"""Who has what as a test begins."""


@pytest.fixture
def nodes(path):
    with nodes_of(filled(path)) as found:
        yield found


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
        loading = True

        async def load(bettor, by):
            while loading:
                await bettor.place(by)

        tasks = [asyncio.create_task(load(one, by)) for one in found for by in (0, 1)]
        await comes_true(lambda: all(len(one.acknowledged) > 20 for one in found))
        first.send(signal.SIGKILL)
        assert set((await nodes.all_taken(second)).values()) == {"n2"}
        for one in found:
            await one.place(1)
        loading = False
        await asyncio.gather(*tasks)
        for one in found:
            executed = nodes.executed(one.stream)
            assert {executed[sent] for sent in one.acknowledged} == {1}
            await one.close()

    play(main())
