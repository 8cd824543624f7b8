"""An engine whose streams are held by a lease: what it knows leaves while the lease is held, and not after."""

import os

import pytest
from tests.doubles.coming import comes_true
from tests.integration.test_owned_streams import beside, staged
from tests.integration.world import play, wager

from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import COPY, PROOF, READY
from runline.engine.bus import Question
from runline.engine.commit import ELSEWHERE
from runline.engine.requests import Accepted, Previewed, Refused
from runline.engine.watching import Cut, Enter
from runline.store.memory import MemoryStore


class Lease:
    """A lease, as an engine asks for it."""

    def __init__(self, engine):
        self.is_held = True
        engine.process.holds, engine.process.leased = lambda: self.is_held, True


async def code_of(asking):
    """Why something is not answered."""
    with pytest.raises(Rejected) as found:
        await asking
    return found.value.code


def test_what_is_asked_refused_previewed_or_proved_is_not_said_once_the_lease_is_over_and_what_is_stored_is():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            lease = Lease(world.engine)
            await world.do("b1", wager())
            caller = await world.sign_in("b1", "owner")
            asks = {
                "its own": lambda: world.bus.ask(Question("b1", "standing", b"{}", caller.session)),
                "an answer": lambda: world.bus.ask(Question("b1", "players", b"{}", actor="owner")),
                "of what is stored": lambda: world.bus.ask(Question("b1", "wagers", b"{}", actor="owner")),
                "whose": lambda: world.bus.who("b1", caller.session),
                "a proof": lambda: world.bus.ask(Question("b1", PROOF)),
            }
            for ask in asks.values():
                await ask()
            assert isinstance(await world.ask("b1", wager(), preview=True), Previewed)
            assert (await world.refused("b1", wager(amount_minor=1))).code == "limit_exceeded"
            lease.is_held = False
            for name, ask in asks.items():
                assert await code_of(ask()) == "unavailable", name
            outcome = await world.ask("b1", wager(), preview=True)
            assert isinstance(outcome, Refused)
            assert outcome.code == "unavailable"
            assert (await world.refused("b1", wager(amount_minor=1))).code == "unavailable"
            assert not world.engine.ready
            assert (await world.bus.ask(Question("", READY))).body == b'{"ready":false,"failing":["cluster"]}'
            # Nobody else has moved its head: so it was this process's own.
            assert isinstance(await world.ask("b1", wager()), Accepted)
            lease.is_held = True
            for ask in asks.values():
                await ask()

    play(main())


def test_frames_are_not_shown_once_the_lease_is_over():
    class Watcher:
        def __init__(self):
            self.heard = []

        async def hear(self, news):
            self.heard += news

    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            lease = Lease(world.engine)
            caller = await world.sign_in("b1", "owner")
            watcher = Watcher()
            link = world.bus.watch("b1", watcher)
            link.tell(Enter(1, caller.session, ("wagers",)))
            await comes_true(lambda: any(hasattr(one, "frame") for one in watcher.heard))
            lease.is_held = False
            watcher.heard.clear()
            await world.do("b1", wager())
            await comes_true(lambda: watcher.heard)
            assert watcher.heard == [Cut([1], "unavailable")]
            link.close()

    play(main())


def test_a_stream_that_was_assigned_to_another_is_not_taken_from_them_by_hand():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, ["b1"]) as other:
            Lease(world.engine)
            assert (await world.refused("b1", wager())).code == "unavailable"
            world.engine.start_stopped()
            await comes_true(lambda: any("has claimed" in one.reason for one in world.engine.conditions.failing))
            await other.do("b1", wager())

    play(main())


def test_a_stopped_stream_that_cannot_be_started_by_hand_since_it_was_claimed_is_one_that_its_node_takes_anew():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            Lease(world.engine)
            stopped = world.engine.writers["b1"]
            world.engine.owned.stop(stopped, "a row cannot be stored")
            # As of a claim that was made here, and of which nobody heard.
            await world.engine.store.claim("b1", stopped.head.epoch)
            world.engine.owned.start_again("b1")
            await comes_true(lambda: stopped.stopped == ELSEWHERE)
            assert world.engine.writers["b1"] is stopped

    play(main())


def test_a_process_can_take_a_book_over_once_the_house_is_current_there_and_says_up_to_where_it_has_a_copy():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            await world.do("b1", wager())
            async with beside(world, [], proves=False) as other:
                asked = Question("b1", COPY)
                assert await code_of(other.bus.ask(asked)) == "unavailable"
                assert (await other.bus.ask(Question(HOUSE, COPY))).position == 0
                other.engine.house.proved(other.clock.host_ns())
                assert (await other.bus.ask(asked)).position == 0
                other.engine.stand_by("b1", world.bus)
                position = world.engine.durable_seq("b1")
                await comes_true(lambda: other.engine.copied("b1") == position)
                assert (await other.bus.ask(asked)).position == position
                await other.engine.stop_following()

    play(main())
