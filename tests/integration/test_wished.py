"""What the house's staff wants of the nodes over the API: any node and any gateway takes it and shows what comes of it, the log
says who wanted it and why, and nothing of it is lost with the owner of the house."""

import asyncio
import signal

import httpx
import pytest
from tests.integration.nodes import BOOKS, Bettor, filled, nodes_of
from tests.integration.served import PASSWORD, served
from tests.integration.test_nodes import SHARED, bettors, is_all_there_once, load, runline
from tests.integration.world import play

from runline.client import AsyncClient, RefusedError
from runline.domain.messages import HOUSE
from runline.evaluate.verify import verify

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def nodes(path):
    with nodes_of(filled(path)) as found:
        yield found


async def staff(node, user="platform"):
    """Somebody of the house, at a node."""
    client = AsyncClient(node.address, deadline_s=30.0)
    await client.sign_in(HOUSE, user, PASSWORD)
    return client


async def want(client, command, **fields):
    """What comes of a command."""
    return await client.send_as(await client.new_id(), command, {"reason": "by hand", **fields})


def at(status, places):
    """Whether streams are taken where they are to be."""
    return places.items() <= {one.stream: one.node for one in status.streams if one.taken}.items()


def test_streams_are_moved_and_pinned_and_nodes_drained_over_the_api_by_any_node_or_gateway(nodes):
    first, second = nodes.start("n1", "n2")
    [gateway] = nodes.start("g1", words=("--role", "gateway"))

    async def main():
        await nodes.pin({**SHARED, HOUSE: "n1"})
        found = await bettors(first, second, gateway)
        platform, other = await staff(gateway), await staff(second)
        async with load(found):
            moved = await want(other, "MoveStream", stream="b1", cluster_node="n2")
            assert [event["type"] for event in moved.events] == ["StreamMoveAsked"]
            await nodes.registered(lambda status: at(status, {"b1": "n2"}))
            # It was pinned to the first one, and is no more.
            await want(platform, "PinStream", stream=HOUSE, cluster_node="n2")
            await nodes.registered(lambda status: at(status, {HOUSE: "n2", "b1": "n2"}))
            await want(platform, "PinStream", stream="b2")
            await want(platform, "DrainNode", cluster_node="n1")
            status = await nodes.registered(lambda status: at(status, dict.fromkeys((HOUSE, *BOOKS), "n2")))
            assert [node.draining for node in status.nodes] == [True, False]
            with pytest.raises(RefusedError) as refused:
                await want(platform, "MoveStream", stream="b1", cluster_node="n1")
            assert (refused.value.code, refused.value.details) == ("node_drains", {"cluster_node": "n1"})
            with pytest.raises(RefusedError) as refused:
                await want(platform, "DrainNode", cluster_node="n2")
            assert refused.value.code == "no_other_node"
            await want(platform, "DrainNode", cluster_node="n1", off=True)
            await nodes.registered(lambda status: not any(node.draining for node in status.nodes))
        assert [one.seen for one in found] == [{}] * len(found)
        for node in (first, second, gateway):
            client = await staff(node)
            shown = await client.ask("cluster")
            assert [(row["cluster_node"], row["state"]) for row in shown.items] == [("n1", "there"), ("n2", "there")]
            assert sum(row["coordinates"] for row in shown.items) == 1
            streams = await client.ask("cluster_streams", limit=2)
            assert [row["stream"] for row in streams.items] == ["b1", "b2"]
            rest = await client.ask("cluster_streams", after=streams.next, cluster_node="n2")
            assert {row["stream"] for row in rest.items} <= {"b3", "b4", HOUSE}
            assert {row["cluster_node"] for row in rest.items} == {"n2"}
            await client.close()
        log = await platform.ask("log", limit=200)
        told = [row["event"] for row in log.items]
        wanted = [one for one in told if one["type"] in ("StreamMoveAsked", "StreamPinAsked", "NodeDrainAsked")]
        assert len(wanted) == len([one for one in told if one["type"] == "NodesTold"]) == 5
        assert {one["reason"] for one in wanted} == {"by hand"}
        await is_all_there_once(nodes, found)
        await platform.close()
        await other.close()

    play(main())
    status, said = runline("cluster", "status", "--store", nodes.url)
    assert status == 0, said


def test_what_is_wanted_is_not_lost_with_the_owner_of_the_house_and_any_node_shows_the_cluster_meanwhile(nodes):
    first, second = nodes.start("n1", "n2")

    async def main():
        await nodes.pin({**SHARED, "b3": "n2"})
        platform = await staff(first)
        other = await staff(second)
        await want(platform, "PinStream", stream="b3", cluster_node="n1")
        first.send(signal.SIGKILL)
        # The house has no owner, and whoever asks is told so.
        shown = {row["stream"]: row["cluster_node"] for row in (await other.ask("cluster_streams")).items}
        assert set(shown) == {HOUSE, *BOOKS}
        await nodes.all_taken(second)
        [again] = await asyncio.to_thread(nodes.start, "n1")
        status = await nodes.registered(lambda status: at(status, {"b3": "n1"}))
        assert {one.stream: one.pinned for one in status.streams}["b3"] == "n1"
        # Whether the one that died had told the nodes or not, they were told, and it is known.
        told: list[dict[str, str]] = []
        while not any(one["type"] == "NodesTold" for one in told):
            told = [row["event"] for row in (await other.ask("log", limit=50)).items]
        found = Bettor("b3", "owner", [again.address])
        await found.sign_in()
        await found.place()
        await found.close()
        await platform.close()
        await other.close()

    play(main())
    for node in nodes.processes:
        node.send(signal.SIGKILL)
        node.ended()
    assert verify(nodes.url).differences == []


def test_who_may_not_look_or_change_is_refused_and_a_server_of_one_process_has_no_nodes(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            await place.world.open_house()
            await place.world.open_book()
            platform, owner = await place.sign_in(HOUSE, "platform"), await place.sign_in("b1", "owner")
            for client, code in ((platform, "no_cluster"), (owner, "wrong_stream")):
                with pytest.raises(RefusedError) as refused:
                    await client.ask("cluster")
                assert refused.value.code == code
                with pytest.raises(RefusedError) as refused:
                    await want(client, "DrainNode", cluster_node="n1")
                assert refused.value.code == code
            await want(platform, "SetRole", role="clerks", node="root", permissions=["cluster_view"])
            new = {"user": "clerk", "node": "root", "role": "clerks"}
            await platform.send_as(await platform.new_id(), "CreateUser", new)
            clerk = await place.sign_in(HOUSE, "clerk")
            with pytest.raises(RefusedError) as refused:
                await want(clerk, "DrainNode", cluster_node="n1")
            assert refused.value.details == {"permission": "cluster_change"}
            async with httpx.AsyncClient(base_url=place.address) as stranger:
                assert (await stranger.get("/v1/cluster")).status_code == 401

    asyncio.run(main())
