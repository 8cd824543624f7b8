"""Following: a stream that another process owns is kept up to date here, taken over, and handed over, with nothing done twice."""

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.wired import BUSES, over
from tests.integration.stores import STORES, Around
from tests.integration.world import (
    AWAY_WINS,
    HOME_WINS,
    HOUR_NS,
    NOON_NS,
    SECOND_NS,
    World,
    acceptance,
    agrees,
    bus_to,
    play,
    refusal,
    running,
    wager,
)

from runline.domain.accounts import GrantTemporaryCredit
from runline.domain.messages import GATEWAY, HOUSE, Rejected
from runline.domain.passwords import ChangePassword
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.engine.engine import Engine
from runline.engine.ports import NotTaken, StoreError
from runline.engine.recovery import load_at_once, load_window
from runline.engine.requests import Refused
from runline.engine.watching import Cut, Enter, Moved
from runline.gateway.fan import Fan
from runline.simulate.laws import memory_is_what_a_restart_would_rebuild
from runline.store.memory import MemoryStore
from runline.store.sqlite import SqliteStore

WAIT_S = 60


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nothing waits for long before it is tried again."""
    monkeypatch.setattr("runline.engine.follower.FOLLOW_PAUSE_S", 0.005)
    monkeypatch.setattr("runline.engine.follower.PROOF_S", 0.005)
    monkeypatch.setattr("runline.engine.standby.LOAD_PAUSE_S", 0.005)


class Shared(Around):
    """A store that another engine closes."""

    async def close(self, node, sealed_ns, durable_before_ns):
        """It goes on."""


class Two:
    """Two engines on one store, each with a bus to the other. first: owns all streams. second: none, and follows the house."""

    def __init__(self, first, second, to_first, to_second):
        self.first, self.second = first, second
        self.to_first, self.to_second = to_first, to_second

    def stand_by(self, stream="b1") -> Any:
        """The second one follows a stream of the first one's."""
        return self.second.engine.stand_by(stream, self.to_first)

    async def is_like(self, follower: Any) -> None:
        """A standby has caught up, and is what a start would read."""
        standby: Any = follower.copy
        writer = self.first.engine.writers[standby.stream]
        await comes_true(lambda: standby.position == writer.durable_seq)
        store, engine = self.first.engine.store, self.second.engine
        recovered = engine.vocabulary.state_of(standby.stream)
        head = await load_at_once(store, recovered)
        assert (standby.position, standby.hash) == (head.seq, head.hash)
        assert (standby.state.held_rows, standby.state.held_sum) == (head.held_rows, head.held_sum)
        window = await load_window(store, standby.stream, engine.clock.now_ns())
        assert standby.window.parts == window.parts

    async def take(self, head) -> Any:
        """The second one takes what the first one hands over."""
        await self.second.engine.adopt(head.stream, head.epoch)
        return self.to_second

    async def take_back(self, head) -> Any:
        """And the first one what the second does."""
        await self.first.engine.adopt(head.stream, head.epoch)
        return self.to_first


@asynccontextmanager
async def two(store, way="a call", second_store: Any = None):
    """Two engines, with two books that take wagers. second_store: of the second one, if it has one of its own."""
    async with running(store) as first, AsyncExitStack() as stack:
        await first.open_house(fixtures=2)
        for book in ("b1", "b2"):
            await first.open_book(book, players=2, credit_minor=10**12)
        engine = Engine(
            second_store or Shared(store), first.clock, os.urandom, first.engine.vocabulary, "n2", founds=False
        )
        await engine.start([])
        second = World(engine, bus_to(engine), first.clock)
        stack.push_async_callback(engine.stop)
        to_first = await stack.enter_async_context(over(way, first.bus))
        to_second = await stack.enter_async_context(over(way, second.bus))
        first.engine.follow_house(to_second)
        engine.follow_house(to_first)
        stack.push_async_callback(first.engine.stop_following)
        await comes_true(lambda: engine.house.lag_ms() < 1_000)
        yield Two(first, second, to_first, to_second)
        await engine.stop_following()


