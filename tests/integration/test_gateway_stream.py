"""The live stream: complete, in order, nothing twice, nothing that somebody may not see."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import apsw
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.doubles.ports import own_port
from tests.integration.served import PASSWORD, served, small_buffer
from tests.integration.world import LINES, MONEYLINE, NOON_NS, SECOND_NS, wager

from runline.client import AsyncClient, RefusedError
from runline.domain.accounts import AdjustCredit
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.large_wagers import SetLargeWager
from runline.domain.lines import MoveLine
from runline.domain.messages import HOUSE
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.permissions import Permission
from runline.domain.prices import Prices
from runline.domain.roles import SetRole
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import WagerPlaced
from runline.domain.users import CreateUser, RestoreUser, RevokeUser
from runline.domain.watch import KeepFeed, WatchFeed
from runline.engine.clock import SystemClock
from runline.engine.envelope import decode_envelope
from runline.monitor.recent import WINDOW_S

WATCH = (Permission.FIGURES_VIEW, Permission.TICKER_VIEW, Permission.BOARD_VIEW, Permission.LOG_VIEW)


@pytest.fixture
def place(path):
    """Run a test against a server with a house, a book of two agents, and somebody who watches each."""

    def run(main, clock=None):
        async def prepared():
            async with served(path, clock) as place:
                world = place.world
                await world.open_house(fixtures=2)
                await world.open_book(players=2, credit_minor=10**9)
                await world.do("b1", CreateAgent("A2", "root"))
                await world.do("b1", CreatePlayer("P9", "A2", 10**9))
                await world.do("b1", SetRole("watch", "root", WATCH, "given"))
                await world.do("b1", CreateUser("ann", "A1", "watch"))
                await world.do("b1", CreateUser("bea", "A2", "watch"))
                await main(place)

        asyncio.run(prepared())

    return run


def line_of(number):
    return MarketLine("moneyline", "game", None, Prices(away=f"+{101 + number}", home=f"-{131 + number}"))


TOPS = {"ann": "A1", "bea": "A2"}
"""Where those stand who watch."""


class Follower:
    """What somebody has seen of the live stream, and whether it hangs together."""

    def __init__(self, client, *topics, last_id="", node=""):
        self.frames = client.stream(*topics, last_id=last_id, node=node)
        self.position = 0
        self.images = 0
        self.events = {}
        self.rows = {}
        self.last_id = ""

    async def take(self):
        """The next frame; deltas must join, and heartbeats with an id: whoever comes back goes on from there."""
        frame = await anext(self.frames)
        if frame.kind == "image":
            self.images += 1
            self.position = frame.position
            self.rows = {}
        elif frame.id:
            assert frame.after <= self.position, "a gap"
            self.position = frame.position
        self.last_id = frame.id or self.last_id
        for name, payload in frame.topics.items():
            seen = self.events.setdefault(name, [])
            for event in payload.get("events", ()):
                known = [one["seq"] for one in seen[-50:] if one.get("stream") == event.get("stream")]
                assert not known or event["seq"] > known[-1], "twice, or out of order"
                seen.append(event)
            rows = self.rows.setdefault(name, {})
            if payload.get("whole"):
                rows.clear()
            for row in (*payload.get("rows", ()), *payload.get("players", ())):
                rows[row.get("fixture") or row.get("market") or row.get("player") or row.get("agent")] = row
        return frame

    async def until(self, position):
        """Follow until a position is reached."""
        async with asyncio.timeout(20):
            while self.position < position:
                await self.take()

    def seen(self, topic):
        """The positions of the events of a topic."""
        return [event["seq"] for event in self.events.get(topic, ())]


def test_somebody_who_follows_the_wagers_sees_every_one_of_them_once(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        follower = Follower(owner, "wagers")
        await follower.take()
        placed = [(await place.world.do("b1", wager())).position for _ in range(50)]
        await follower.until(placed[-1])
        assert follower.seen("wagers") == placed

    place(main)


def test_each_sees_their_own_subtree_and_a_player_their_own_account(place):
    async def main(place):
        followers = {}
        for name, topics in (
            ("owner", ("wagers", "figures", "exposure", "log")),
            ("ann", ("wagers", "figures", "exposure", "log")),
            ("bea", ("wagers", "figures", "exposure", "log")),
            ("P1", ("wagers", "figures")),
        ):
            followers[name] = Follower(await place.sign_in("b1", name), *topics)
            await followers[name].take()
        placed: dict[str, list[int]] = {}
        for player in ("P1", "P2", "P9", "P1"):
            placed.setdefault(player, []).append((await place.world.do("b1", wager(player))).position)
        last = (await place.world.do("b1", wager("P1"))).position
        both = sorted([*placed["P1"], *placed["P2"], last])
        expected = {
            "owner": sorted([*both, *placed["P9"]]),
            "ann": both,
            "bea": placed["P9"],
            "P1": [*placed["P1"], last],
        }
        for name, follower in followers.items():
            await follower.until(last if name != "bea" else placed["P9"][-1])
            assert follower.seen("wagers") == expected[name], name
        assert set(followers["ann"].rows["figures"]) == {"A1", "P1", "P2"}
        assert set(followers["bea"].rows["figures"]) == {"A2", "P9"}
        assert set(followers["P1"].rows["figures"]) == {"P1"}
        assert set(followers["owner"].rows["figures"]) == {"root", "A1", "A2", "P1", "P2", "P9"}
        assert followers["ann"].rows["exposure"][MONEYLINE]["wagers"] == 4
        assert followers["bea"].rows["exposure"][MONEYLINE]["wagers"] == 1
        assert followers["owner"].rows["exposure"][MONEYLINE]["wagers"] == 5

    place(main)


@pytest.mark.parametrize("query", ["figures", "players", "exposure", "board"])
def test_a_live_report_and_the_same_report_fetched_fresh_are_equal(place, query):
    topic = {"players": "figures", "board": "lines"}.get(query, query)
    key = {"players": "player", "board": "fixture", "figures": "agent", "exposure": "market"}[query]

    async def main(place):
        world = place.world
        chance = random.Random(3)
        owner, ann = await place.sign_in("b1", "owner"), await place.sign_in("b1", "ann")
        followers = [(client, Follower(client, topic)) for client in (owner, ann)]
        for _, follower in followers:
            await follower.take()
        moves = (
            lambda number: ("b1", wager(chance.choice(("P1", "P2", "P9")), chance.choice((5_00, 7_00)))),
            lambda number: ("b1", AdjustCredit(chance.choice(("P1", "P9")), chance.randrange(10**8, 10**9), "given")),
            lambda number: (HOUSE, PostLines("G2", NOON_NS + number, (line_of(number % 90),))),
            lambda number: ("b1", MoveLine("G1:game:total", "offset", offset_cents=number % 7, reason="")),
        )
        for first in range(0, 10_000, 500):
            chosen = [chance.choice(moves)(number) for number in range(first, first + 500)]
            await world.bus.send([world.request(stream, command) for stream, command in chosen])
            # Those who do not read in time would be cut, as they should be: here they read.
            for _, follower in followers:
                await follower.take()
        assert world.engine.probes.events > 9_000
        await world.do("b1", Suspend("fixture", "G2", "rain"))
        last = (await world.do("b1", AdjustCredit("P1", 123_45, "given"))).position
        for client, follower in followers:
            await client.ask("figures", at_least=last)
            async with asyncio.timeout(20):
                while True:
                    fresh = await client.ask(query, at_least=last, limit=1_000)
                    live = {name: row for name, row in follower.rows[topic].items() if key in row}
                    if topic == "exposure":
                        live = {name: row for name, row in live.items() if row["wagers"]}
                    if topic == "figures":
                        live = {name: row for name, row in live.items() if (key == "player") == ("player" in row)}
                    if live == {row[key]: row for row in fresh.items}:
                        break
                    await follower.take()

    place(main)


def test_a_house_suspension_is_on_every_board_and_reopening_too(place):
    async def main(place):
        player = Follower(await place.sign_in("b1", "P1"), "lines")
        await player.take()
        assert player.rows["lines"]["G1"]["markets"][0]["open"]
        for command, is_open in ((Suspend("league", "MLB", "storm"), False), (Reopen("league", "MLB", "over"), True)):
            await place.world.do(HOUSE, command)
            while player.rows["lines"]["G1"]["markets"][0]["open"] != is_open:
                await player.take()

    place(main)


# Authority


def test_a_revocation_cuts_the_stream_and_no_later_event_is_seen(place):
    async def main(place):
        world = place.world
        ann, owner = await place.sign_in("b1", "ann"), await place.sign_in("b1", "owner")
        follower, watcher = Follower(ann, "wagers", "log"), Follower(owner, "log")
        await follower.take()
        await watcher.take()
        await world.do("b1", wager("P1"))
        revoked = (await world.do("b1", RevokeUser("ann", "left"))).position
        later = (await world.do("b1", wager("P1"))).position
        with pytest.raises(RefusedError) as refused:
            await follower.until(later)
        assert refused.value.status in (401, 403)
        assert all(seq < revoked for seq in follower.seen("log"))
        await watcher.until(later)
        assert later in watcher.seen("log")
        await world.do("b1", RestoreUser("ann", "back"))
        again = Follower(await place.sign_in("b1", "ann"), "log")
        await again.take()

    place(main)


def test_another_password_cuts_the_streams_of_all_sessions_but_the_one_that_goes_on(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        one, other = await place.sign_in("b1", "ann"), await place.sign_in("b1", "ann")
        ones, others = one.stream("wagers"), other.stream("wagers")
        await anext(ones)
        await anext(others)
        await one.post("/v1/change-password", old=PASSWORD, new=PASSWORD + "2")
        with pytest.raises(RefusedError) as error:
            await anext(others)
        assert error.value.status == 401
        placed = (await place.world.do("b1", wager())).position
        frame = await anext(ones)
        while frame.position < placed:
            frame = await anext(ones)
        await owner.post("/v1/set-password", user="ann", password=PASSWORD)
        with pytest.raises(RefusedError) as error:
            await anext(ones)
        assert error.value.status == 401

    place(main)


def test_a_changed_role_begins_a_new_image_with_what_it_may_see_now(place):
    async def main(place):
        world = place.world
        follower = Follower(await place.sign_in("b1", "ann"), "wagers", "lines")
        await follower.take()
        await world.do("b1", SetRole("watch", "root", (Permission.BOARD_VIEW,), "less"))
        await world.do("b1", wager("P1"))
        with pytest.raises(RefusedError) as refused:
            await follower.until(10**9)
        assert refused.value.code == "not_permitted"

    place(main)


def test_a_moved_subtree_is_seen_by_its_new_agent_and_no_more_by_the_old_one(place):
    async def main(place):
        world = place.world
        await world.do("b1", CreateAgent("A1-1", "A1"))
        await world.do("b1", CreatePlayer("P5", "A1-1", 10**6))
        ann = Follower(await place.sign_in("b1", "ann"), "wagers")
        bea = Follower(await place.sign_in("b1", "bea"), "wagers")
        await ann.take()
        await bea.take()
        first = (await world.do("b1", wager("P5"))).position
        await ann.until(first)
        await world.do("b1", MoveAgent("A1-1", "A2", "sold"))
        second = (await world.do("b1", wager("P5"))).position
        own = (await world.do("b1", wager("P1"))).position
        await ann.until(own)
        await bea.until(second)
        assert second in bea.seen("wagers")
        assert second not in ann.seen("wagers")

    place(main)


def test_a_moved_player_is_seen_by_the_new_agent_and_no_more_by_the_old_one_and_goes_on_as_before(place):
    async def main(place):
        world = place.world
        await world.do("b1", CreateAgent("A1-1", "A1"))
        await world.do("b1", wager("P9"))
        await world.do("b1", wager("P1"))
        seats = {"ann": "A1", "bea": "A2", "owner": "root", "P9": ""}
        follows = {name: Follower(await place.sign_in("b1", name), "wagers", "figures") for name in seats}
        for one in follows.values():
            await one.take()
        await world.do("b1", MovePlayer("P9", "A1", "sold"))
        last = (await world.do("b1", wager("P9"))).position
        for name in ("ann", "owner"):
            await follows[name].until(last)
        assert last in follows["ann"].seen("wagers")
        assert last in follows["owner"].seen("wagers")
        end = (await world.do("b1", CreateAgent("A2-1", "A2"))).position
        await follows["bea"].until(end)
        await follows["owner"].until(end)
        assert last not in follows["bea"].seen("wagers")
        for name, shown in (
            ("ann", {"A1", "A1-1", "P1", "P2", "P9"}),
            ("bea", {"A2", "A2-1"}),
            ("owner", {"root", "A1", "A1-1", "A2", "A2-1", "P1", "P2", "P9"}),
        ):
            assert set(follows[name].rows["figures"]) == shown, name
        # Who is moved is seen from another place: their screen begins anew, in the same session.
        own = Follower(await place.sign_in("b1", "P9"), "wagers", "figures")
        await own.take()
        assert set(own.rows["figures"]) == {"P9"}

    place(main)


def test_who_loses_somebody_is_told_that_they_are_gone_and_nothing_after(place):
    async def main(place):
        world = place.world
        await world.do("b1", CreateAgent("A1-1", "A1"))
        follows = {name: Follower(await place.sign_in("b1", name), "log") for name in ("ann", "bea")}
        for one in follows.values():
            await one.take()
        player = (await world.do("b1", MovePlayer("P9", "A1", "sold"))).position
        agent = (await world.do("b1", MoveAgent("A1-1", "A2", "sold"))).position
        with_ann = (await world.do("b1", wager("P9"))).position
        with_bea = (await world.do("b1", CreatePlayer("P5", "A1-1", 10**6))).position
        ends = {name: (await world.do("b1", CreateAgent(f"{top}-2", top))).position for name, top in TOPS.items()}
        moved = (player, agent, with_ann, with_bea, *ends.values())
        for name, end in ends.items():
            own = with_ann if name == "ann" else with_bea
            await follows[name].until(end)
            # Whoever comes later is shown the same.
            again = Follower(await place.sign_in("b1", name), "log")
            await again.take()
            for one in (follows[name], again):
                assert [seq for seq in one.seen("log") if seq in moved] == [player, agent, own, end], name

    place(main)


# Coming back


def test_a_stream_goes_on_where_it_was_cut_without_a_new_image(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        follower = Follower(owner, "wagers", "figures")
        await follower.take()
        first = (await place.world.do("b1", wager())).position
        await follower.until(first)
        await follower.frames.aclose()
        missed = [(await place.world.do("b1", wager())).position for _ in range(7)]
        resumed = Follower(owner, "wagers", "figures", last_id=follower.last_id)
        resumed.position = follower.position
        await resumed.until(missed[-1])
        assert resumed.images == 0
        assert resumed.seen("wagers") == missed

    place(main)


@pytest.mark.parametrize("what", ["of other topics", "of somebody else", "of another log", "of the future"])
def test_an_id_that_proves_nothing_gets_a_new_image(place, what):
    async def main(place):
        owner, ann = await place.sign_in("b1", "owner"), await place.sign_in("b1", "ann")
        followed = Follower(ann if what == "of somebody else" else owner, "wagers")
        await followed.take()
        log, house, position = followed.last_id.split(":")
        if what == "of another log":
            log = "0" * len(log)
        if what == "of the future":
            position = str(int(position) + 1_000)
        topics = ("figures",) if what == "of other topics" else ("wagers",)
        again = Follower(owner, *topics, last_id=f"{log}:{house}:{position}")
        frame = await again.take()
        assert frame.kind == "image"

    place(main)


@pytest.mark.parametrize("last_id", ["x", "a:b:c", "1:2", "1:2:-3", "l:1:99999999999999999999", "l" * 100 + ":1:1"])
def test_an_id_that_is_none_is_refused(place, last_id):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        with pytest.raises(RefusedError) as refused:
            await Follower(owner, "wagers", last_id=last_id).take()
        assert refused.value.code == "resume_invalid"

    place(main)


def test_a_screen_that_never_reads_is_cut_and_the_others_go_on(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.screens.BACKLOG_BYTES_MAX", 20_000)
    monkeypatch.setattr("runline.gateway.wire.STALLED_S_MAX", 0.2)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        follower = Follower(owner, "log")
        await follower.take()
        host, port = place.address.removeprefix("http://").split(":")
        deaf = small_buffer(host, int(port))
        head = f"GET /v1/stream?topics=log HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {owner.token}\r\n\r\n"
        deaf.sendall(head.encode())
        async with asyncio.timeout(20):
            await comes_true(lambda: place.gateway.fan.count == 2)
            while place.gateway.fan.count == 2:
                changes = [AdjustCredit("P1", number, "x" * 400) for number in range(200)]
                outcomes = await place.world.bus.send([place.world.request("b1", change) for change in changes])
                await follower.until(outcomes[-1].position)
        deaf.close()

    place(main)


def test_silence_is_told_from_death_by_heartbeats(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.pulse.HEALTH_S", 0.01)
    monkeypatch.setattr("runline.gateway.pulse.HEARTBEAT_S", 0.02)

    async def main(place):
        follower = Follower(await place.sign_in("b1", "owner"), "wagers", "health")
        kinds: set[str] = set()
        while kinds < {"image", "heartbeat", "delta"}:
            kinds.add((await follower.take()).kind)

    place(main)


def test_what_somebody_should_look_at_is_a_notification(place):
    async def main(place):
        world = place.world
        follower = Follower(await place.sign_in("b1", "owner"), "notifications")
        await follower.take()
        await place.give_password("b1", "ann")
        await world.do("b1", wager("P1", 5_000_00))
        await world.do("b1", wager("P1", 1_00))
        await world.do("b1", Suspend("market", MONEYLINE, "news"))
        for _ in range(3):
            with pytest.raises(RefusedError):
                await place.client().sign_in("b1", "ann", "wrong")
        last = (await world.do("b1", RevokeUser("ann", "left"))).position
        await follower.until(last)
        kinds = [event["kind"] for event in follower.events["notifications"]][-4:]
        assert kinds == ["large_wager", "suspension", "failed_sign_ins", "role_change"]

    place(main)


def test_whoever_looks_at_a_node_is_told_of_the_wagers_that_are_large_there(place):
    async def main(place):
        world = place.world
        owner, ann, bea = [await place.sign_in("b1", name) for name in ("owner", "ann", "bea")]
        await world.do("b1", SetLargeWager("A1", 500_00, "small players"))
        whole, narrowed = Follower(owner, "notifications"), Follower(owner, "notifications", node="A1")
        of_a1, of_a2 = Follower(ann, "notifications", "wagers"), Follower(bea, "notifications")
        followers = [whole, narrowed, of_a1, of_a2]
        for follower in followers:
            await follower.take()

        async def told():
            """What each of them is told of large wagers since they were asked last: whose, and what is at risk."""
            await world.do("b1", Suspend("market", MONEYLINE, "news"))
            last = await world.do("b1", Reopen("market", MONEYLINE, "played"))
            found = []
            for follower in followers:
                await follower.until(last.position)
                events = follower.events.pop("notifications", [])
                large = [one["event"] for one in events if one["kind"] == "large_wager"]
                found.append([(event["player"], event["risk_minor"]) for event in large])
            return found

        for player, risk in (("P1", 499_99), ("P1", 500_00), ("P1", 5_000_00), ("P9", 4_999_99), ("P9", 5_000_00)):
            await world.do("b1", wager(player, risk))
        of_p1, of_p9 = [("P1", 500_00), ("P1", 5_000_00)], [("P9", 5_000_00)]
        assert await told() == [[of_p1[1], *of_p9], of_p1, of_p1, of_p9]
        assert len([one for one in of_a1.events["wagers"] if one["event"]["type"] == "WagerPlaced"]) == 3

        await world.do("b1", MovePlayer("P9", "A1", "sold"))
        await world.do("b1", wager("P9", 600_00))
        assert await told() == [[], [("P9", 600_00)], [("P9", 600_00)], []]
        await world.do("b1", SetLargeWager("A1", 0, "too much noise"))
        await world.do("b1", SetLargeWager("root", 1_000_00, "a quiet week"))
        await world.do("b1", wager("P1", 1_000_00))
        assert await told() == [[("P1", 1_000_00)], [], [], []]

        await of_a1.frames.aclose()
        await world.do("b1", SetLargeWager("A1", 700_00, "some noise"))
        await world.do("b1", wager("P9", 699_99))
        await world.do("b1", wager("P9", 700_00))
        resumed = Follower(ann, "notifications", "wagers", last_id=of_a1.last_id)
        resumed.position = of_a1.position
        followers[:] = [resumed]
        assert await told() == [[("P9", 700_00)]]
        assert resumed.images == 0

    place(main)


def test_a_feed_that_says_nothing_is_a_notification_in_the_house_and_in_every_book(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house(fixtures=1)
            await world.open_book(players=1)
            house = Follower(await place.platform(), "notifications")
            book = Follower(await place.sign_in("b1", "owner"), "notifications")
            for follower in (house, book):
                await follower.take()
            await world.do(HOUSE, WatchFeed("platform", 30_000, "lines"))
            world.clock.at_ns += 31 * SECOND_NS
            world.engine.wake.set()

            async def told(follower, count):
                async with asyncio.timeout(10):
                    while len(follower.events.get("notifications", [])) < count:
                        await follower.take()
                return [
                    (one["stream"], one["kind"], one["event"]["type"]) for one in follower.events.pop("notifications")
                ]

            for follower in (house, book):
                assert await told(follower, 2) == [
                    ("house", "feed_silent", "FeedSilent"), ("house", "suspension", "Suspended"),
                ]  # fmt: skip
            late = await anext(place.clients[1].stream("notifications"))
            assert late.topics["notifications"]["standing"] == {"feeds_silent": ["platform"], "slow": []}
            await world.do(HOUSE, KeepFeed())
            for follower in (house, book):
                assert await told(follower, 1) == [("house", "feed_silent", "FeedReturned")]

    asyncio.run(main())


def test_slowness_is_a_notification_and_so_is_its_end(place):
    async def main(place):
        follower = Follower(await place.sign_in("b1", "owner"), "notifications")
        await follower.take()
        monitor = place.gateway.health.monitor
        await monitor.measure()
        for _ in range(100):
            place.world.engine.probes.commit.add(400 * 10**6)

        async def told():
            before = len(follower.events["notifications"])
            async with asyncio.timeout(10):
                while len(follower.events["notifications"]) == before:
                    await monitor.measure()
                    monitor.look()
                    await follower.take()
            notice = follower.events["notifications"][-1]
            return notice["kind"], notice["event"]["type"]

        assert await told() == ("degraded_health", "HealthDegraded")
        for _ in range(WINDOW_S):
            monitor.recent["commit"].mark()
        assert await told() == ("degraded_health", "HealthRestored")

    place(main)


def test_an_owner_may_look_at_a_node_only_and_an_agent_not_beyond_their_own(place):
    async def main(place):
        world = place.world
        owner = await place.sign_in("b1", "owner")
        follower = Follower(owner, "wagers", "exposure", "figures", node="A2")
        await follower.take()
        await world.do("b1", wager("P1", 5_00))
        last = (await world.do("b1", wager("P9", 7_00))).position
        await follower.until(last)
        assert follower.seen("wagers") == [last]
        assert set(follower.rows["figures"]) == {"A2", "P9"}
        assert follower.rows["exposure"][MONEYLINE]["risk_minor"] == {"home": 7_00}
        ann = await place.sign_in("b1", "ann")
        for client, node in ((ann, "A2"), (ann, "root"), (owner, "A9"), (await place.sign_in("b1", "P1"), "A2")):
            with pytest.raises(RefusedError):
                await anext(client.stream("wagers", node=node))

    place(main)


def test_an_action_can_be_followed_from_the_door_to_the_screens(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        ann = await place.sign_in("b1", "ann")
        followers = [Follower(client, "wagers") for client in (owner, ann)]
        for follower in followers:
            await follower.take()
        command = uuid7(place.world.clock.at_ns)
        answer = await owner.http.post(
            "/v1/adjust-credit",
            json={"player": "P1", "credit_limit_minor": 77_000_00, "reason": "asked"},
            headers={"idempotency-key": command, "authorization": f"Bearer {owner.token}"},
        )
        assert re.fullmatch(r"durable;dur=\d+\.\d\d", answer.headers["server-timing"])
        await place.world.do("b1", wager("P1"))
        last = (await place.world.do("b1", wager("P1"))).position
        for follower in followers:
            await follower.until(last)
        headers = {"authorization": f"Bearer {owner.token}"}
        found = (await owner.http.get(f"/v1/delivery?position={last}", headers=headers)).json()
        assert found["after"] < last <= found["position"]
        assert found["screens"] == 2
        part = {"authorization": f"Bearer {ann.token}"}
        assert (await ann.http.get(f"/v1/delivery?position={last}", headers=part)).json()["screens"] == 0
        (row,) = (await owner.ask("trace", command=command)).items
        assert (row["type"], row["actor"], row["seq"]) == ("CreditAdjusted", "owner", answer.json()["position"])
        assert row["received_ns"] <= row["queued_ns"] <= row["decided_ns"] <= row["sealed_ns"]
        assert len((await ann.ask("trace", command=command)).items) == 1
        bea = await place.sign_in("b1", "bea")
        assert (await bea.ask("trace", command=command)).items == []
        with pytest.raises(RefusedError) as caught:
            await owner.ask("delivery", position=10**9)
        assert caught.value.code == "unknown_delivery"

    place(main)


# Under fire

CUTS = int(os.environ.get("TEST_CUTS", "8"))
SCREENS = int(os.environ.get("TEST_SCREENS", "20"))


async def set_up_for_fire(path):
    async with served(path, SystemClock()) as place:
        world = place.world
        now_ns = world.clock.now_ns()
        await world.do(HOUSE, CreateLeague("MLB", "baseball"))
        await world.do(HOUSE, CreateFixture("G1", "MLB", 902, "Away", "Home", now_ns + 10**14))
        await world.do(HOUSE, PostLines("G1", 1, LINES))
        await world.do(HOUSE, OpenBook("b1", "owner"))
        await world.do("b1", SetRole("watch", "root", WATCH, "given"))
        for number in range(4):
            await world.do("b1", CreateAgent(f"A{number}", "root"))
            await world.do("b1", CreatePlayer(f"P{number}", f"A{number}", 10**9))
            await world.do("b1", CreateUser(f"user{number}", f"A{number}", "watch"))
            await place.give_password("b1", f"user{number}")
        await place.give_password("b1", "owner")


def start_server(path, port):
    command = [
        sys.executable,
        "-m",
        "runline",
        "serve",
        "--database",
        str(path),
        "--port",
        str(port),
        "--committer",
        "inline",
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    with child.stdout as said:
        assert any("http://" in line for line in said), "the server does not start"
    return child


class Proxy:
    """Stands between clients and the server, and cuts connections when it is told to."""

    def __init__(self, port):
        self.port = port
        self.pairs = set()

    async def serve(self, reader, writer):
        try:
            inner = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        self.pairs.add(writer)
        await asyncio.gather(self.pump(reader, inner[1]), self.pump(inner[0], writer))
        self.pairs.discard(writer)

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (OSError, ConnectionError):
            pass
        finally:
            writer.close()

    def cut(self, share):
        for writer in [one for one in self.pairs if random.random() < share]:
            writer.transport.abort()


@asynccontextmanager
async def proxied(port):
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        proxy.cut(2)


class Stop(asyncio.Event):
    """When it is over, and the position that everyone must have seen then."""

    position = 0


def test_whatever_is_killed_and_cut_under_load_every_screen_sees_its_whole_log(path):
    port = own_port()

    async def follow(address, user, stop, found):
        async with AsyncClient(address, deadline_s=60) as client:
            await client.sign_in("b1", user, PASSWORD)
            follower = Follower(client, "wagers", "log")
            found.append((user, follower))
            while not stop.is_set() or follower.position < stop.position:
                await follower.take()
            await follower.frames.aclose()

    async def load(address, stop):
        async with AsyncClient(address, deadline_s=60) as client:
            await client.sign_in("b1", "owner", PASSWORD)
            placed = {}
            while not stop.is_set():
                fields = {name: getattr(wager(), name) for name in wager().__struct_fields__}
                answer = await client.send("PlaceWager", **fields | {"player": f"P{random.randrange(4)}"})
                assert answer.position not in placed
                placed[answer.position] = answer.events[0]["player"]
                stop.position = answer.position
            return placed

    async def main():
        await set_up_for_fire(path)
        child = await asyncio.to_thread(start_server, path, port)
        stop = Stop()
        found: list[tuple[str, Follower]] = []
        try:
            async with proxied(port) as (proxy, address), asyncio.timeout(60 + 5 * CUTS):
                users = ["owner", *(f"user{number}" for number in range(4))]
                loads = [asyncio.create_task(load(address, stop)) for _ in range(2)]
                tasks = [
                    asyncio.create_task(follow(address, users[number % len(users)], stop, found))
                    for number in range(SCREENS)
                ]
                await comes_true(lambda: len(found) == SCREENS and all(one.images for _, one in found))
                for number in range(CUTS):
                    await comes_true(lambda enough=stop.position + 20: stop.position >= enough)
                    if number % 4 == 3:
                        child.send_signal(signal.SIGKILL)
                        await asyncio.to_thread(child.wait)
                        child = await asyncio.to_thread(start_server, path, port)
                    else:
                        proxy.cut(random.choice((0.3, 1.1)))
                stop.set()
                placed: dict[int, str] = {}
                for one in await asyncio.gather(*loads):
                    placed |= one
                stop.position = max(placed)
                await asyncio.gather(*tasks)
        finally:
            child.terminate()
            await asyncio.to_thread(child.wait)
        connection = apsw.Connection(str(path))
        log = [
            decode_envelope(row[0])
            for row in connection.execute("SELECT body FROM events WHERE stream = 'b1' ORDER BY seq")
        ]
        connection.close()
        wagers = {entry.seq: event.player for entry in log if isinstance(event := entry.event(VOCABULARY), WagerPlaced)}
        assert set(placed.items()) <= set(wagers.items())
        for user, follower in found:
            assert follower.images == 1
            begun = follower.seen("wagers")[0]
            own = [
                seq for seq, player in wagers.items()
                if begun <= seq <= follower.position and user in ("owner", f"user{player[1:]}")
            ]  # fmt: skip
            assert follower.seen("wagers") == own
            if user == "owner":
                first = follower.seen("log")[0]
                assert follower.seen("log") == list(range(first, follower.position + 1))

    asyncio.run(main())
