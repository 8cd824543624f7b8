"""Hubs: one for each stream, from its first screen to its last; nothing is told before it is durable; ids prove what they say."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served
from tests.integration.stores import Around, HeldStore
from tests.integration.world import MONEYLINE, passes, play, wager

from runline.domain.audience import Audience
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Rejected
from runline.domain.moving import MoveAgent
from runline.domain.permissions import Permission
from runline.domain.roles import SetRole
from runline.domain.suspension import Suspend
from runline.domain.users import CreateUser, RevokeUser
from runline.engine.watching import Resume
from runline.gateway.door import Caller
from runline.gateway.fan import Fan
from runline.gateway.screens import parse_resume
from runline.live.frames import Group
from runline.live.groups import Groups
from runline.live.limits import FRAMES_OF_ONE
from runline.store.sqlite import SqliteStore

WATCH = (Permission.FIGURES_VIEW, Permission.TICKER_VIEW, Permission.BOARD_VIEW, Permission.LOG_VIEW)


class Wall:
    """Screens without connections."""

    def __init__(self, place):
        self.place = place
        self.fan = place.gateway.fan
        self.hubs = place.world.bus.watching

    async def asker(self, user, stream="b1"):
        """Somebody who is signed in."""
        await self.place.sign_in(stream, user)
        sessions = self.place.world.engine.writers[stream].state.sessions.of_user[user]
        return Caller(stream, list(sessions)[-1])

    async def join(self, asker, *topics, last_id="", node=""):
        """A screen, once it is on its way."""
        return await self.fan.join(asker.stream, asker.session, topics, parse_resume(last_id), node)

    def leave(self, screen):
        """A screen has gone."""
        self.fan.leave(screen)

    def hub(self, stream="b1"):
        """Who watches a stream."""
        return self.hubs.hubs[stream]

    async def hear(self, screen):
        """The next frames of a screen, as (kind, id, data)."""
        async with asyncio.timeout(10):
            frames = await screen.next()
        found = []
        for block in frames.split(b"\n\n")[:-1]:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n"))
            data = msgspec.json.decode(fields[b"data"])
            found.append((fields[b"event"].decode(), fields.get(b"id", b"").decode(), data))
        return found

    async def until(self, screen, kind):
        """The next frame of a kind."""
        while True:
            for frame in await self.hear(screen):
                if frame[0] == kind:
                    return frame


@asynccontextmanager
async def wall(path, store=None, *, beats=False):
    """A book with two agents and people who may watch it, over bytes. beats: whether there are heartbeats and
    health."""
    async with served(path, store=store, way="bytes") as place, asyncio.timeout(60):
        world = place.world
        if not beats:
            place.gateway.pulse.task.cancel()
        await world.open_house(fixtures=2)
        await world.open_book(players=2, credit_minor=10**9)
        await world.do("b1", CreateAgent("A2", "root"))
        await world.do("b1", CreatePlayer("P9", "A2", 10**9))
        await world.do("b1", SetRole("watch", "root", WATCH, "given"))
        await world.do("b1", CreateUser("ann", "A1", "watch"))
        await world.do("b1", CreateUser("bea", "A2", "watch"))
        try:
            yield Wall(place)
        finally:
            if isinstance(store, HeldStore):
                store.let_go()


# One hub for each stream, as long as somebody follows it


class SlowToRead(Around):
    """A store that others have their turns before it answers."""

    async def events(self, *asked):
        for _ in range(5):
            await asyncio.sleep(0)
        return await self.store.events(*asked)


def test_screens_that_come_together_are_in_one_hub_even_if_the_store_makes_them_wait(path):
    async def main():
        async with wall(path, SlowToRead(SqliteStore(path))) as there:
            asker = await there.asker("owner")
            screens = await asyncio.gather(*(there.join(asker, "wagers") for _ in range(5)))
            assert len(there.hub().seats) == 5
            for screen in screens:
                assert (await there.hear(screen))[0][0] == "image"
            there.leave(screens[0])
            placed = await there.place.world.do("b1", wager())
            for screen in screens[1:]:
                (frame,) = await there.hear(screen)
                assert frame[2]["to"] == placed.position

    play(main())


def test_gateways_that_watch_the_same_stream_share_its_hub_and_hear_what_is_made_once(path):
    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            fans = there.fan, Fan(there.place.world.bus, there.place.world.clock)
            screens = [await fan.join(asker.stream, asker.session, ("wagers",), None) for fan in fans]
            images = [await there.hear(screen) for screen in screens]
            assert [kind for ((kind, _, _),) in images] == ["image", "image"]
            hub = there.hub()
            (group,) = hub.groups.values()
            assert list(group.links.values()) == [1, 1]
            placed = await there.place.world.do("b1", wager())
            deltas = [await there.hear(screen) for screen in screens]
            assert deltas[0] == deltas[1]
            assert deltas[0][0][2]["to"] == placed.position
            fans[0].leave(screens[0])
            assert there.hub() is hub
            again = await there.place.world.do("b1", wager())
            assert (await there.hear(screens[1]))[0][2]["to"] == again.position
            fans[1].leave(screens[1])
            assert there.hubs.hubs == {}

    play(main())


def test_a_hub_ends_with_its_last_screen_and_leaves_nothing_behind(path):
    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            tasks = asyncio.all_tasks()
            screens = [await there.join(asker, "wagers", "lines") for _ in range(3)]
            for screen in screens:
                await there.hear(screen)
            hub = there.hub()
            for screen in screens:
                there.leave(screen)
                there.leave(screen)
            assert there.hubs.hubs == there.fan.followed == {}
            assert there.hubs.rings.rings == {}
            assert (there.fan.count, there.hubs.streams.count) == (0, 0)
            await passes()
            assert hub.task.done()
            assert not any(there.place.world.engine.subscriptions.of.values())
            assert asyncio.all_tasks() <= tasks
            again = await there.join(asker, "wagers")
            assert (await there.hear(again))[0][0] == "image"

    play(main())


def test_all_books_share_one_ring_of_the_house_and_nothing_is_read_before_somebody_asks(path):
    class Counting(Around):
        read = 0

        async def events(self, stream, after, limit):
            found = await self.store.events(stream, after, limit)
            if stream == HOUSE:
                self.read += len(found)
            return found

    async def main():
        store = Counting(SqliteStore(path))
        async with wall(path, store) as there:
            for book in ("b2", "b3"):
                await there.place.world.do(HOUSE, OpenBook(book, "owner"))
            screens = []
            store.read = 0
            for book in ("b1", "b2", "b3"):
                await there.place.world.until(book, lambda state: "owner" in state.access.users)
                screens.append(await there.join(await there.asker("owner", book), "lines"))
            ids = [(await there.hear(screen))[0][1] for screen in screens]
            rings = there.hubs.rings.rings
            assert sorted(rings) == ["b1", "b2", "b3", HOUSE]
            assert all(hub.house is rings[HOUSE] for hub in there.hubs.hubs.values())
            assert store.read == 0
            await there.place.world.do(HOUSE, Suspend("league", "MLB", "rain"))
            for screen in screens:
                rows = (await there.hear(screen))[0][2]["topics"]["lines"]["rows"]
                assert sorted(row["fixture"] for row in rows) == ["G1", "G2"]
            for screen in screens:
                there.leave(screen)
            back = await there.join(await there.asker("owner"), "lines", last_id=ids[0])
            kind, _, data = (await there.hear(back))[0]
            assert (kind, len(data["topics"]["lines"]["rows"])) == ("delta", 2)
            assert store.read == 1

    play(main())


def test_what_no_ring_has_room_for_begins_with_a_new_image(path, monkeypatch):
    monkeypatch.setattr("runline.live.ring.RINGS_BYTES_MAX", 0)
    monkeypatch.setattr("runline.live.ring.RING_BYTES_MIN", 8_000)

    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            first = await there.join(asker, "wagers")
            _, last_id, _ = (await there.hear(first))[0]
            there.leave(first)
            for _ in range(3):
                await there.place.world.do("b1", wager())
            back = await there.join(asker, "wagers", last_id=last_id)
            kind, _, data = (await there.hear(back))[0]
            assert (kind, len(data["topics"]["wagers"]["events"])) == ("delta", 3)
            ring = there.hub().own
            for _ in range(30):
                await there.place.world.do("b1", wager())
            while ring.bytes > 8_000:
                # What its hub has looked at leaves it with the next event.
                await passes()
                await there.place.world.do("b1", wager())
            assert ring.bytes > 0
            late = await there.join(asker, "wagers", last_id=last_id)
            assert (await there.hear(late))[0][0] == "image"

    play(main())


def test_events_that_a_hub_has_not_looked_at_stay_in_its_ring_beyond_its_bound(path, monkeypatch):
    monkeypatch.setattr("runline.live.ring.RING_EVENTS", 10)

    async def main():
        async with wall(path) as there:
            screen = await there.join(await there.asker("owner"), "wagers")
            await there.hear(screen)
            world = there.place.world
            outcomes = await world.bus.send([world.request("b1", wager(amount_minor=1_00)) for _ in range(500)])
            seen: list[int] = []
            while not seen or seen[-1] < outcomes[-1].position:
                for _, _, data in await there.hear(screen):
                    seen += [event["seq"] for event in data["topics"]["wagers"]["events"]]
            assert seen == [outcome.position for outcome in outcomes]
            await passes()
            assert len(there.hub().own.events) <= 500

    play(main())


# Nothing is told before it is durable


def test_a_revocation_cuts_no_screen_before_it_is_durable(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with wall(path, store) as there:
            screen = await there.join(await there.asker("ann"), "wagers")
            await there.hear(screen)
            store.hold()
            revoked = asyncio.create_task(there.place.world.ask("b1", RevokeUser("ann", "left")))
            await store.held.wait()
            there.hub().wake.set()
            for _ in range(20):
                await asyncio.sleep(0.005)  # waits: for what must not happen while flushes go by
            assert not revoked.done()
            assert not screen.closed
            assert screen.backlog == []
            store.let_go()
            await revoked
            assert (await there.hear(screen))[-1][2] == {"reason": "revoked"}

    play(main())


def test_a_screen_is_not_refused_for_what_is_not_durable_yet(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with wall(path, store) as there:
            asker = await there.asker("ann")
            store.hold()
            revoked = asyncio.create_task(there.place.world.ask("b1", RevokeUser("ann", "left")))
            await store.held.wait()
            screen = await there.join(asker, "wagers")
            await passes()
            assert not screen.closed
            store.let_go()
            await revoked
            with pytest.raises(Rejected) as refused:
                await there.hear(screen)
            assert refused.value.code == "not_signed_in"

    play(main())


def test_no_door_says_that_a_session_has_ended_before_that_is_durable(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with wall(path, store) as there:
            client = await there.place.sign_in("b1", "ann")
            await client.ask("me")
            store.hold()
            revoked = asyncio.create_task(there.place.world.ask("b1", RevokeUser("ann", "left")))
            await store.held.wait()
            headers = {"content-type": "application/json"}
            body = msgspec.json.encode(wager())
            asked = [
                asyncio.create_task(client.http.get("/v1/me")),
                asyncio.create_task(client.http.get("/v1/stream?topics=wagers")),
                asyncio.create_task(client.http.post("/v1/wagers", content=body, headers=headers)),
            ]
            done, _ = await asyncio.wait(asked, timeout=0.2)
            assert not done
            store.let_go()
            await revoked
            assert [(await one).status_code for one in asked] == [401, 401, 401]
            assert (await client.http.get("/v1/me")).status_code == 401

    play(main())


# What an id says


def test_nothing_is_heard_before_the_first_frame_and_a_heartbeat_names_only_what_is_there(path, monkeypatch):
    monkeypatch.setattr("runline.gateway.pulse.HEALTH_S", 0.002)
    monkeypatch.setattr("runline.gateway.pulse.HEARTBEAT_S", 0.002)

    async def main():
        store = HeldStore(SqliteStore(path))
        async with wall(path, store, beats=True) as there:
            asker = await there.asker("owner")
            first = await there.join(asker, "wagers", "health")
            _, begun, _ = (await there.hear(first))[0]
            store.hold()
            placed = asyncio.create_task(there.place.world.do("b1", wager()))
            await store.held.wait()
            late = await there.join(asker, "wagers", "health")
            for _ in range(20):
                heard = await there.hear(first)
                assert {event_id for _, event_id, _ in heard} <= {"", begun}
            assert late.backlog == []
            store.let_go()
            position = (await placed).position
            kind, event_id, data = (await there.hear(late))[0]
            assert (kind, data["position"], event_id.split(":")[2]) == ("image", position, str(position))
            _, event_id, data = await there.until(late, "heartbeat")
            while not event_id:
                _, event_id, data = await there.until(late, "heartbeat")
            assert (event_id.split(":")[2], data["position"]) == (str(position), position)
            assert data["from"] <= position

    play(main())


def test_a_position_moves_when_all_screens_of_a_frame_have_it(path, monkeypatch):
    monkeypatch.setattr("runline.gateway.screens.SCREENS_AT_ONCE", 1)

    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            screens = [await there.join(asker, "wagers") for _ in range(3)]
            for screen in screens:
                await there.hear(screen)
            followed = there.fan.followed["b1"]
            (group,) = followed.groups.values()
            before = group.position
            placed = asyncio.create_task(there.place.world.do("b1", wager()))
            while not any(screen.backlog for screen in screens):
                await asyncio.sleep(0)
                if not all(screen.backlog for screen in screens):
                    assert (followed.position, group.position) == (before, before)
            while not all(screen.backlog for screen in screens):
                assert group.position == before
                await asyncio.sleep(0)
            position = (await placed).position
            await comes_true(lambda: group.position != before)
            assert group.position[1] == position

    play(main())


# What a flush looks at


def test_an_event_is_looked_at_for_those_only_whom_it_concerns(path):
    async def main():
        async with wall(path) as there:
            screens = {}
            for name in ("owner", "ann", "bea", "P1", "P9"):
                topics = ("wagers", "figures") if name.startswith("P") else ("wagers", "figures", "exposure")
                screens[name] = await there.join(await there.asker(name), *topics)
                await there.hear(screens[name])
            hub = there.hub()
            told = []
            for group in hub.groups.values():
                tell = group.tell

                def noted(fact, tell=tell, group=group):
                    told.append(group)
                    tell(fact)

                group.tell = noted
            placed = await there.place.world.do("b1", wager("P1"))
            for name in ("owner", "ann", "P1"):
                assert (await there.hear(screens[name]))[0][2]["to"] == placed.position
            assert {next(iter(group.seats)).name for group in told} == {"owner", "ann", "P1"}
            assert screens["bea"].backlog == screens["P9"].backlog == []

    play(main())


def test_a_moved_agent_is_sent_whole_only_where_the_subtree_is_another_one(path):
    async def main():
        async with wall(path) as there:
            world = there.place.world
            await world.do("b1", CreateAgent("A1-1", "A1"))
            await world.do("b1", CreatePlayer("P5", "A1-1", 10**6))
            await world.do("b1", wager("P5", 5_00))
            screens = {}
            for name in ("owner", "ann", "bea"):
                screens[name] = await there.join(await there.asker(name), "figures", "exposure")
                await there.hear(screens[name])
            await world.do("b1", MoveAgent("A1-1", "A2", "sold"))
            seen = {name: (await there.hear(screen))[0][2]["topics"] for name, screen in screens.items()}
            assert [seen[name]["figures"]["whole"] for name in ("owner", "ann", "bea")] == [False, True, True]
            agents = {name: {row["agent"]: row for row in seen[name]["figures"]["rows"]} for name in seen}
            assert set(agents["owner"]) == {"A1-1", "A1", "A2"}
            assert agents["owner"]["A1-1"]["parent"] == "A2"
            assert (set(agents["ann"]), set(agents["bea"])) == ({"A1"}, {"A2", "A1-1"})
            assert [row["player"] for row in seen["bea"]["figures"]["players"]] == ["P9", "P5"]
            assert "exposure" not in seen["owner"]
            assert seen["ann"]["exposure"]["rows"] == []
            assert [row["market"] for row in seen["bea"]["exposure"]["rows"]] == [MONEYLINE]
            new = await world.do("b1", CreateAgent("A2-1", "A2"))
            data = (await there.hear(screens["bea"]))[0][2]
            assert data["to"] == new.position
            assert not data["topics"]["figures"]["whole"]
            assert [row["agent"] for row in data["topics"]["figures"]["rows"]] == ["A2-1"]
            assert screens["ann"].backlog == []

    play(main())


def test_a_suspension_sends_the_games_that_it_closes_to_those_whom_it_closes_them(path):
    async def main():
        async with wall(path) as there:
            world = there.place.world
            screens = {}
            for name in ("owner", "ann", "bea", "P1", "P9"):
                screens[name] = await there.join(await there.asker(name), "lines")
                await there.hear(screens[name])

            async def heard(*names):
                found = {}
                for name in names:
                    rows = (await there.hear(screens[name]))[0][2]["topics"]["lines"]["rows"]
                    found[name] = {row["fixture"]: {market["open"] for market in row["markets"]} for row in rows}
                for name in screens.keys() - set(names):
                    assert screens[name].backlog == [], name
                return found

            everyone = tuple(screens)
            await world.do("b1", Suspend("fixture", "G2", "rain"))
            assert await heard(*everyone) == {name: {"G2": {False}} for name in everyone}
            await world.do("b1", Suspend("selection", f"{MONEYLINE}/home", "news"))
            assert all(set(games) == {"G1"} for games in (await heard(*everyone)).values())
            await world.do("b1", Suspend("player", "P9", "asked"))
            assert await heard("P9") == {"P9": {"G1": {False}, "G2": {False}}}
            await world.do("b1", Suspend("agent", "A1", "unpaid"))
            assert await heard("ann", "P1") == {name: {"G1": {False}, "G2": {False}} for name in ("ann", "P1")}

    play(main())


@pytest.mark.parametrize("piece_ns", [0, 1_000_000])
def test_an_image_that_is_made_in_pieces_is_what_holds_at_its_position(path, monkeypatch, piece_ns):
    monkeypatch.setattr("runline.live.hub.STEP_NS", piece_ns)
    monkeypatch.setattr("runline.live.frames.PIECE_ROWS", 1)
    monkeypatch.setattr("runline.live.frames.PIECE_EVENTS", 1)
    monkeypatch.setattr("runline.live.composer.PIECE_EVENTS", 1)

    async def main():
        async with wall(path) as there:
            world = there.place.world
            for number in range(20):
                await world.do("b1", CreatePlayer(f"Q{number}", f"A{1 + number % 2}", 10**9))
            client = await there.place.sign_in("b1", "owner")
            asker = await there.asker("owner")
            topics = ("wagers", "lines", "exposure", "figures", "log", "notifications")

            async def flood():
                for number in range(60):
                    await world.do("b1", wager(f"Q{number % 20}", 1_00))

            flooding = asyncio.create_task(flood())
            screen = await there.join(asker, *topics)
            rows: dict[str, dict[str, object]] = {}
            events: list[int] = []
            position = 0
            while not flooding.done() or position < world.engine.writers["b1"].durable_seq:
                for kind, event_id, data in await there.hear(screen):
                    if kind == "heartbeat" or not event_id:
                        continue
                    assert kind == "image" or data["from"] <= position
                    position = data.get("to") or data["position"]
                    figures = data["topics"].get("figures", {})
                    if figures.get("whole"):
                        rows = {}
                    for row in (*figures.get("rows", ()), *figures.get("players", ())):
                        rows[row.get("player") or row["agent"]] = row
                    events += [event["seq"] for event in data["topics"].get("log", {}).get("events", ())]
            assert events == list(range(events[0], position + 1))
            fresh = [*(await client.ask("figures")).items, *(await client.ask("players", limit=1_000)).items]
            assert rows == {row.get("player") or row["agent"]: row for row in fresh}

    play(main())


def test_somebody_who_comes_back_after_much_has_happened_gets_it_in_order(path, monkeypatch):
    monkeypatch.setattr("runline.live.hub.STEP_NS", 0)
    monkeypatch.setattr("runline.live.frames.PIECE_EVENTS", 3)

    async def main():
        async with wall(path) as there:
            world = there.place.world
            asker = await there.asker("owner")
            first = await there.join(asker, "log", "figures")
            _, last_id, _ = (await there.hear(first))[0]
            there.leave(first)
            for _ in range(4):
                await world.bus.send([world.request("b1", wager(amount_minor=1_00)) for _ in range(25)])
            requests = [world.request("b1", wager(amount_minor=1_00)) for _ in range(50)]
            flood = asyncio.create_task(world.bus.send(requests))
            back = await there.join(asker, "log", "figures", last_id=last_id)
            last = (await flood)[-1].position
            seen: list[int] = []
            while not seen or seen[-1] < last:
                for kind, _, data in await there.hear(back):
                    assert kind == "delta"
                    seen += [event["seq"] for event in data["topics"]["log"]["events"]]
            assert seen == list(range(int(last_id.split(":")[2]) + 1, last + 1))
            assert Resume("x", 1, 2) == parse_resume("x:1:2")

    play(main())


def test_a_flush_lets_few_in_that_need_a_frame_of_their_own_and_fewer_of_one_user(path, monkeypatch):
    monkeypatch.setattr("runline.live.composer.ARRIVALS_NS", 1)

    async def main():
        async with wall(path) as there:
            world = there.place.world
            askers = [await there.asker(name) for name in ("owner", "ann")]
            resumes = {}
            for asker in askers:
                _, last_id, _ = (await there.hear(await there.join(asker, "log")))[0]
                log, house, position = last_id.split(":")
                resumes[asker] = [f"{log}:{house}:{int(position) + number}" for number in range(6)]
            for _ in range(6):
                await world.do("b1", wager(amount_minor=1_00))
            hub, crowd, let_in = there.hub(), [], []
            flush = hub.flush

            async def counted():
                before = sum(seat.group is not None for seat in hub.seats)
                await flush()
                let_in.append(sum(seat.group is not None for seat in hub.seats) - before)

            monkeypatch.setattr(hub, "flush", counted)
            crowd = await asyncio.gather(
                *(there.join(asker, "log", last_id=one) for asker in askers for one in resumes[asker])
            )
            for screen in crowd:
                assert (await there.hear(screen))[0][0] == "delta"
            await passes()
            assert sum(let_in) == len(crowd)
            assert max(let_in) <= 2 * FRAMES_OF_ONE

    play(main())


def test_rows_that_were_made_are_forgotten_with_the_last_who_follow_their_topic():
    groups = Groups()
    audience = Audience("root", "", frozenset(WATCH))
    both, other = (
        Group(number, audience, topics, VOCABULARY, b"", (1, 1))
        for number, topics in enumerate((("lines", "figures"), ("lines",)), 1)
    )
    for group in (both, other):
        groups.register(group)
    groups.cache.keep("lines", None, "F1", {})
    groups.forget(other)
    assert groups.cache.find("lines", None, "F1") == b"{}", "somebody still hears what changes of it"
    groups.forget(both)
    assert groups.cache.find("lines", None, "F1") is None
