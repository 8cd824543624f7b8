"""Rings: one whose task meets a fault begins anew, and what they hold is read by turns."""

import pytest
from tests.integration.stores import Around
from tests.integration.test_live_hubs import WATCH, wall
from tests.integration.world import passes, play, wager

from runline.domain.messages import HOUSE
from runline.domain.roles import SetRole
from runline.domain.suspension import Reopen, Suspend
from runline.live.ring import Listener
from runline.store.sqlite import SqliteStore


class Faulty(Listener):
    """A listener that cannot hear of what happens, nor of what is lost."""

    def __init__(self) -> None:
        self.heard = 0

    def noted(self, stream):
        return 10**9

    def moved(self, stream, happened):
        if happened:
            self.heard += 1
            raise RuntimeError("on purpose")

    def lost(self, reason):
        raise RuntimeError("on purpose")


@pytest.mark.parametrize("which", ["own", "house"])
def test_a_fault_in_a_ring_resets_its_screens_which_can_come_back(path, monkeypatch, which):
    async def main():
        async with wall(path) as there:
            world = there.place.world
            asker = await there.asker("owner")
            screen = await there.join(asker, "lines", "wagers")
            await there.hear(screen)
            ring = getattr(there.hub(), which)
            faulty = Faulty()
            ring.listeners = {faulty: None, **ring.listeners}

            async def happens():
                if which == "own":
                    await world.do("b1", wager())
                else:
                    await world.do(HOUSE, Suspend("league", "MLB", "rain"))
                    await world.do(HOUSE, Reopen("league", "MLB", "go on"))

            await happens()
            _, _, data = await there.until(screen, "reset")
            assert data == {"reason": "unavailable"}
            assert faulty.heard
            del ring.listeners[faulty]
            assert not ring.task.done()
            back = await there.join(asker, "lines", "wagers")
            assert (await there.hear(back))[0][0] == "image"
            await happens()
            assert (await there.hear(back))[0][0] == "delta"

    play(main())


def test_a_hub_whose_ring_has_not_begun_waits_for_it_and_tells_who_is_cut_meanwhile(path, monkeypatch):
    async def main():
        async with wall(path) as there:
            world = there.place.world
            asker = await there.asker("owner")
            screen = await there.join(asker, "wagers")
            await there.hear(screen)
            ring, engine = there.hub().house, world.engine
            taken: list[None] = []
            turn = there.hub().turns.turn

            async def counted():
                taken.append(None)
                await turn()

            def broken(stream, after):
                raise RuntimeError("on purpose")

            with monkeypatch.context() as patch:
                patch.setattr(there.hub().turns, "turn", counted)
                patch.setattr(engine, "subscribe", broken)
                ring.listeners[Faulty()] = None
                await world.do(HOUSE, Suspend("league", "MLB", "rain"))
                assert (await there.until(screen, "reset"))[2] == {"reason": "unavailable"}
                late = await there.join(asker, "wagers")
                await passes(500)
                assert len(taken) < 20
            ring.listeners = {listener: None for listener in ring.listeners if listener is there.hub()}
            frames = await there.hear(late)
            while frames[-1][0] == "reset":
                late = await there.join(asker, "wagers")
                frames = await there.hear(late)
            assert frames[0][0] == "image"

    play(main())


@pytest.mark.parametrize("changed", [False, True])
def test_what_somebody_has_missed_is_found_by_turns(path, monkeypatch, changed):
    monkeypatch.setattr("runline.live.hub.STEP_NS", 0)
    monkeypatch.setattr("runline.live.composer.PIECE_EVENTS", 10)

    async def main():
        async with wall(path) as there:
            world = there.place.world
            asker = await there.asker("owner")
            stays = await there.join(asker, "log")
            _, last_id, _ = (await there.hear(stays))[0]
            await world.bus.send([world.request("b1", wager(amount_minor=1_00)) for _ in range(200)])
            if changed:
                # Only the last of all events says that an image is to be made.
                await world.do("b1", SetRole("other", "root", WATCH, "given"))
            await there.until(stays, "delta")
            await passes(500)
            hub = there.hub()
            steps: list[None] = []
            step = hub.step

            def counted(*arguments):
                steps.append(None)
                return step(*arguments)

            monkeypatch.setattr(hub, "step", counted)
            back = await there.join(asker, "log", last_id=last_id)
            kind, _, data = (await there.hear(back))[0]
            assert kind == ("image" if changed else "delta")
            events = data["topics"]["log"]["events"]
            assert len(events) == (100 if changed else 200)
            assert len(steps) >= 20

    play(main())


def test_what_a_ring_has_no_room_for_is_read_from_the_log_once(path, monkeypatch):
    class Counting(Around):
        read = 0

        async def events(self, *asked):
            self.read += 1
            return await self.store.events(*asked)

    async def main():
        store = Counting(SqliteStore(path))
        async with wall(path, store) as there:
            world = there.place.world
            asker = await there.asker("owner")
            stays = await there.join(asker, "lines")
            _, last_id, _ = (await there.hear(stays))[0]
            there.leave(stays)
            await world.bus.send([world.request("b1", wager(amount_minor=1_00)) for _ in range(300)])
            monkeypatch.setattr("runline.live.ring.RINGS_BYTES_MAX", 0)
            monkeypatch.setattr("runline.live.ring.RING_BYTES_MIN", 1_000)
            stays = await there.join(asker, "lines")
            await there.hear(stays)
            store.read = 0
            log, house, position = last_id.split(":")
            for number in range(5):
                back = await there.join(asker, "lines", last_id=f"{log}:{house}:{int(position) - number}")
                assert (await there.hear(back))[0][0] == "image"
            assert store.read == 1

    play(main())


def test_a_crowd_that_comes_back_is_read_for_little_by_little(path, monkeypatch):
    monkeypatch.setattr("runline.live.hub.ARRIVALS_NS", 0)

    async def main():
        async with wall(path) as there:
            asker = await there.asker("owner")
            crowd = [await there.join(asker, "log") for _ in range(3)]
            await passes()
            assert not any(seat.reached_back for seat in there.hub().seats)
            monkeypatch.setattr("runline.live.hub.ARRIVALS_NS", 10**9)
            for screen in crowd:
                assert (await there.hear(screen))[0][0] == "image"

    play(main())
