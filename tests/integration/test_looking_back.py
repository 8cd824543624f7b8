"""The port through which is looked back: one suite for all stores. What a file's reader process answers is what memory says."""

import asyncio
import os
import signal
from itertools import product
from typing import Any

import msgspec
import pytest
from tests.integration.looks import (
    batch_of,
    beside,
    entries,
    fails,
    found,
    made_by,
    process,
    refusals,
    row,
    subtree,
    where,
    with_risk,
)
from tests.integration.served import served
from tests.integration.stores import COMMITTERS, STORES
from tests.integration.test_store import close, refusal, sealed, stretch, ticket
from tests.integration.world import play, wager

from runline.domain.hierarchy import Agent, Player
from runline.domain.legs import Leg
from runline.domain.suspension import Suspension
from runline.domain.tickets import Ticket, TicketGame, VoidWager
from runline.engine.ports import GENESIS, Head, StoreError, Wanted
from runline.store import ways
from runline.store.sqlite_history import SqliteSnapshot

AGENTS = [Agent("root", ""), Agent("A1", "root"), Agent("A2", "A1"), Agent("A3", "A2"), Agent("B1", "root")]
PLAYERS = [Player("P1", "A1", 1), Player("P2", "A3", 1), Player("P3", "B1", 1)]
TICKETS = [
    ticket(
        number,
        ("open", "settled", "void")[number % 3],
        f"G{number % 2}",
        player=f"P{number % 4 or 4}",
        risk_minor=100 + number,
    )
    for number in range(1, 41)
]
"""Of P4 nobody knows any more where they stand. Some have a leg on another game."""
for one in TICKETS[::5]:
    one.more = (Leg(f"G{one.number % 3}", "a market", "over", 34, "-110"),)
FURTHER = [
    TicketGame(leg.fixture, one.number, one.number)
    for one in TICKETS
    for leg in one.more or ()
    if leg.fixture != one.fixture
]


async def filled(store):
    """A book with all of these."""
    first = stretch(
        await store.claim("b1"),
        40,
        [*AGENTS, *PLAYERS, *TICKETS, *FURTHER, Suspension("all", "", "night", 0, "root", changed_seq=1)],
    )
    await store.commit(sealed(first, stretch(await store.claim("b2"), 2, [Agent("C1", "root"), ticket(2)])))
    return first


def looking(opened, then):
    """Fill a store, and look back at it."""

    async def main():
        store = opened()
        first = await filled(store)
        history = store.history()
        try:
            await then(store, history, first)
        finally:
            history.close()
            await close(store)

    play(main())


def test_a_snapshot_is_of_the_last_commit(opened):
    async def then(store, history, first):
        assert await history.look("b1", where) == ("b1", 40)
        assert await history.look("b9", where) == ("b9", 0)
        await store.commit(sealed(stretch(first.after, 2)))
        assert await history.look("b1", where) == ("b1", 42)

    looking(opened, then)


def test_a_row_is_found_by_its_key_whether_it_is_in_memory_or_not(opened):
    async def then(store, history, first):
        for number in (1, 2, 3):
            assert await history.look("b1", row, Ticket, number) == TICKETS[number - 1]
        assert await history.look("b1", row, Suspension, "all", "") == Suspension(
            "all", "", "night", 0, "root", changed_seq=1
        )
        assert await history.look("b1", row, Agent, "C1") is None
        assert await history.look("b2", row, Ticket, 1) is None

    looking(opened, then)


def test_another_stream_is_seen_in_the_same_state_of_the_store(opened):
    async def then(store, history, first):
        assert await history.look("b1", beside, "b2", Agent, "C1") == ("b2", 2, Agent("C1", "root"))
        assert await history.look("b2", beside, "b1", Ticket, 3) == ("b1", 40, TICKETS[2])
        assert await history.look("b1", beside, "house", Agent, "A1") == ("house", 0, None)

    looking(opened, then)


def test_a_subtree_is_a_node_and_all_below_it_in_its_stream(opened):
    async def then(store, history, first):
        assert await history.look("b1", subtree, "A1") == {"A1", "A2", "A3"}
        assert await history.look("b1", subtree, "A3") == {"A3"}
        assert await history.look("b1", subtree, "root") == {"root", "A1", "A2", "A3", "B1"}
        assert await history.look("b2", subtree, "root") == {"root", "C1"}

    looking(opened, then)


