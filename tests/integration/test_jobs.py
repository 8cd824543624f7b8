"""Long work: a settlement goes on in slices, survives being stopped anywhere, and pays every ticket exactly once."""

from functools import partial
from typing import Any

import msgspec
import pytest
from tests.integration.stores import HeldStore
from tests.integration.world import (
    AWAY_WINS,
    HOME_WINS,
    START_NS,
    SetClock,
    acceptance,
    agrees,
    passes,
    play,
    running,
    running_until_the_power_goes,
    wager,
)

from runline.domain.grading import Score
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.state import ByKey
from runline.domain.tickets import Ticket, VoidWager
from runline.engine.requests import Accepted
from runline.store.sqlite import SqliteStore

WAGERS = 60


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    """So that sixty tickets are a long job."""
    monkeypatch.setattr("runline.domain.settlement.SETTLE_SLICE_WAGERS", 4)
    monkeypatch.setattr("runline.engine.turns.BULK_EVENTS_MAX", 4)


async def set_up(world, books=("b1",)):
    """A game, and in each book half the tickets on each side of it, at +102 and at -110."""
    await world.open_house(fixtures=2)
    for book in books:
        await world.open_book(book, players=2)
        sides = [
            wager("P1", 100, "home") if number % 2 else wager("P2", 110, "away", price="-110")
            for number in range(WAGERS)
        ]
        for outcome in await world.bus.send([world.request(book, side) for side in sides]):
            assert isinstance(outcome, Accepted)


async def first_slice(world, after, stage, book="b1"):
    """Wait until the first slice of a job is done."""
    listener = world.listen(book, after)
    while not any(getattr(one.event, "stage", None) == stage for one in listener.seen):
        await listener.reach(listener.seen[-1].seq + 1 if listener.seen else after + 1)
    listener.leave()


def figures(book):
    """Balances and what is still open."""
    return (
        {player.number: player.balance_minor for player in book.tree.players.values()},
        sum(book.risk.pending.values()),
        book.jobs.by_number,
    )


Figures = tuple[dict[str, int], int, dict[Any, Any]]

