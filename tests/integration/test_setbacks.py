"""Setbacks: what the engine owes and cannot do is tried again later, spins never, and is said meanwhile."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.declared import declare_otherwise
from tests.doubles.plain import VOCABULARY
from tests.integration.stores import Around
from tests.integration.world import (
    AWAY_WINS,
    HOME_WINS,
    START_NS,
    SetClock,
    agrees,
    passes,
    play,
    running,
    start_ns,
    wager,
)

from runline.domain.fixtures import CloseFixture
from runline.domain.house import StartStream
from runline.domain.jobs import DoSlice
from runline.domain.messages import HOUSE
from runline.domain.setbacks import TryAgain, WorkSetAside
from runline.domain.settlement import ResultTaken, TakeResult
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.envelope import decode_envelope
from runline.engine.limits import DUTY_RETRY_S_MAX, DUTY_RETRY_S_MIN
from runline.store.sqlite import SqliteStore


@pytest.fixture
def quick(monkeypatch):
    """What has failed is tried again soon, as often as it takes."""
    monkeypatch.setattr("runline.engine.setbacks.DUTY_TRIES_MAX", 10**6)
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MIN", 0.001)
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MAX", 0.002)


class Failing:
    """A decider that fails as long as it is told to, and counts how often it was asked. vocabulary: the one that has it."""

    def __init__(self, command):
        self.vocabulary = plain_vocabulary()
        self.decide = self.vocabulary.deciders[command]
        self.fails = True
        self.only = lambda command: True
        self.asked = 0
        declare_otherwise(self.vocabulary, "deciders", command, self)

    def __call__(self, state, command, context):
        self.asked += 1
        if self.fails and self.only(command):
            raise RuntimeError("it cannot be decided")
        return self.decide(state, command, context)


@pytest.fixture
def slices():
    """The slices of jobs, which cannot be decided."""
    return Failing(DoSlice)


@asynccontextmanager
async def staged(store, clock=None, vocabulary=None):
    """An engine with two games and two books, in the first of which a wager is open."""
    async with running(store, clock, vocabulary) as world:
        await world.open_house(fixtures=2)
        for book in ("b1", "b2"):
            await world.open_book(book, credit_minor=10**12)
        await world.do("b1", wager(amount_minor=100_00))
        yield world


def conditions(world):
    return [(one.part, one.subject, one.level) for one in world.engine.conditions.standing.values()]


def balance(world):
    return world.read("b1", lambda book: book.tree.players["P1"].balance_minor)


def test_a_slice_that_cannot_be_decided_rests_and_others_go_on(path, slices):
    async def main():
        async with staged(SqliteStore(path), vocabulary=slices.vocabulary) as world:
            await world.play_off()
            await comes_true(lambda: slices.asked)
            steps = world.engine.executing.steps
            await passes(500)
            assert slices.asked == 1
            assert world.engine.executing.steps - steps < 20
            assert conditions(world) == [("work", "b1", "degraded")]
            (condition,) = world.engine.conditions.standing.values()
            assert "RuntimeError" in condition.reason
            # It goes on, but somebody should look.
            assert world.engine.ready
            await world.do("b1", wager(market="G2:game:moneyline"))

    play(main())


def test_a_slice_that_can_be_decided_at_last_is_done_and_the_condition_is_over(path, quick, slices):
    async def main():
        async with staged(SqliteStore(path), vocabulary=slices.vocabulary) as world:
            await world.play_off()
            await comes_true(lambda: slices.asked >= 4)
            slices.fails = False
            await world.settled("b1")
            assert await balance(world) == 102_00
            await comes_true(lambda: not conditions(world))
            assert world.engine.agenda.setbacks.failures == {}

    play(main())
    agrees(path)


def test_a_slice_that_is_superseded_while_it_rests_is_owed_no_more(path, quick, slices):
    async def main():
        async with staged(SqliteStore(path), vocabulary=slices.vocabulary) as world:
            await world.play_off("G1", HOME_WINS)
            await comes_true(lambda: slices.asked)
            await world.play_off("G1", AWAY_WINS)
            await comes_true(lambda: slices.asked >= 3)
            slices.fails = False
            await world.settled("b1")
            await comes_true(lambda: not conditions(world))
            assert await balance(world) == -100_00

    play(main())
    agrees(path)


def test_after_a_fault_while_work_is_tried_again_its_stream_is_read_again_and_it_is_done(path, quick, monkeypatch):
    taking = Failing(TakeResult)

    async def main():
        async with staged(SqliteStore(path), vocabulary=taking.vocabulary) as world:
            again = world.engine.deliveries.again

            def fails_once(writer):
                monkeypatch.setattr(world.engine.deliveries, "again", again)
                taking.fails = False
                raise RuntimeError("a fault")

            await world.play_off()
            await comes_true(lambda: taking.asked)
            monkeypatch.setattr(world.engine.deliveries, "again", fails_once)
            await comes_true(lambda: world.engine.probes.recoveries)
            await world.settled("b1")
            assert await balance(world) == 102_00

    play(main())
    agrees(path)


class ForgetfulStore(Around):
    """Fetches no rows while it is told not to."""

    def __init__(self, store):
        super().__init__(store)
        self.fails = True
        self.asked = 0

    async def fetch(self, stream, needs):
        self.asked += stream == "b1"
        if self.fails:
            raise OSError("these rows cannot be read")
        return await self.store.fetch(stream, needs)


def test_rows_that_cannot_be_fetched_for_a_slice_are_asked_for_again_later(path, monkeypatch, quick):
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MIN", 10.0)
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MAX", 10.0)

    async def main():
        store = ForgetfulStore(SqliteStore(path))
        async with staged(store) as world:
            await world.play_off("G1", HOME_WINS)
            await world.settled("b1")
            # Regrading needs what has left memory.
            await world.play_off("G1", AWAY_WINS)
            await comes_true(lambda: store.asked)
            await passes(500)
            assert store.asked == 1
            assert ("work", "b1", "degraded") in conditions(world)
            store.fails = False
            for (writer, duty), handle in list(world.engine.agenda.setbacks.resting.items()):
                handle.cancel()
                assert duty is not None
                world.engine.agenda.setbacks.over(writer, duty)
            await world.settled("b1")
            assert await balance(world) == -100_00
            assert conditions(world) == []

    play(main())
    agrees(path)


def test_a_timer_that_cannot_be_decided_is_tried_again_without_a_restart(path, quick):
    closing = Failing(CloseFixture)

    async def main():
        async with staged(SqliteStore(path), vocabulary=closing.vocabulary) as world:
            world.set_clock(START_NS)
            await comes_true(lambda: closing.asked >= 3)
            assert conditions(world) == [("work", HOUSE, "degraded")]
            closing.fails = False
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G1"].status == "closed")
            await comes_true(lambda: not conditions(world))

    play(main())
    agrees(path)


def test_a_timer_that_becomes_no_command_takes_nothing_else_with_it(path):
    def fails(subject):
        raise KeyError(subject)

    async def main():
        async with staged(SqliteStore(path)) as world:
            declare_otherwise(world.engine.vocabulary, "timers", "cutoff", fails)
            world.set_clock(START_NS)
            await comes_true(lambda: conditions(world))
            assert conditions(world) == [("work", HOUSE, "degraded")]
            await world.do("b1", wager(market="G2:game:moneyline"))
            assert world.engine.probes.recoveries == 0

    play(main())


def test_a_result_that_a_book_cannot_take_holds_back_the_later_ones_until_it_can(path, quick):
    taking = Failing(TakeResult)
    taking.only = lambda command: command.fixture == "G1"

    async def main():
        async with staged(SqliteStore(path), vocabulary=taking.vocabulary) as world:
            await world.do("b1", wager(amount_minor=100_00, market="G2:game:moneyline"))
            for fixture in ("G1", "G2"):
                await world.play_off(fixture)
            await comes_true(lambda: taking.asked >= 6)
            assert {one[:2] for one in conditions(world)} == {("work", "b1"), ("work", "b2")}
            assert await balance(world) == 0
            taking.fails = False
            for fixture in ("G1", "G2"):
                await world.settled("b1", fixture)
            assert await balance(world) == 2 * 102_00
            await comes_true(lambda: not conditions(world))

    play(main())
    agrees(path)


def test_the_rest_is_doubled_and_bounded(path, monkeypatch):
    pauses = []

    async def main():
        async with staged(SqliteStore(path)) as world:
            setbacks, writer = world.engine.agenda.setbacks, world.engine.writers["b1"]
            loop = asyncio.get_running_loop()

            def call_later(pause_s, *call):
                pauses.append(pause_s)
                return loop.call_soon(lambda: None)

            loop_double = SimpleNamespace(call_later=call_later)
            for _ in range(15):
                monkeypatch.setattr("runline.engine.setbacks.asyncio.get_running_loop", lambda: loop_double)
                monkeypatch.setattr("runline.engine.setbacks.DUTY_TRIES_MAX", 10**6)
                setbacks.failed(writer, ("job", "settlement", "1"), "no", 1)
                monkeypatch.undo()
                setbacks.resting.clear()
            setbacks.forget()
            assert conditions(world) == []

    play(main())
    assert pauses[:3] == [DUTY_RETRY_S_MIN, 2 * DUTY_RETRY_S_MIN, 4 * DUTY_RETRY_S_MIN]
    assert pauses[-1] == DUTY_RETRY_S_MAX == max(pauses)


# Set aside


@pytest.fixture
def few_tries(monkeypatch):
    """What has failed three times is set aside."""
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MIN", 0.001)
    monkeypatch.setattr("runline.engine.setbacks.DUTY_RETRY_S_MAX", 0.002)
    monkeypatch.setattr("runline.engine.setbacks.DUTY_TRIES_MAX", 3)


async def set_aside(world, stream):
    """What is set aside in a stream: its numbers and what it is."""
    await world.until(stream, lambda state: bool(state.aside.by_number))
    return await world.read(stream, lambda state: {row.number: row.duty for row in state.aside.by_number.values()})


def test_a_slice_that_fails_again_and_again_is_set_aside_and_another_job_goes_on(path, few_tries, slices):
    clock = SetClock()

    async def main():
        async with staged(SqliteStore(path), clock, vocabulary=slices.vocabulary) as world:
            await world.do("b1", wager(amount_minor=100_00, market="G2:game:moneyline"))
            await world.play_off("G1")
            ((number, duty),) = (await set_aside(world, "b1")).items()
            slices.only = lambda command: str(command.job) == duty[2]
            assert duty[:2] == ("job", "settlement")
            await comes_true(lambda: conditions(world) == [("aside", "b1", "degraded")])
            (condition,) = world.engine.conditions.standing.values()
            assert f"number {number}" in condition.reason
            assert "RuntimeError" in condition.reason
            assert world.engine.ready
            await world.play_off("G2")
            await world.until("b1", lambda book: len(book.jobs.by_number) == 1)
            await passes(500)
            assert slices.asked == 3 + 1
            assert await balance(world) == 102_00
            (event,) = [
                event
                for row in await world.engine.store.events("b1", number - 1, 1)
                if isinstance(event := decode_envelope(row[4]).event(VOCABULARY), WorkSetAside)
            ]
            assert (event.what, event.subject) == ("job", duty[2])

        # It stays set aside, and is said to be, over a restart.
        async with running(SqliteStore(path), clock) as world:
            assert conditions(world) == [("aside", "b1", "degraded")]
            await passes(500)
            assert slices.asked == 3 + 1
            slices.fails = False
            await world.do("b1", TryAgain(number, "mended"))
            await world.until("b1", lambda book: not book.jobs.by_number)
            assert await balance(world) == 2 * 102_00
            assert conditions(world) == []

    play(main())
    agrees(path)


def test_what_is_tried_again_and_fails_again_is_set_aside_again(path, few_tries, slices):
    async def main():
        async with staged(SqliteStore(path), vocabulary=slices.vocabulary) as world:
            await world.play_off("G1")
            (number,) = await set_aside(world, "b1")
            await world.do("b1", TryAgain(number, "hoped"))
            position = await world.until("b1", lambda book: any(one > number for one in book.aside.by_number))
            assert slices.asked == 2 * 3
            slices.fails = False
            await world.do("b1", TryAgain(position, "mended"))
            await world.settled("b1")
            assert await balance(world) == 102_00
            assert conditions(world) == []

    play(main())
    agrees(path)


def test_a_result_that_cannot_be_taken_holds_the_later_ones_back_until_it_is_set_aside(path, few_tries):
    taking = Failing(TakeResult)
    taking.only = lambda command: command.fixture == "G1"

    async def main():
        async with staged(SqliteStore(path), vocabulary=taking.vocabulary) as world:
            await world.do("b1", wager(amount_minor=100_00, market="G2:game:moneyline"))
            for fixture in ("G1", "G2"):
                await world.play_off(fixture)
            await world.settled("b1", "G2")
            ((number, duty),) = (await set_aside(world, "b1")).items()
            assert duty[:2] == ("house", "TakeResult")
            assert await balance(world) == 102_00
            # In a book that comes to its last try later it would be done by now.
            await set_aside(world, "b2")
            taking.fails = False
            await world.do("b1", TryAgain(number, "mended"))
            await world.until("b1", lambda book: not book.jobs.by_number and not book.tickets.open_on)
            assert await balance(world) == 2 * 102_00
            await comes_true(lambda: conditions(world) == [("aside", "b2", "degraded")])

    play(main())
    agrees(path)


def test_a_book_that_has_done_what_the_house_caused_and_has_not_noted_it_stops_before_it_is_durable(path, monkeypatch):
    monkeypatch.setattr("runline.engine.owned.RECOVER_PAUSE_S", 0.001)

    async def main():
        async with staged(SqliteStore(path)) as world:
            before = (await world.engine.query("b1", lambda book: None))[0]
            mend = declare_otherwise(world.engine.vocabulary, "evolvers", ResultTaken, lambda book, event: None)
            await world.play_off()
            await comes_true(lambda: ("stream", "b1", "failing") in conditions(world))
            mend()
            await world.do(HOUSE, StartStream("b1", "mended"))
            await comes_true(lambda: ("stream", "b1", "failing") not in conditions(world))
            await world.settled("b1")
            taken = [row for row in await world.engine.store.events("b1", before, 100) if b'"ResultTaken"' in row[4]]
            assert len(taken) == 1

    play(main())
    agrees(path)


def test_a_timer_that_fails_again_and_again_is_set_aside_and_another_fires(path, few_tries):
    closing = Failing(CloseFixture)
    closing.only = lambda command: command.fixture == "G1"

    async def main():
        async with staged(SqliteStore(path), vocabulary=closing.vocabulary) as world:
            world.set_clock(start_ns("G2"))
            ((number, duty),) = (await set_aside(world, HOUSE)).items()
            assert duty == ("timer", "cutoff", "G1")
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G2"].status == "closed")
            await passes(500)
            assert closing.asked == 3 + 1
            closing.fails = False
            await world.do(HOUSE, TryAgain(number, "mended"))
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G1"].status == "closed")
            assert conditions(world) == []

    play(main())
    agrees(path)
