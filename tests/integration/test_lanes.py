"""Order and bounds: control goes first, books take turns, whatever is full says so at once."""

import asyncio

import pytest
from tests.integration.stores import HeldStore
from tests.integration.world import LINES, MONEYLINE, NOON_NS, SetClock, play, running, wager

from runline.bus.gathering import Gather
from runline.domain.board import PostLines
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Rejected
from runline.domain.suspension import Suspend
from runline.domain.users import CreateUser, RevokeUser
from runline.engine.limits import LANE_DEPTH_MAX, SLICE_NS, WAGERS_WAITING_MAX
from runline.engine.requests import Accepted, Refused, Sink
from runline.store.sqlite import SqliteStore


def queue(world, requests):
    """Put requests into the lanes, without a chance for anything to be executed between them."""
    gather = Gather(len(requests))
    world.engine.submit(requests, gather)
    return gather


def flood_of(world, book, number):
    """Wagers of the book's first player, sent by two who stand at the root, so that they may fill a lane."""
    return [world.request(book, wager(amount_minor=1_00), "mate" if n % 2 else "owner") for n in range(number)]


async def open_book(world, book="b1"):
    """A book with a rich player and two owners."""
    await world.open_book(book, credit_minor=10**12)
    await world.do(book, CreateUser("mate", "root", "owner"))


async def answers(gather):
    await gather.done
    return gather.outcomes