HOME_FIGURES: Figures = ({"P1": 102 * WAGERS // 2, "P2": -110 * WAGERS // 2}, 0, {})
AWAY_FIGURES: Figures = ({"P1": -100 * WAGERS // 2, "P2": 100 * WAGERS // 2}, 0, {})
OPEN_FIGURES: Figures = ({"P1": 0, "P2": 0}, (100 + 110) * WAGERS // 2, {})
VOID_FIGURES: Figures = ({"P1": 0, "P2": 0}, 0, {})


async def stopped_while_settling(path, clock, life, *scores):
    """Two lives: in the first all of these results but the last are settled, the second ends after a slice of the last."""
    async with running(SqliteStore(path), clock) as world:
        await set_up(world)
        for score in scores[:-1]:
            await world.play_off("G1", score)
            await world.settled()
            assert await world.read("b1", figures) == HOME_FIGURES
    async with life(SqliteStore(path), clock) as world:
        position = await world.until("b1", lambda book: True)
        await world.play_off("G1", scores[-1])
        await first_slice(world, position, "closed" if scores[:-1] else "open")


def in_two_lives(path, before, after):
    """What is stored agrees with its log after each of two lives."""
    for life in (before, after):
        play(life())
        agrees(path)


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_a_settlement_goes_on_where_it_was_stopped(path, life):
    clock = SetClock()

    async def after():
        async with running(SqliteStore(path), clock) as world:
            left = await world.read("b1", lambda book: len(book.tickets.by_number))
            assert 0 < left < WAGERS
            await world.settled()
            assert await world.read("b1", figures) == HOME_FIGURES

    in_two_lives(path, partial(stopped_while_settling, path, clock, life, HOME_WINS), after)


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_a_regrade_goes_on_where_it_was_stopped(path, life):
    clock = SetClock()

    async def after():
        async with running(SqliteStore(path), clock) as world:
            ((job, settlement),) = await world.read(
                "b1",
                lambda book: [(job, book.settlement.by_job[number]) for number, job in book.jobs.by_number.items()],
            )
            assert (job.stage, settlement.score) == ("closed", AWAY_WINS)
            await world.settled()
            assert await world.read("b1", figures) == AWAY_FIGURES

    in_two_lives(path, partial(stopped_while_settling, path, clock, life, HOME_WINS, AWAY_WINS), after)


def test_a_settlement_that_is_stopped_after_every_slice_ends_as_one_that_is_not(path):
    clock = SetClock()

    async def main():
        async with running(SqliteStore(path), clock) as world:
            await set_up(world)
            await world.play_off()
        starts = 1
        while True:
            async with running_until_the_power_goes(SqliteStore(path), clock) as world:
                position, jobs = await world.engine.query("b1", lambda book: len(book.jobs.by_number))
                if not jobs:
                    assert await world.read("b1", figures) == HOME_FIGURES
                    break
                await world.engine.query("b1", lambda book: None, at_least=position + 1)
            starts += 1
        assert starts > 3

    play(main())
    agrees(path)


def test_a_newer_result_supersedes_a_settlement_in_progress(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await set_up(world)
            position = await world.until("b1", lambda book: True)
            await world.play_off("G1", HOME_WINS)
            await first_slice(world, position, "open")
            await world.play_off("G1", AWAY_WINS)
            await world.settled()
            assert await world.read("b1", figures) == AWAY_FIGURES
            await world.do(HOUSE, CancelFixture("G1", "the ball was flat"))
            await world.settled()
            assert await world.read("b1", figures) == VOID_FIGURES

    play(main())
    agrees(path)


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_a_result_that_is_taken_back_opens_its_tickets_wherever_that_was_stopped(path, life):
    clock = SetClock()
    taken_back = msgspec.structs.replace(AWAY_WINS, final=False)

    async def after():
        async with running(SqliteStore(path), clock) as world:
            await world.settled()
            assert await world.read("b1", figures) == OPEN_FIGURES
            await world.play_off("G1", AWAY_WINS)
            await world.settled()
            assert await world.read("b1", figures) == AWAY_FIGURES

    in_two_lives(path, partial(stopped_while_settling, path, clock, life, HOME_WINS, taken_back), after)


def test_results_that_a_book_has_not_taken_are_taken_at_the_next_start(path):
    clock = SetClock()

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await set_up(world, books=("b1", "b2"))
        store = HeldStore(SqliteStore(path))
        async with running_until_the_power_goes(store, clock) as world:
            world.set_clock(START_NS + 1)
            await world.do(HOUSE, EnterResult("G1", HOME_WINS))
            store.hold(all_but=HOUSE)
            await world.do(HOUSE, ConfirmResult("G1", 1))
            await store.held.wait()
            await passes()

    async def after():
        async with running(SqliteStore(path), clock) as world:
            for book in ("b1", "b2"):
                await world.settled(book)
                assert await world.read(book, figures) == HOME_FIGURES

    in_two_lives(path, before, after)


def test_a_book_that_was_opened_and_not_started_is_started_at_the_next_start(path):
    clock = SetClock()

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
        store = HeldStore(SqliteStore(path))
        async with running_until_the_power_goes(store, clock) as world:
            store.hold(all_but=HOUSE)
            await world.do(HOUSE, OpenBook("b1", "owner"))
            await store.held.wait()

    async def after():
        async with running(SqliteStore(path), clock) as world:
            await world.until("b1", lambda book: bool(book.settings.by_book))
            await world.open_book("b1")
            await world.do("b1", wager())

    play(before())
    play(after())
    agrees(path)


def test_closed_wagers_leave_memory_and_one_is_fetched_back_to_be_voided(committed):
    async def main():
        async with running(committed()) as world:
            await set_up(world)
            await world.play_off()
            await world.settled()
            assert await world.read(
                "b1", lambda book: (book.tickets.by_number, book.tickets.open_on, book.tickets.closed)
            ) == (
                {},
                {},
                [],
            )
            numbers = [row[1] for row in await world.engine.store.events("b1", 0, 1_000) if b"WagerPlaced" in row[4]]
            voided = await world.do("b1", VoidWager(numbers[1], "keyed wrong"))
            assert [type(event).__name__ for event in voided.events] == ["WagerReversed", "WagerVoided"]
            balances = await world.read("b1", lambda book: figures(book)[0])
            assert balances == {"P1": HOME_FIGURES[0]["P1"] - 102, "P2": HOME_FIGURES[0]["P2"]}
            assert await world.read("b1", lambda book: dict(book.tickets.by_number)) == {}

    play(main())
    agrees(committed.path)


def test_many_voids_of_one_closed_wager_at_once_void_it_once(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book()
            number = (await world.do("b1", wager())).position
            await world.play_off()
            await world.settled()
            outcomes = await world.bus.send([world.request("b1", VoidWager(number, "twice")) for _ in range(20)])
            assert sorted(len(acceptance(outcome).events) for outcome in outcomes) == [0] * 19 + [2]
            assert (await world.refused("b1", VoidWager(number + 10**6, "none"))).code == "unknown_wager"
            assert await world.read(
                "b1", lambda book: (book.tickets.by_number, book.tree.players["P1"].balance_minor)
            ) == ({}, 0)
            row = (await world.engine.store.fetch("b1", [ByKey(Ticket, number)]))[0][0]
            assert (row.status, row.result, row.returned_minor) == ("void", "void", 50_00)

    play(main())
    agrees(committed.path)


def test_voids_in_the_middle_of_a_regrade_and_the_regrade_agree(committed):
    async def main():
        async with running(committed()) as world:
            await set_up(world)
            await world.play_off()
            await world.settled()
            numbers = [row[1] for row in await world.engine.store.events("b1", 0, 1_000) if b"WagerPlaced" in row[4]]
            position = await world.until("b1", lambda book: True)
            await world.play_off("G1", AWAY_WINS)
            await first_slice(world, position, "closed")
            voids = [world.request("b1", VoidWager(number, "keyed wrong")) for number in numbers[::3]]
            for outcome in await world.bus.send(voids):
                assert isinstance(outcome, Accepted)
            await world.settled()
            left = [number for number in numbers if number not in numbers[::3]]
            odd = sum(numbers.index(number) % 2 for number in left)
            balances, pending, jobs = await world.read("b1", figures)
            assert balances == {"P1": -100 * odd, "P2": 100 * (len(left) - odd)}
            assert (pending, jobs) == (0, {})

    play(main())
    agrees(committed.path)


def test_a_result_that_goes_to_and_fro_pays_as_the_last_one_says(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await set_up(world)
            for score, expected in ((HOME_WINS, HOME_FIGURES), (AWAY_WINS, AWAY_FIGURES), (HOME_WINS, HOME_FIGURES)):
                await world.play_off("G1", score)
                await world.settled()
                assert await world.read("b1", figures) == expected
            repeated = await world.do(HOUSE, EnterResult("G1", Score(5, 3)))
            assert repeated.events == []

    play(main())
    agrees(path)