@pytest.mark.parametrize("way", BUSES)
def test_a_book_goes_by_a_house_that_is_owned_elsewhere_for_as_long_as_its_owner_proves_it(path, way):
    async def main():
        async with two(SqliteStore(path), way) as both:
            first, second = both.first, both.second
            await first.engine.release("b1")
            await second.engine.adopt("b1")
            await second.do("b1", wager())
            suspended = await first.do(HOUSE, Suspend("all", "", "news"))
            await comes_true(lambda: second.engine.view.seq >= suspended.position)
            assert (await second.refused("b1", wager())).code == "market_suspended"
            await first.do(HOUSE, Reopen("all", "", "go on"))
            await comes_true(lambda: second.engine.view.seq > suspended.position)
            await second.do("b1", wager())
            # The owner of the book says how far it has seen the house.
            follower = first.engine.stand_by("b1", both.to_second)
            await comes_true(lambda: follower.has_passed(suspended.position))
            assert not follower.has_passed(first.engine.view.seq + 1)
            # Another has claimed the house, and its owner does not know yet: it proves nothing any more.
            await first.engine.store.claim(HOUSE)
            with pytest.raises(Rejected, match="recorded now"):
                await first.engine.prove(HOUSE)
            await asyncio.sleep(0.05)  # waits: a question that is under way is answered
            first.clock.host_ahead_ns += 3 * SECOND_NS
            assert (await second.refused("b1", wager())).code == "house_stale"

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_the_last_owner_of_a_book_had_seen_of_the_house_binds_the_next_one_at_once():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first, second = both.first, both.second
            follower = both.stand_by()
            await both.is_like(follower)
            # Nobody tells the second one of the house any more, whose last proof is young.
            await second.engine.following.end()
            suspended = await first.do(HOUSE, Suspend("all", "", "news"))
            assert second.engine.view.seq < suspended.position
            second.engine.house.proved(second.clock.host_ns())
            await first.engine.hand_over("b1", both.take)
            assert refusal(await first.ask("b1", wager())).code == "market_suspended"

    play(asyncio.wait_for(main(), WAIT_S))


def test_whoever_hands_over_answers_for_nothing_that_the_other_one_may_have_by_now():
    """What the other one has taken it says long before that is heard, if it is heard at all."""

    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first, second = both.first, both.second
            # As at a node, whose lease says that nobody else owns anything of it.
            first.engine.process.leased = True
            said = asyncio.Event()

            async def take(head):
                await first.read("b1", lambda book: None)
                await second.engine.adopt("b1", head.epoch)
                await second.do("b1", wager())
                said.set()
                await asyncio.Event().wait()

            handing = asyncio.create_task(first.engine.hand_over("b1", take))
            await said.wait()
            for _ in range(2):
                for asked in (first.read("b1", lambda book: None), first.engine.prove("b1")):
                    with pytest.raises(Rejected, match="recorded now"):
                        await asked
                # What comes of it is never heard.
                handing.cancel()
                await asyncio.gather(handing, return_exceptions=True)

    play(asyncio.wait_for(main(), WAIT_S))


