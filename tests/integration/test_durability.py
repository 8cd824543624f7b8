"""Nothing leaves before it is durable: no answer, refusal, preview, query or live event shows what a power cut could take."""

import asyncio
import os

import pytest
from tests.doubles.ids import uuid7
from tests.integration.stores import HeldStore
from tests.integration.world import (
    HOME_WINS,
    MONEYLINE,
    NOON_NS,
    SECOND_NS,
    START_NS,
    SetClock,
    acceptance,
    passes,
    play,
    refusal,
    running,
    wager,
)

from runline.domain.accounts import AdjustCredit
from runline.domain.messages import HOUSE, Rejected
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.suspension import Suspend
from runline.domain.tickets import WagerPlaced
from runline.engine.requests import Accepted, Previewed, Refused
from runline.store.sqlite import SqliteStore


@pytest.fixture(params=[False, True], ids=["not yet stored", "stored but not known to be"])
def stored_first(request):
    return request.param


def test_nothing_is_seen_of_a_batch_until_it_is_durable(committed, stored_first):
    async def main():
        store = HeldStore(committed(), stored_first=stored_first)
        async with running(store) as world:
            await world.open_house()
            await world.open_book(credit_minor=100_00)
            engine = world.engine
            position = engine.writers["b1"].durable_seq
            listener = world.listen("b1", position)
            store.hold()
            placed = asyncio.create_task(world.ask("b1", wager(amount_minor=60_00)))
            await store.held.wait()
            waiting = {
                "refused for the credit that the wager took": world.ask("b1", wager(amount_minor=60_00)),
                "previewed": world.ask("b1", wager(amount_minor=10_00), preview=True),
                "accepted without an event": world.ask("b1", AdjustCredit("P1", 100_00, "as it is")),
                "queried": engine.query("b1", lambda book: book.risk.pending["P1"]),
                "queried for that position": engine.query("b1", lambda book: book.seq, at_least=position + 1),
            }
            tasks = {what: asyncio.ensure_future(asked) for what, asked in waiting.items()}
            await passes()
            assert not placed.done()
            assert [what for what, task in tasks.items() if task.done()] == []
            assert listener.seen == []
            with pytest.raises(Rejected, match="not reached"):
                engine.subscribe("b1", position + 1)

            store.let_go()
            assert (await placed).position == position + 1
            outcomes = {what: await task for what, task in tasks.items()}
            assert refusal(outcomes["refused for the credit that the wager took"]).code == "credit_exceeded"
            previewed = outcomes["previewed"]
            assert isinstance(previewed, Previewed)
            assert previewed.moves.pending == {"P1": 10_00}
            assert outcomes["accepted without an event"] == Accepted(position + 1, [])
            assert outcomes["queried"] == (position + 1, 60_00)
            assert outcomes["queried for that position"] == (position + 1, position + 1)
            await listener.reach(position + 1)
            assert listener.positions == [position + 1]
            listener.leave()

    play(main())


def test_a_house_move_is_not_in_any_book_before_it_is_durable(committed):
    async def main():
        store = HeldStore(committed())
        async with running(store) as world:
            await world.open_house()
            await world.open_book()
            store.hold()
            suspended = asyncio.create_task(world.ask(HOUSE, Suspend("market", MONEYLINE, "news")))
            await store.held.wait()
            placed = asyncio.create_task(world.ask("b1", wager()))
            await passes()
            assert not suspended.done()
            assert not placed.done()
            store.let_go()
            assert isinstance(await suspended, Accepted)
            # It was judged by what was durable then, and says so.
            taken = await placed
            assert isinstance(taken, Accepted)
            (event,) = taken.events
            assert isinstance(event, WagerPlaced)
            assert event.house_seq == (await suspended).position - 1
            assert (await world.refused("b1", wager())).code == "market_suspended"

    play(main())


def test_a_repeat_of_a_command_in_the_same_batch_waits_for_it_too(committed):
    async def main():
        store = HeldStore(committed())
        async with running(store) as world:
            await world.open_house()
            await world.open_book()
            store.hold()
            command_id = world.bus.new_id()
            requests = [world.request("b1", wager(), id=command_id) for _ in range(3)]
            sent = asyncio.create_task(world.bus.send(requests))
            await store.held.wait()
            await passes()
            assert not sent.done()
            store.let_go()
            outcomes = [acceptance(outcome) for outcome in await sent]
            assert [outcome.repeated for outcome in outcomes] == [False, True, True]
            assert len({outcome.position for outcome in outcomes}) == 1
            assert outcomes[0].events == outcomes[1].events == outcomes[2].events

    play(main())


def test_a_preview_is_answered_with_the_position_it_is_true_at(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book()
            position, _ = await world.engine.query("b1", lambda book: None)
            previewed = await world.ask("b1", wager(), preview=True)
            assert isinstance(previewed, Previewed)
            assert previewed.position == position
            refused = await world.ask("b1", wager(amount_minor=10**9), preview=True)
            assert isinstance(refused, Refused)
            assert refused.position == position
            assert (await world.engine.query("b1", lambda book: None))[0] == position
        assert committed.count("SELECT count(*) FROM refusals") == 0

    play(main())


def test_after_a_restart_the_last_commands_are_known_and_new_ones_are_welcome_however_much_time_has_caused(
    path, monkeypatch
):
    for module in ("window", "recovery"):
        monkeypatch.setattr(f"runline.engine.{module}.WINDOW_COMMANDS_MAX", 20)
    monkeypatch.setattr("runline.engine.recovery.FORGOTTEN_COMMANDS_MAX", 20)
    requests = []

    async def before():
        async with running(SqliteStore(path)) as world:
            await world.open_house(fixtures=2)
            await world.open_book(credit_minor=10**12)
            for number in range(60):
                world.set_clock(NOON_NS + number * SECOND_NS)
                requests.append(world.request("b1", wager(amount_minor=1_00)))
                assert isinstance(await world.bus.send_one(requests[-1]), Accepted)
            world.set_clock(START_NS)
            await world.do(HOUSE, EnterResult("G1", HOME_WINS))
            await world.do(HOUSE, ConfirmResult("G1", 1))
            await world.settled("b1", "G1")
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 0

    async def afterwards():
        async with running(SqliteStore(path), SetClock(START_NS)) as world:
            for request in requests[-19:]:
                assert acceptance(await world.bus.send_one(request)).repeated
            for request in requests[:20]:
                assert refusal(await world.bus.send_one(request)).code == "stale_command"
            # Never executed, and sent again after the restart: it is newer than anything that is forgotten.
            late = world.request(
                "b1", wager(market="G2:game:moneyline"), id=uuid7(NOON_NS + 50 * SECOND_NS, os.urandom)
            )
            assert isinstance(await world.bus.send_one(late), Accepted)

    asyncio.run(before())
    asyncio.run(afterwards())
