"""Shares of the live stream and of queries, at the doors; and what health tells whom."""

import asyncio

import msgspec
import pytest
from tests.integration.served import PASSWORD, served
from tests.integration.stores import HeldStore
from tests.integration.test_live_hubs import Wall, wall
from tests.integration.world import play, wager

from runline.client import AsyncClient, RefusedError
from runline.domain.messages import HOUSE, Rejected
from runline.gateway.door import Caller
from runline.gateway.limits import DELIVERIES_ASKED_MAX
from runline.live.limits import STREAMS_PER_PLAYER_MAX
from runline.sharing.limits import SPENT_AHEAD_NS
from runline.store.sqlite import SqliteStore

ANN = ("b1", "A1", "ann")


def test_two_players_do_not_take_all_streams_and_a_newcomer_finds_a_place(path, monkeypatch):
    monkeypatch.setattr("runline.live.places.STREAMS_MAX", 2 * STREAMS_PER_PLAYER_MAX)

    async def main():
        async with wall(path) as there:
            screens = {}
            for name in ("P1", "P2"):
                asker = await there.asker(name)
                screens[name] = [await there.join(asker, "wagers") for _ in range(STREAMS_PER_PLAYER_MAX)]
                for screen in screens[name]:
                    await there.hear(screen)
                with pytest.raises(Rejected) as refused:
                    await there.hear(await there.join(asker, "wagers"))
                assert refused.value.code == "busy"
            newcomer = await there.join(await there.asker("P9"), "wagers")
            assert (await there.hear(newcomer))[0][0] == "image"
            ended = [screen for screen in (*screens["P1"], *screens["P2"]) if screen.closed]
            assert len(ended) == 1
            assert (await there.hear(ended[0]))[-1][2] == {"reason": "busy"}
            assert there.fan.count == 2 * STREAMS_PER_PLAYER_MAX

    play(main())


def test_who_has_spent_their_share_on_queries_waits_and_nobody_else_does(path, monkeypatch):
    monkeypatch.setattr("runline.sharing.spending.QUERY_WAIT_S_MAX", 0.0)

    async def main():
        async with wall(path) as there:
            ann, bea = await there.place.sign_in("b1", "ann"), await there.place.sign_in("b1", "bea")
            await ann.ask("players")
            spending = there.hubs.spending
            assert ANN in spending.users
            assert spending.asking == {}
            spending.charge(ANN, SPENT_AHEAD_NS)
            ann.deadline_s = 0
            with pytest.raises(RefusedError) as refused:
                await ann.ask("players")
            assert (refused.value.status, refused.value.code) == (429, "busy")
            await bea.ask("players")
            monkeypatch.setattr("runline.sharing.spending.QUERY_WAIT_S_MAX", 60.0)
            spending.users[ANN] = spending.now_ns() + SPENT_AHEAD_NS + 10_000_000
            assert (await ann.ask("players")).items

    play(main())


def test_strangers_take_nobodys_place(path, monkeypatch):
    monkeypatch.setattr("runline.live.places.STREAMS_MAX", 3)

    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            screens = [await there.join(asker, "wagers") for _ in range(3)]
            for screen in screens:
                await there.hear(screen)
            stranger = await there.join(Caller("b1", "nobody's"), "wagers")
            with pytest.raises(Rejected) as refused:
                await there.hear(stranger)
            assert refused.value.code == "not_signed_in"
            assert not any(screen.closed for screen in screens)
            assert there.hubs.streams.count == 3

    play(main())


def test_who_has_spent_their_share_is_let_in_when_it_is_paid_for_and_nobody_waits_for_them(path, monkeypatch):
    monkeypatch.setattr("runline.sharing.spending.QUERY_WAIT_S_MAX", 60.0)

    async def main():
        async with wall(path) as there:
            spending = there.hubs.spending
            spending.users[ANN] = spending.now_ns() + 30 * 10**9
            late = await there.join(await there.asker("ann"), "wagers")
            early = await there.join(await there.asker("bea"), "wagers")
            assert (await there.hear(early))[0][0] == "image"
            assert late.group is None
            del spending.users[ANN]
            there.hub().wake.set()
            assert (await there.hear(late))[0][0] == "image"

    play(main())


def test_a_large_subtree_is_imaged_without_its_players_and_a_wager_costs_its_own_rows(path, monkeypatch):
    monkeypatch.setattr("runline.domain.figures.IMAGE_PLAYERS_MAX", 1)

    async def main():
        async with wall(path) as there:
            screen = await there.join(await there.asker("owner"), "figures")
            figures = (await there.hear(screen))[0][2]["topics"]["figures"]
            assert [row["agent"] for row in figures["rows"]] == ["root", "A1", "A2"]
            assert figures["players"] == []
            await there.place.world.do("b1", wager("P9", 5_00))
            kind, _, data = (await there.hear(screen))[0]
            changed = data["topics"]["figures"]["players"]
            assert (kind, [(row["player"], row["pending_minor"]) for row in changed]) == ("delta", [("P9", 5_00)])
            small = await there.join(await there.asker("bea"), "figures")
            figures = (await there.hear(small))[0][2]["topics"]["figures"]
            assert [row["player"] for row in figures["players"]] == ["P9"]

    play(main())