def test_whoever_hands_over_shows_and_refuses_nothing_by_what_the_other_one_may_have_changed_by_now():
    """Of what is not stored with a new head nobody knows otherwise that another one goes on with the stream."""

    class Shown:
        def __init__(self):
            self.news = []

        async def hear(self, news):
            self.news += news

    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first, second = both.first, both.second
            first.engine.process.leased = True
            caller = await first.sign_in("b1", "owner")
            said = asyncio.Event()

            async def take(head):
                await second.engine.adopt("b1", head.epoch)
                await second.do("b1", Suspend("all", "", "news"))
                said.set()
                await asyncio.Event().wait()

            handing = asyncio.create_task(first.engine.hand_over("b1", take))
            await said.wait()
            handing.cancel()
            await asyncio.gather(handing, return_exceptions=True)
            assert first.engine.writers["b1"].given
            shown = Shown()
            link = first.bus.watch("b1", shown)
            link.tell(Enter(1, caller.session, ("board",)))
            await comes_true(lambda: shown.news)
            assert [type(one) for one in shown.news if not isinstance(one, Moved)] == [Cut]
            link.close()
            # Refused by what stands there, previewed, and changed nothing.
            for command, fields in ((Reopen("all", "", "news"), {}), (wager(), {"preview": True})):
                assert (await first.refused("b1", command, **fields)).code == "unavailable"

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_was_read_of_a_stream_that_nobody_has_taken_yet_is_said():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first = both.first
            first.engine.process.leased = True
            first.engine.writers["b1"].given = True
            assert (await first.refused("b1", wager(amount_minor=10**15))).code not in ("unavailable", "internal_error")
            assert not isinstance(await first.ask("b1", wager(), preview=True), Refused)

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_nobody_has_taken_goes_on_where_it_was():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first = both.first
            first.engine.process.leased = True

            async def take(head):
                raise NotTaken("it is not there")

            with pytest.raises(NotTaken):
                await first.engine.hand_over("b1", take)
            writer = first.engine.writers["b1"]
            assert (writer.held, writer.given) == (False, False)
            await first.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


@pytest.mark.parametrize("way", BUSES)
def test_who_stands_by_takes_a_book_over_with_ids_timers_and_jobs_and_does_nothing_twice(path, way, monkeypatch):
    monkeypatch.setattr("runline.domain.settlement.SETTLE_SLICE_WAGERS", 2)
    monkeypatch.setattr("runline.engine.turns.BULK_EVENTS_MAX", 2)

    async def main():
        async with two(SqliteStore(path), way) as both:
            first, second = both.first, both.second
            follower = both.stand_by()
            sent = [first.request("b1", wager(player, 100)) for player in ("P1", "P2") for _ in range(20)]
            outcomes = [acceptance(one) for one in await first.bus.send(sent)]
            await first.do("b1", VoidWager(outcomes[0].position, "asked"))
            until_ns = NOON_NS + 60 * SECOND_NS
            await first.do("b1", GrantTemporaryCredit("P1", 1_00, until_ns, "for an hour"))
            later_ns = NOON_NS + 24 * HOUR_NS
            await first.do("b1", GrantTemporaryCredit("P2", 1_00, later_ns, "for a day"))
            await first.do("b1", ChangePassword("owner", "$argon2id$a secret", 0, ""), by=GATEWAY)
            await both.is_like(follower)
            # A settlement is under way as the other one takes over.
            await first.play_off("G1", HOME_WINS)
            await first.until("b1", lambda book: book.jobs.by_number)
            (job,) = await first.read("b1", lambda book: list(book.jobs.by_number.values()))
            standby: Any = follower.copy
            loads: list[Any] = []
            monkeypatch.setattr("runline.engine.owned.recover_writer", loads.append)
            await second.engine.adopt("b1", follower.epoch)
            assert loads == []
            assert standby.state is None
            taken = await second.read("b1", lambda book: [one.number for one in book.jobs.by_number.values()])
            assert taken in ([job.number], [])
            # The first one finds that out, and did nothing of it twice.
            assert (await first.refused("b1", wager())).code == "unavailable"
            await second.until("b1", lambda book: book.results_taken.house_seq > 0 and not book.jobs.by_number)
            again = [acceptance(one) for one in await second.bus.send(sent)]
            assert [one.position for one in again] == [one.position for one in outcomes]
            assert all(one.repeated for one in again)
            player = await second.read("b1", lambda book: book.tree.players["P1"])
            # 19 of the 20 are paid, at +102, and the credit has ended, once.
            assert player.balance_minor == 19 * 102
            assert player.temporary_until_ns == 0
            # What is due later comes where the book is now.
            second.set_clock(later_ns)
            await second.until("b1", lambda book: book.tree.players["P2"].temporary_until_ns == 0)
            assert (await second.read("b1", lambda book: book.credentials.by_user["owner"])).password_hash == (
                "$argon2id$a secret"
            )
            writer = second.engine.writers["b1"]
            recovered = second.engine.vocabulary.state_of("b1")
            await second.bus.send_one(second.request("b1", wager("P1", market="G2:game:moneyline")))
            await load_at_once(second.engine.store, recovered)
            memory_is_what_a_restart_would_rebuild(writer.state, recovered, {})

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