@pytest.mark.parametrize("agents", [None, frozenset({"A1", "A2", "A3"}), frozenset({"B1"}), frozenset()])
def test_rows_come_newest_first_page_by_page_and_none_is_left_out(opened, agents):
    below = {one.number for one in PLAYERS if agents is not None and one.agent in agents}

    def has(one, name, value):
        return getattr(one, name) == value or (name == "fixture" and value in {leg.fixture for leg in one.legs})

    async def then(store, history, first):
        for status, player, fixture, side, limit, ascending in product(
            ("", "open", "settled", "void"), ("", "P1", "P2"), ("", "G0", "G2"), ("", "over"), (3, 100), (False, True)
        ):
            given = {"status": status, "player": player, "fixture": fixture, "side": side}
            fields = {name: value for name, value in given.items() if value}
            rows: list[Ticket] = []
            wanted = Wanted(fields, agents=agents, below=41, ascending=ascending)
            while True:
                page, numbers = await history.look("b1", found, Ticket, wanted, limit)
                assert len(page) <= limit
                rows += page
                if not numbers.goes_on:
                    break
                beyond = {"above" if ascending else "below": numbers.goes_on}
                wanted = msgspec.structs.replace(wanted, **beyond)
            assert rows == [
                one
                for one in (TICKETS if ascending else reversed(TICKETS))
                if all(has(one, name, value) for name, value in fields.items())
                and (agents is None or one.player in below)
            ]

    looking(opened, then)


@pytest.mark.parametrize("ascending", [False, True])
def test_rows_are_bounded_by_numbers_and_amounts_and_told_with_a_value_beside_them(opened, ascending):
    async def then(store, history, first):
        wanted = Wanted(
            {"status": "void"}, {"risk_minor": 110}, {"risk_minor": 130}, above=4, below=29, ascending=ascending
        )
        expected = [
            (one.number, one.risk_minor)
            for one in TICKETS
            if one.status == "void" and 110 <= one.risk_minor <= 130 and 4 < one.number < 29
        ]
        assert len(expected) > 3
        assert await history.look("b1", with_risk, wanted) == (expected if ascending else expected[::-1])

    looking(opened, then)


def test_the_log_is_read_backwards_within_a_bound_and_by_the_command_that_made_it(opened):
    async def then(store, history, first):
        bodies = [(one[1], one[4]) for one in first.events]
        assert await history.look("b1", entries, 41, 100) == bodies[::-1]
        assert await history.look("b1", entries, 10, 3) == bodies[8:5:-1]
        assert await history.look("b1", entries, 1, 3) == await history.look("b1", entries, 0, 3) == []
        assert await history.look("b1", made_by, first.events[6][2], 9) == [first.events[6][4]]
        assert await history.look("b1", made_by, bytes(16), 9) == []

    looking(opened, then)


def test_refusals_come_newest_first_below_a_key(opened):
    async def then(store, history, first):
        refused = []
        for minute, code in ((1, "busy"), (1, "price_changed"), (2, "busy")):
            one = refusal(2, 10 * minute)
            one.minute, one.code = minute, code
            refused.append(one)
        await store.commit(sealed(stretch(first.after, 0, refusals=refused)))
        assert await history.look("b1", refusals, None) == refused[::-1]
        last = refused[2]
        key = (last.minute, last.actor, last.command, last.code)
        assert await history.look("b1", refusals, key) == refused[1::-1]
        assert await history.look("b2", refusals, None) == []

    looking(opened, then)


def test_when_a_batch_was_durable_is_known_with_the_next_one(opened):
    async def main():
        store = opened()
        head = await store.claim("b1")
        history = store.history()
        sealings = [(1_000, 0), (2_000, 1_500), (3_000, 0)]
        for sealed_ns, durable_before_ns in sealings:
            one = sealed(after := stretch(head))
            one.sealed_ns, one.durable_before_ns = sealed_ns, durable_before_ns
            await store.commit(one)
            head = after.after
        asked = [await history.look("b1", batch_of, "n1", at_ns) for at_ns in (900, 1_000, 1_001, 3_000, 3_001)]
        assert asked == [(1_000, 1_500), (1_000, 1_500), (2_000, None), (3_000, None), (None, None)]
        assert await history.look("b1", batch_of, "n2", 900) == (None, None)
        history.close()
        await store.close("n1", 4_000, 0)

    play(main())