def test_a_suspension_goes_before_thousands_of_wagers_and_none_after_it_is_accepted(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await open_book(world)
            wagers = queue(world, flood_of(world, "b1", 2_000))
            suspended = await world.do("b1", Suspend("market", MONEYLINE, "news"))
            for outcome in await answers(wagers):
                if isinstance(outcome, Accepted):
                    assert outcome.position < suspended.position
                else:
                    assert outcome.code == "market_suspended"
            assert not isinstance(wagers.outcomes[-1], Accepted)

    play(main())


def test_a_revocation_goes_before_the_wagers_that_are_queued(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await open_book(world)
            wagers = queue(world, [world.request("b1", wager(amount_minor=1_00), "P1") for _ in range(1_000)])
            revoked = await world.do("b1", RevokeUser("P1", "lost the phone"))
            for outcome in await answers(wagers):
                if isinstance(outcome, Accepted):
                    assert outcome.position < revoked.position
                else:
                    assert outcome.code == "not_permitted"

    play(main())


def test_control_goes_on_while_wagers_wait_for_the_disk(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await open_book(world)
            store.hold()
            first = queue(world, [world.request("b1", wager(amount_minor=1_00))])
            await store.held.wait()
            wagers = queue(
                world, [world.request("b1", wager(amount_minor=1_00)) for _ in range(WAGERS_WAITING_MAX - 1)]
            )
            suspended = asyncio.create_task(world.do("b1", Suspend("market", MONEYLINE, "news")))
            await asyncio.sleep(0)
            store.let_go()
            assert isinstance((await answers(first))[0], Accepted)
            position = (await suspended).position
            accepted = [outcome.position for outcome in await answers(wagers) if isinstance(outcome, Accepted)]
            assert all(one < position for one in accepted)

    play(main())


def test_a_batch_is_bounded_however_much_waits(path, monkeypatch):
    monkeypatch.setattr("runline.engine.turns.BATCH_EVENTS_MAX", 500)

    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await open_book(world)
            sizes = []
            commit = store.commit

            async def measured(sealed):
                sizes.append(sum(len(stretch.events) for stretch in sealed.stretches))
                return await commit(sealed)

            monkeypatch.setattr(store, "commit", measured)
            outcomes = await answers(queue(world, flood_of(world, "b1", 2_000)))
            assert {type(outcome) for outcome in outcomes} == {Accepted}
            assert sum(sizes) == 2_000
            assert max(sizes) <= 500

    play(main())


@pytest.mark.parametrize("lane", ["control", "wagers", "bulk"])
def test_a_full_lane_says_busy_at_once_and_the_others_go_on(path, lane, monkeypatch):
    monkeypatch.setitem(LANE_DEPTH_MAX, "bulk", 3_000)
    most = LANE_DEPTH_MAX[lane]

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await open_book(world)

            senders = [f"M{number}" for number in range(5)]
            for name in senders:
                await world.do("b1", CreateUser(name, "root", "owner"))

            def request(lane, number=0):
                command = Suspend("all", "", "given") if lane == "control" else wager(amount_minor=1_00)
                by = senders[number % 5] if number else ""
                return world.request("b1", command, by, bulk=lane == "bulk", preview=lane == "control")

            flood = queue(world, [request(lane, number) for number in range(most + 10)])
            over = flood.outcomes[most:]
            assert [outcome.code for outcome in over] == ["busy"] * 10
            assert flood.outcomes[:most] == [None] * most
            others = queue(world, [request(other) for other in ("control", "wagers", "bulk") if other != lane])
            assert others.outcomes == [None, None]
            for outcome in [*await answers(flood), *await answers(others)]:
                assert not isinstance(outcome, Refused) or outcome.code == "busy"
            assert not isinstance(await world.ask("b1", request(lane).command, preview=True), Refused)

    play(main())


def test_a_flood_of_one_agents_players_leaves_room_for_those_of_another(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book(players=8, credit_minor=10**12)
            await world.do("b1", CreateAgent("A2", "root"))
            await world.do("b1", CreatePlayer("Q1", "A2", 10**12))
            names = [f"P{number}" for number in range(1, 9)]
            flood = [world.request("b1", wager(name, amount_minor=1_00), name) for name in names for _ in range(500)]
            flooding = queue(world, flood)
            assert flooding.outcomes[-1].code == "busy"
            others = queue(world, [world.request("b1", wager("Q1", amount_minor=1_00), "Q1") for _ in range(200)])
            assert others.outcomes == [None] * 200
            assert {type(outcome) for outcome in await answers(others)} == {Accepted}
            await answers(flooding)
            assert world.engine.writers["b1"].lanes.wagers.branches == {}

    play(main())


def test_bulk_waits_for_wagers_and_wagers_do_not_wait_for_bulk(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await open_book(world)
            bulk = queue(world, [world.request("b1", wager(amount_minor=1_00), bulk=True) for _ in range(1_000)])
            wagers = queue(world, [world.request("b1", wager(amount_minor=2_00)) for _ in range(500)])
            last_wager = max(outcome.position for outcome in await answers(wagers))
            last_bulk = max(outcome.position for outcome in await answers(bulk))
            assert last_wager < last_bulk

    play(main())


def test_every_line_of_a_feed_in_bulk_is_taken_in_its_order(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            posts = [
                world.request(HOUSE, PostLines("G1", NOON_NS + number, LINES[: number % 3 + 1]), bulk=True)
                for number in range(1, 400)
            ]
            outcomes = await answers(queue(world, posts))
            assert {type(outcome) for outcome in outcomes} == {Accepted}
            positions = [outcome.position for outcome in outcomes]
            assert positions == sorted(positions)

    play(main())


def test_books_take_turns_so_that_a_flood_in_one_does_not_delay_another(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            for book in ("b1", "b2", "b3"):
                await open_book(world, book)
            order = []

            class Noting(Gather):
                book = ""

                def answer(self, index, outcome):
                    order.append(self.book)
                    super().answer(index, outcome)

            gathers = []
            for book, number in (("b1", 2_000), ("b2", 100), ("b3", 100)):
                gather = Noting(number)
                gather.book = book
                world.engine.submit(flood_of(world, book, number), gather)
                gathers.append(gather)
            for gather in gathers:
                assert {type(outcome) for outcome in await answers(gather)} == {Accepted}
            # Both small books are through while most of the flood still waits.
            for book in ("b2", "b3"):
                last = max(place for place, answered in enumerate(order) if answered == book)
                assert order[:last].count("b1") <= 1_000

    play(main())


def test_a_flood_in_one_book_leaves_every_other_book_its_share(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            for book in ("b1", "b2"):
                await open_book(world, book)
            flood = queue(world, flood_of(world, "b1", WAGERS_WAITING_MAX))
            # One call with wagers of both: those of the full lane are turned away, whatever stands between them.
            both = [world.request(book, wager(amount_minor=1_00)) for book in ("b1", "b2", "b1", "b1", "b2")]
            mixed = queue(world, both)
            codes = [outcome and outcome.code for outcome in mixed.outcomes]
            assert codes == ["busy", None, "busy", "busy", None]
            share = WAGERS_WAITING_MAX // 2
            second = queue(world, flood_of(world, "b2", share))
            assert [outcome and outcome.code for outcome in second.outcomes] == [None] * (share - 2) + ["busy"] * 2
            for gather in (flood, mixed, second):
                waited = [outcome for outcome in await answers(gather) if not isinstance(outcome, Refused)]
                assert {type(outcome) for outcome in waited} == {Accepted}
            assert world.engine.queues.wagers_waiting == 0
            assert isinstance(await world.do("b1", wager(amount_minor=1_00)), Accepted)

    play(main())


def test_wagers_are_taken_in_both_books_while_one_of_them_settles(path, monkeypatch):
    monkeypatch.setattr("runline.domain.settlement.SETTLE_SLICE_WAGERS", 2)
    monkeypatch.setattr("runline.engine.turns.BULK_EVENTS_MAX", 4)

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house(fixtures=2)
            for book in ("b1", "b2"):
                await open_book(world, book)
            await answers(queue(world, [world.request("b1", wager(amount_minor=1_00)) for _ in range(300)]))
            await world.play_off("G1")
            for _ in range(5):
                for book in ("b1", "b2"):
                    await world.do(book, wager(market="G2:game:moneyline"))
            assert await world.read("b1", lambda book: len(book.tickets.open_on["G1"])) > 0
            await world.settled("b1")
            assert await world.read("b1", lambda book: [len(numbers) for numbers in book.tickets.open_on.values()]) == [
                5
            ]

    play(main())


def test_a_book_is_opened_and_used_at_once(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            opened = await world.do(HOUSE, OpenBook("b7", "owner"))
            created = await world.do("b7", CreateAgent("A1", "root"))
            assert created.position == 2
            events = await world.engine.store.events("b7", 0, 10)
            assert [row[1] for row in events] == [1, 2]
            assert await world.read("b7", lambda book: book.results_taken.house_seq) == opened.position

    play(main())


def test_a_book_cannot_be_used_before_it_is_open(committed):
    async def main():
        async with running(committed()) as world:
            opening = asyncio.create_task(world.ask(HOUSE, OpenBook("b7", "owner")))
            assert (await world.refused("b7", CreateAgent("A1", "root"))).code == "unknown_book"
            with pytest.raises(Rejected, match="no such book"):
                await world.engine.query("b7", lambda book: None)
            await opening
            await world.do("b7", CreateAgent("A1", "root"))

    play(main())


class StallingClock(SetClock):
    """A clock of a machine that stalls for longer than a slice between any two looks at the time."""

    def __init__(self):
        super().__init__()
        self.stalled_ns = 0

    def host_ns(self):
        self.stalled_ns += 2 * SLICE_NS
        return super().host_ns() + self.stalled_ns


def test_a_machine_that_stalls_all_the_time_still_executes_everything(path, monkeypatch):
    # (The stalls make the house view look old, which is another test's.)
    monkeypatch.setattr("runline.domain.placing.HOUSE_LAG_MS_MAX", 10**12)

    async def main():
        async with running(SqliteStore(path), StallingClock()) as world:
            await world.open_house()
            for book in ("b1", "b2", "b3"):
                await open_book(world, book)
            books = ["b1", "b2", "b3"] * 100
            floods = queue(world, [world.request(book, wager(amount_minor=1_00)) for book in books])
            assert all(isinstance(outcome, Accepted) for outcome in await answers(floods))

    play(main())


def test_books_take_turns_also_when_a_slice_has_time_for_one_of_them_only(path, monkeypatch):
    monkeypatch.setattr("runline.domain.placing.HOUSE_LAG_MS_MAX", 10**12)

    async def main():
        async with running(SqliteStore(path), StallingClock()) as world:
            await world.open_house()
            for book in ("b1", "b2"):
                await open_book(world, book)
            flood = queue(world, flood_of(world, "b1", 2_000))
            other = queue(world, [world.request("b2", wager(amount_minor=1_00))])
            await answers(other)
            assert not flood.done.done()
            await answers(flood)

    play(main())


@pytest.mark.parametrize("lane", ["control", "bulk"])
def test_books_take_turns_in_every_lane_when_a_slice_has_time_for_one_only(path, monkeypatch, lane):
    monkeypatch.setattr("runline.domain.placing.HOUSE_LAG_MS_MAX", 10**12)

    def request(world, book, number):
        if lane == "bulk":
            return world.request(book, wager(amount_minor=1_00), bulk=True)
        return world.request(book, CreateAgent(f"B{number}", "root"))

    async def main():
        async with running(SqliteStore(path), StallingClock()) as world:
            await world.open_house()
            for book in ("b1", "b2", "b3"):
                await open_book(world, book)
            floods = [queue(world, [request(world, book, one) for one in range(1_000)]) for book in ("b1", "b2")]
            other = queue(world, [request(world, "b3", 0)])
            wagers = queue(world, [world.request("b3", wager(amount_minor=1_00))])
            assert isinstance((await answers(other))[0], Accepted)
            assert isinstance((await answers(wagers))[0], Accepted)
            assert not any(flood.done.done() for flood in floods)
            for flood in floods:
                assert {type(outcome) for outcome in await answers(flood)} == {Accepted}

    play(main())


def test_whoever_fails_to_take_an_answer_harms_nobody_else(committed):
    class Broken(Sink):
        def answer(self, index, outcome):
            raise RuntimeError("the caller has gone")

    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book()
            recoveries = world.engine.probes.recoveries
            world.engine.submit([world.request("b1", wager(amount_minor=1_00))], Broken())
            assert isinstance((await answers(queue(world, [world.request("b1", wager())])))[0], Accepted)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 2
            assert world.engine.probes.recoveries == recoveries

    play(main())