@pytest.mark.parametrize(("way", "on"), [*((way, "a file") for way in BUSES), ("a link", "postgresql")])
def test_a_book_moves_to_and_fro_under_load_and_nobody_hears_of_it(path, way, on):
    async def main():
        open_store = STORES["postgresql"]
        stores = (open_store(path), open_store(path)) if on == "postgresql" else (SqliteStore(path), None)
        async with two(stores[0], way, stores[1]) as both:
            first, second = both.first, both.second
            over_now = asyncio.Event()
            outcomes: list[Any] = []

            async def customer(number):
                # All send to the process that had the book at first.
                while not over_now.is_set():
                    command = wager("P1" if number % 2 else "P2", 1_00)
                    outcomes.append(await first.ask("b1", command))

            customers = [asyncio.create_task(customer(number)) for number in range(8)]
            for _ in range(3):
                follower = both.stand_by()
                await comes_true(lambda follower=follower: follower.copy.position > 0)
                await first.engine.hand_over("b1", both.take)
                assert "b1" not in first.engine.writers
                count = len(outcomes)
                await comes_true(lambda count=count: len(outcomes) > count + 20)
                back = first.engine.stand_by("b1", both.to_second)
                await comes_true(lambda back=back: back.copy.position > 0)
                await second.engine.hand_over("b1", both.take_back)
                count = len(outcomes)
                await comes_true(lambda count=count: len(outcomes) > count + 20)
            over_now.set()
            await asyncio.gather(*customers)
            positions = [acceptance(one).position for one in outcomes]
            assert len(set(positions)) == len(positions)
            assert await first.read("b1", lambda book: book.tickets.open_count) == len(positions)
            assert not any(one.repeated for one in outcomes)
            assert first.engine.ready
            assert second.engine.ready

    play(asyncio.wait_for(main(), WAIT_S))
    if on == "a file":
        agrees(path)


@pytest.mark.parametrize("way", BUSES)
def test_the_house_moves_and_its_books_take_wagers_all_the_time(path, way):
    async def main():
        async with two(SqliteStore(path), way) as both:
            first, second = both.first, both.second
            await first.engine.release("b2")
            await second.engine.adopt("b2")
            over_now = asyncio.Event()
            outcomes: list[Any] = []

            async def customer(world, book):
                while not over_now.is_set():
                    outcomes.append(await world.ask(book, wager("P1", 1_00)))

            customers = [asyncio.create_task(customer(world, book)) for world, book in ((first, "b1"), (second, "b2"))]
            both.stand_by(HOUSE)
            await first.engine.hand_over(HOUSE, both.take)
            # What is sent to the process that had it is passed on, and binds the books of both.
            suspended = await first.do(HOUSE, Suspend("all", "", "news"))
            assert second.engine.writers[HOUSE].durable_seq >= suspended.position
            await comes_true(lambda: first.engine.view.seq >= suspended.position)
            over_now.set()
            await asyncio.gather(*customers)
            codes = {getattr(one, "code", "accepted") for one in outcomes}
            assert codes <= {"accepted", "market_suspended"}
            for world, book in ((first, "b1"), (second, "b2")):
                assert (await world.refused(book, wager())).code == "market_suspended"
            await second.do(HOUSE, Reopen("all", "", "go on"))
            first.engine.stand_by(HOUSE, both.to_second)
            await second.engine.hand_over(HOUSE, both.take_back)
            await first.do("b1", wager())
            await comes_true(lambda: second.engine.house.lag_ms() < 1_000)
            await second.do("b2", wager())
            await second.engine.release("b2")
            await first.engine.adopt("b2")

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


