"""How many rows belong in memory is counted beside the head, without looking for rows that cannot be there yet."""

import asyncio

import apsw
from tests.integration.stores import COMMITTERS
from tests.integration.test_store import close, sealed, stretch, ticket

from runline.domain.tickets import Ticket
from runline.engine.ports import Head
from runline.store.file import open_connection
from runline.store.tables import held_totals, table_of
from runline.store.writing import Numbers


def counted(path) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of stream b1: what its head says, and what its rows are."""
    connection = open_connection(path, writing=False)
    (said,) = connection.execute("SELECT held_rows, held_sum FROM heads WHERE stream = 'b1'")
    rows, total = 0, 0
    for _, found, positions in connection.execute(held_totals(table_of(Ticket))):
        rows, total = found, positions
    connection.close()
    return said, (rows, total)


def test_tickets_that_are_new_changed_closed_and_opened_again_are_counted_as_they_are(tmp_path):
    path = tmp_path / "book.db"

    async def main() -> None:
        store = COMMITTERS["inline"](path)
        head: Head = await store.claim("b1")
        for rows in (
            [ticket(1), ticket(2), ticket(3)],
            [ticket(2, changed_seq=5), ticket(7, changed_seq=6)],
            [ticket(7, "won", changed_seq=8), ticket(5, changed_seq=9)],
            [ticket(7, changed_seq=11), ticket(8, "void", changed_seq=12)],
        ):
            written = stretch(head, 2, rows)
            assert not await store.commit(sealed(written))
            head = written.after
            said, found = counted(path)
            assert said == found
        await close(store)

    asyncio.run(main())


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