def test_volumes_are_told_to_the_staff_of_the_house_only(path, monkeypatch):
    monkeypatch.setattr("runline.gateway.pulse.HEALTH_S", 0.01)
    volumes = {"accepted", "refused", "logged", "screens"}

    async def main():
        async with wall(path, beats=True) as there:
            engine = there.place.world.engine
            engine.conditions.note("store", "", "degraded", "/secret/path is slow for b2", 1)
            engine.conditions.note("store", "wal", "degraded", "/secret/path-wal has 300 MiB", 1)
            engine.conditions.note("stream", "b1", "degraded", "TypeError", 2)
            engine.conditions.note("stream", "b2", "failing", "its owner", 3)
            told = {}
            for name, stream in (("ann", "b1"), ("platform", HOUSE)):
                screen = await there.join(await there.asker(name, stream), "health")
                while name not in told:
                    for kind, event_id, data in await there.hear(screen):
                        if kind == "delta":
                            assert event_id == ""
                            told[name] = data["topics"]["health"]
            assert volumes & told["ann"].keys() == set()
            assert volumes <= told["platform"].keys()
            assert told["ann"].keys() | volumes == told["platform"].keys()
            assert [(one["part"], one["subject"]) for one in told["ann"]["conditions"]] == [
                ("store", ""),
                ("store", "wal"),
                ("stream", "b1"),
            ]
            assert "secret" not in msgspec.json.encode(told["ann"]).decode()
            assert [one["reason"] for one in told["platform"]["conditions"]] == [
                "/secret/path is slow for b2",
                "/secret/path-wal has 300 MiB",
                "TypeError",
                "its owner",
            ]

    play(main())


class CuttingProxy:
    """Stands between a client and the server, and loses one frame when it is told to."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.lose = False
        self.lost = asyncio.Event()

    async def serve(self, reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(self.host, self.port)
        await asyncio.gather(self.pump(reader, inner_writer, False), self.pump(inner_reader, writer, True))

    async def pump(self, reader, writer, frames):
        try:
            while data := await reader.read(65_536):
                if frames and self.lose and b"event: delta" in data and b"\nid: " in b"\n" + data.partition(b"\r\n")[2]:
                    self.lose = False
                    self.lost.set()
                    continue
                writer.write(data)
                await writer.drain()
        except (OSError, ConnectionError):
            pass
        finally:
            writer.close()


def test_a_frame_that_is_lost_on_the_way_is_noticed_and_an_image_follows(path):
    async def main():
        async with wall(path) as there:
            await there.place.give_password("b1", "owner")
            host, port = there.place.address.removeprefix("http://").split(":")
            proxy = CuttingProxy(host, int(port))
            server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
            async with (
                AsyncClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
                asyncio.timeout(20),
            ):
                await client.sign_in("b1", "owner", PASSWORD)
                frames = client.stream("wagers")
                assert (await anext(frames)).kind == "image"
                await there.place.world.do("b1", wager())
                assert (await anext(frames)).kind == "delta"
                proxy.lose = True
                lost = (await there.place.world.do("b1", wager())).position
                await proxy.lost.wait()
                await there.place.world.do("b1", wager())
                frame = await anext(frames)
                while frame.kind == "heartbeat":
                    frame = await anext(frames)
                assert frame.kind == "image"
                assert lost in [event["seq"] for event in frame.topics["wagers"]["events"]]
                await frames.aclose()
            server.close()

    play(main())


def test_who_is_cut_before_the_first_image_gets_an_image_when_they_come_back(path, monkeypatch):
    monkeypatch.setattr("runline.gateway.pulse.HEALTH_S", 0.002)
    monkeypatch.setattr("runline.gateway.pulse.HEARTBEAT_S", 0.002)

    async def main():
        store = HeldStore(SqliteStore(path))
        async with served(path, store=store) as place:
            there = Wall(place)
            await place.world.open_house()
            await place.world.open_book()
            asker = await there.asker("owner")
            first = await there.join(asker, "wagers", "health")
            await there.hear(first)
            store.hold()
            placed = asyncio.create_task(place.world.do("b1", wager()))
            await store.held.wait()
            late = await there.join(asker, "wagers", "health")
            for _ in range(10):
                await there.hear(first)
            assert late.backlog == []
            there.leave(late)
            store.let_go()
            await placed
            back = await there.join(asker, "wagers", "health")
            assert (await there.hear(back))[0][0] == "image"

    play(main())


def test_nobody_waits_for_many_deliveries_at_once(path):
    async def main():
        async with wall(path) as there:
            owner = await there.place.sign_in("b1", "owner")
            owner.deadline_s = 0
            await there.hear(await there.join(await there.asker("owner"), "wagers"))
            asked = [owner.ask("delivery", position=10**9) for _ in range(DELIVERIES_ASKED_MAX + 8)]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            refused = [one.code for one in outcomes if isinstance(one, RefusedError)]
            assert len(refused) == len(asked)
            assert sorted(set(refused)) == ["busy", "unknown_delivery"]
            assert refused.count("unknown_delivery") <= DELIVERIES_ASKED_MAX
            assert there.fan.waiting == {}

    play(main())
