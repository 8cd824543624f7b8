"""Rings: one whose task meets a fault begins anew, and whoever looks hears so."""

import pytest
from tests.integration.test_live_hubs import wall
from tests.integration.world import passes, play, wager

from runline.domain.messages import HOUSE
from runline.domain.suspension import Reopen, Suspend
from runline.live.ring import Listener


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
            taken, turn = [], there.hub().turns.turn

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