def test_what_a_function_raises_is_raised(opened):
    async def then(store, history, first):
        with pytest.raises(ValueError, match="not so"):
            await history.look("b1", fails, "not so")
        assert await history.look("b1", where) == ("b1", 40)

    looking(opened, then)


@pytest.mark.parametrize("kind", COMMITTERS)
def test_a_walk_that_has_looked_at_many_rows_ends_early_and_says_where_it_goes_on(path, kind, monkeypatch):
    monkeypatch.setattr(ways, "WALK_ROWS_MAX", 5)

    async def main():
        store: Any = COMMITTERS[kind](path)
        await filled(store)
        snapshot = SqliteSnapshot(store.connection, "b1")
        void = [one.number for one in TICKETS if one.status == "void"]
        walked = snapshot.find(Ticket, Wanted({"status": "void"}, below=41), 10)
        assert walked.goes_on == 36
        assert [number for (number,) in walked.numbers] == [number for number in reversed(void) if number >= 36]
        walked = snapshot.find(Ticket, Wanted({"status": "void"}, above=2, ascending=True), 10)
        assert walked.goes_on == 7
        assert [number for (number,) in walked.numbers] == [number for number in void if 2 < number <= 7]
        await close(store)

    play(main())


@pytest.mark.parametrize("kind", COMMITTERS)
def test_who_looks_while_a_reader_ends_hears_so_and_the_next_look_is_answered(path, kind):
    async def main():
        store = COMMITTERS[kind](path)
        await filled(store)
        history = store.history()
        looked = [await history.look("b1", process) for _ in range(3)]
        assert os.getpid() not in looked
        os.kill(looked[0], signal.SIGSTOP)
        waiting = [asyncio.ensure_future(history.look("b1", where)) for _ in range(2)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        os.kill(looked[0], signal.SIGKILL)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        lost = [one for one in answers if isinstance(one, StoreError)]
        assert [one.kind for one in lost] == ["lost"]
        assert await history.look("b1", where) == ("b1", 40)
        history.close()
        await close(store)

    play(main())


@pytest.mark.parametrize("kind", COMMITTERS)
def test_a_file_that_cannot_be_read_is_said_to_be(path, kind):
    async def main():
        store = COMMITTERS[kind](path)
        await store.claim("b1")
        assert (await store.heads())["b1"] == Head("b1", 1, 0, GENESIS, 0)
        history = store.history()
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(StoreError) as failed:
            await history.look("b1", where)
        assert failed.value.kind == "unreadable"
        path.with_name("elsewhere").rename(path)
        assert await history.look("b1", where) == ("b1", 0)
        history.close()
        await close(store)

    play(main())


@pytest.mark.parametrize("kind", STORES)
def test_history_is_answered_alike_whatever_the_store_is(path, kind):
    async def main():
        async with served(path, store=STORES[kind](path)) as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            placed = [(await world.do("b1", wager("P1", stake))).position for stake in (5_00, 6_00, 7_00)]
            await world.do("b1", VoidWager(placed[1], "keyed wrong"))
            await world.refused("b1", wager("P1", 10**11))
            await world.play_off()
            await world.settled()
            owner = await place.sign_in("b1", "owner")
            tickets = (await owner.ask("wagers", player="P1")).items
            assert [one["number"] for one in tickets] == placed[::-1]
            assert [one["status"] for one in tickets] == ["settled", "void", "settled"]
            first = await owner.ask("wagers", status="settled", limit=1)
            rest = await owner.ask("wagers", status="settled", after=first.next)
            assert [one["number"] for one in (*first.items, *rest.items)] == [placed[2], placed[0]]
            assert [one["wager"] for one in (await owner.ask("ledger")).items] == [placed[2], placed[0]]
            entries = (await owner.ask("log", type="WagerPlaced")).items
            assert [one["seq"] for one in entries] == placed[::-1]
            assert [one["command"] for one in (await owner.ask("refusals")).items] == ["PlaceWager"]
            (way,) = (await owner.ask("trace", command=entries[0]["command"])).items
            assert (way["seq"], way["type"]) == (placed[2], "WagerPlaced")
            assert way["sealed_ns"] < way["durable_ns"]

    play(main())