def test_a_job_goes_on_where_it_was_when_its_book_is_handed_over(path, monkeypatch):
    monkeypatch.setattr("runline.domain.settlement.SETTLE_SLICE_WAGERS", 2)
    monkeypatch.setattr("runline.engine.turns.BULK_EVENTS_MAX", 2)

    async def main():
        async with two(SqliteStore(path)) as both:
            first, second = both.first, both.second
            for outcome in await first.bus.send([first.request("b1", wager("P1", 100)) for _ in range(60)]):
                acceptance(outcome)
            await first.do("b1", GrantTemporaryCredit("P2", 1_00, NOON_NS + 60 * SECOND_NS, "for a minute"))
            follower = both.stand_by()
            await both.is_like(follower)
            await first.play_off("G1", HOME_WINS)
            await first.until("b1", lambda book: any(one.done for one in book.jobs.by_number.values()))
            await first.engine.hand_over("b1", both.take)
            await second.until("b1", lambda book: book.results_taken.house_seq > 0 and not book.jobs.by_number)
            assert (await second.read("b1", lambda book: book.tree.players["P1"])).balance_minor == 60 * 102
            assert (await second.read("b1", lambda book: book.tree.players["P2"])).temporary_until_ns == 0
            # A result that changes is about what has left memory.
            entered = await first.do(HOUSE, EnterResult("G1", AWAY_WINS))
            await first.do(HOUSE, ConfirmResult("G1", entered.events[0].revision))
            back = first.engine.stand_by("b1", both.to_second)
            changed_ok = lambda book: book.tree.players["P1"].balance_minor == -60 * 100  # noqa: E731
            await second.until("b1", changed_ok)
            await second.until("b1", lambda book: not book.jobs.by_number)
            # Whoever follows that has read it anew, and is like it.
            await comes_true(lambda: back.copy.position == second.engine.writers["b1"].durable_seq)
            await second.engine.hand_over("b1", both.take_back)
            writer, recovered = first.engine.writers["b1"], first.engine.vocabulary.state_of("b1")
            await load_at_once(first.engine.store, recovered)
            memory_is_what_a_restart_would_rebuild(writer.state, recovered, {})

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


def test_a_stream_that_is_not_taken_goes_on_where_it_was_and_who_waits_hears_of_nothing():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first = both.first
            waiting: list[asyncio.Task[Any]] = []

            async def does_not_take(head):
                waiting.extend(asyncio.create_task(first.ask("b1", wager())) for _ in range(5))
                await asyncio.sleep(0.01)  # waits: nothing happens meanwhile
                assert not any(task.done() for task in waiting)
                raise StoreError("transient", "on purpose")

            with pytest.raises(StoreError):
                await first.engine.hand_over("b1", does_not_take)
            for task in waiting:
                acceptance(await task)
            with pytest.raises(Rejected):
                await first.engine.hand_over("b9", does_not_take)

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_stream_that_takes_too_long_to_be_taken_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr("runline.engine.handing_over.HAND_OVER_S_MAX", 0.01)

    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            never = asyncio.Event()

            async def never_takes(head):
                await never.wait()

            with pytest.raises(TimeoutError):
                await both.first.engine.hand_over("b1", never_takes)
            await both.first.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_claim_that_comes_after_another_one_takes_nothing():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            follower = both.stand_by()
            await both.is_like(follower)
            with pytest.raises(StoreError) as failed:
                await both.second.engine.adopt("b1", follower.epoch - 1)
            assert failed.value.kind == "elsewhere"
            await both.first.do("b1", wager())
            # It follows on, and takes over when it is its turn.
            await both.is_like(follower)
            await both.second.engine.adopt("b1", follower.epoch)
            await both.second.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


