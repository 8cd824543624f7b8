"""By and by: a large stream is taken into memory in pieces, and is then what it is when all is done at once."""

import asyncio
from typing import Any

from runline.domain.book import Book
from runline.domain.hierarchy import Agent, Player
from runline.domain.nodes import ROOT
from runline.domain.state import DERIVED_AT_ONCE, by_pieces
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.recovery import by_and_by, take_rows
from runline.engine.window import Window

PLAYERS = 3 * DERIVED_AT_ONCE + 1


def book():
    """A book with so many players, of which nothing is derived yet."""
    state = Book("b1", plain_vocabulary())
    take_rows(state, Agent, [Agent(ROOT, "", changed_seq=1), Agent("A1", ROOT, changed_seq=1)])
    take_rows(state, Player, [Player(f"P{n:05}", "A1", 0, changed_seq=n + 2) for n in range(PLAYERS)])
    return state


def test_what_is_derived_by_and_by_is_what_is_derived_at_once():
    first, second = book(), book()
    first.derive()
    turns = sum(1 for _ in second.deriving())
    assert turns > 3 * (PLAYERS // DERIVED_AT_ONCE)
    for one in (first, second):
        assert len(list(one.tree.players_at["A1"])) == PLAYERS
        assert one.risk.sums[ROOT].players == PLAYERS
        assert one.ledger.sum_minor == 0


def test_everything_else_has_its_turns_while_something_large_is_done_by_and_by():
    async def main():
        turns = 0

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(other())
        await by_and_by(book().deriving())
        beside.cancel()
        assert turns > 3 * (PLAYERS // DERIVED_AT_ONCE)

    asyncio.run(main())


def test_a_window_that_is_loaded_in_pieces_remembers_each_command():
    number = 4 * DERIVED_AT_ONCE
    commands = [((n // 2).to_bytes(16, "big"), b"d", n) for n in range(number)]
    window = Window()
    assert sum(1 for _ in window.loading(commands, 1_000)) == 4
    found: dict[bytes, Any] = {command: seen for part in window.parts for command, seen in part.items()}
    assert [(seen.first, seen.count) for _, seen in sorted(found.items())] == [(n, 2) for n in range(0, number, 2)]


def test_pieces_are_all_of_it_in_its_order():
    assert list(by_pieces(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(by_pieces((), 2)) == []
