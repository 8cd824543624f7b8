"""How many rows belong in memory, and the sum of their positions, stand in the head: the engine counts what it holds, and a start
compares what it reads. And new rows are told from those of which the file may hold an earlier state."""

import apsw
import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.world import World, play, running, wager

from runline.domain.messages import HOUSE
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import Ticket, VoidWager
from runline.engine.ports import StoreError
from runline.store.file import open_connection
from runline.store.sqlite import SqliteStore
from runline.store.tables import held_totals, table_of, tables_of
from runline.store.writing import Numbers


def agree(path) -> int:
    """Hold that each head counts the rows that there are; how many that is."""
    connection = open_connection(path, writing=False)
    said = {
        stream: (rows, total)
        for stream, rows, total in connection.execute("SELECT stream, held_rows, held_sum FROM heads")
    }
    tables = tables_of(VOCABULARY)
    found = dict.fromkeys(said, (0, 0))
    for name in tables.held:
        for stream, rows, total in connection.execute(held_totals(tables.by_name[name])):
            before = found[stream]
            found[stream] = before[0] + rows, before[1] + total
    connection.close()
    assert said == found
    return sum(rows for rows, _ in said.values())


def test_what_is_new_changed_closed_opened_again_and_gone_is_counted_as_it_is(tmp_path):
    path = tmp_path / "book.db"

    async def first(world: World) -> list[int]:
        await world.open_house()
        await world.open_book(players=2)
        numbers = [(await world.do("b1", wager())).position for _ in range(3)]
        await world.do("b1", Suspend("league", "MLB", "rain"))
        before = agree(path)
        await world.do("b1", Reopen("league", "MLB"))
        assert agree(path) == before - 1
        await world.do("b1", VoidWager(numbers[0], "asked"))
        await world.play_off()
        await world.settled()
        agree(path)
        return numbers

    async def second(world: World, numbers: list[int]) -> None:
        # Out of memory by now: it is fetched, opened again, and closed.
        await world.do("b1", VoidWager(numbers[1], "asked"))
        agree(path)
        await world.do(HOUSE, Suspend("all", "", "night"))
        agree(path)

    async def main() -> None:
        async with running(SqliteStore(path)) as world:
            numbers = await first(world)
        async with running(SqliteStore(path)) as world:
            await second(world, numbers)
        agree(path)

    play(main())


def test_a_start_that_reads_other_rows_than_were_counted_is_refused(tmp_path):
    path = tmp_path / "book.db"

    async def main() -> None:
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            await world.do("b1", wager())
        connection = open_connection(path, writing=True)
        connection.execute("UPDATE players SET changed_seq = changed_seq - 1")
        connection.close()
        with pytest.raises(StoreError, match="rows of sum"):
            async with running(SqliteStore(path)):
                pass

    play(main())


def test_what_another_owner_has_written_is_looked_for_again(tmp_path):
    connection = apsw.Connection(str(tmp_path / "plain.db"))
    connection.execute("CREATE TABLE tickets (stream TEXT, number INTEGER)")
    numbers, table = Numbers(connection), table_of(Ticket)
    assert numbers.split(table, "b1", [("b1", 4)]) == ([("b1", 4)], [])
    assert numbers.split(table, "b1", [("b1", 4), ("b1", 9)]) == ([("b1", 9)], [("b1", 4)])
    assert numbers.split(table, "b2", [("b2", 9)]) == ([("b2", 9)], [])
    connection.execute("INSERT INTO tickets VALUES ('b1', 20)")
    numbers.forget("b1")
    assert numbers.split(table, "b1", [("b1", 15), ("b1", 21)]) == ([("b1", 21)], [("b1", 15)])
    assert numbers.split(table, "b2", [("b2", 8)]) == ([], [("b2", 8)])