class Around2:
    """A bus around another."""

    def __init__(self, bus):
        self.bus = bus

    def __getattr__(self, name):
        return getattr(self.bus, name)


class Losing(Around2):
    """A bus that loses every second piece of what is followed."""

    lost = 0

    async def follow(self, stream, after):
        async for number, happened in numbered(self.bus.follow(stream, after)):
            if number % 2:
                self.lost += 1
            else:
                yield happened


class Stale(Around2):
    """A bus that is told by an owner of an earlier epoch, and otherwise than it was."""

    async def follow(self, stream, after):
        async for happened in self.bus.follow(stream, after):
            for one in happened:
                one.epoch, one.hash = 0, b"of another log"
            yield happened


async def numbered(pieces):
    number = 0
    async for piece in pieces:
        yield number, piece
        number += 1


def test_what_is_lost_on_the_way_is_read_from_the_log(path):
    async def main():
        async with two(SqliteStore(path)) as both:
            bus = Losing(both.to_first)
            follower = both.second.engine.stand_by("b1", bus)
            # What it has read of the log before it follows is told to nobody.
            while bus.lost < 2:
                await both.first.do("b1", wager(amount_minor=1_00))
            await both.is_like(follower)

    play(asyncio.wait_for(main(), WAIT_S))


def test_who_tells_by_an_earlier_epoch_is_not_believed_and_the_log_is(path):
    async def main():
        async with two(SqliteStore(path)) as both:
            await both.first.engine.release("b1")
            await both.first.engine.adopt("b1")
            follower = both.second.engine.stand_by("b1", Stale(both.to_first))
            for _ in range(20):
                await both.first.do("b1", wager())
            await both.is_like(follower)

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_screen_is_told_that_its_stream_has_moved_and_comes_back_where_it_is():
    async def main():
        async with two(MemoryStore(os.urandom)) as both:
            first, second = both.first, both.second
            caller = await first.sign_in("b1", "owner")
            fans = [Fan(world.bus, world.clock) for world in (first, second)]
            screen = await fans[0].join("b1", caller.session, ("wagers",), None)
            assert b"event: image" in await screen.next()
            both.stand_by()
            await first.engine.hand_over("b1", both.take)
            assert b"event: reset" in await screen.next()
            screen = await fans[1].join("b1", caller.session, ("wagers",), None)
            assert b"event: image" in await screen.next()
            await first.do("b1", wager())
            assert b"WagerPlaced" in await screen.next()
            for fan in fans:
                fan.close()

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_standby_that_is_another_than_what_is_stored_is_not_believed(path, monkeypatch):
    async def main():
        async with two(SqliteStore(path)) as both:
            follower = both.stand_by()
            await both.first.do("b1", wager())
            await both.is_like(follower)
            standby: Any = follower.copy
            standby.hash = b"of another log"
            standby.state.tree.players["P1"].balance_minor = 1
            await both.second.engine.adopt("b1", follower.epoch)
            assert (await both.second.read("b1", lambda book: book.tree.players["P1"])).balance_minor == 0
            assert refusal(await both.first.ask("b1", wager())).code == "unavailable"

    play(asyncio.wait_for(main(), WAIT_S))


def test_all_proofs_that_are_asked_for_at_the_same_time_take_one_look_at_the_store(path):
    async def main():
        async with two(SqliteStore(path)) as both:
            engine: Any = both.first.engine
            await both.second.engine.stop_following()
            looks = 0
            heads = engine.store.heads

            async def counted(wanted):
                nonlocal looks
                looks += 1
                assert set(wanted) == set(streams)
                return await heads(wanted)

            engine.store.heads = counted
            streams = [HOUSE, "b1", "b2"] * 10
            proofs = await asyncio.gather(*map(engine.prove, streams))
            assert [proof.position for proof in proofs] == [engine.writers[stream].durable_seq for stream in streams]
            assert looks == 1

    play(main())
