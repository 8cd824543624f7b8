"""A disk that flips bits: what is read is what was written, or it is refused; it is never something else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from shutil import copyfile
from typing import Any

import apsw
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served
from tests.integration.world import agrees, play, running, wager

from runline.client import RefusedError
from runline.domain.messages import HOUSE
from runline.domain.state import ByKey
from runline.domain.tickets import Ticket
from runline.engine.ports import StoreError
from runline.engine.requests import Refused
from runline.evaluate.terminal import DIFFERS, UNREADABLE, verify_database
from runline.evaluate.verify import verify
from runline.helpers import CallingHelper
from runline.store import file as opening_of_files
from runline.store.check import Checked, check_file
from runline.store.checking import check_once, checking
from runline.store.file import open_connection, wal_of
from runline.store.mark import mark_path
from runline.store.sqlite import SqliteStore
from runline.store.tables import SYSTEM_TABLES, quoted, tables_of

FLIPS = int(os.environ.get("TEST_FLIPS", "40"))
PAGE = 4_096


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A file after a day that was stopped cleanly: tickets are open, settled and void, the log has some hundred events."""
    path = tmp_path_factory.mktemp("made") / "book.db"

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house(fixtures=2)
            await world.open_book("b1", players=5)
            for number in range(150):
                market = f"G{1 + number % 2}:game:moneyline"
                await world.do("b1", wager(f"P{1 + number % 5}", 5_00 + number, market=market))
            await world.refused("b1", wager("P1", 10**9))
            await world.play_off("G1")
            await world.settled("b1", "G1")

    asyncio.run(main())
    return path


@pytest.fixture
def made(made_once, path):
    copyfile(made_once, path)
    return path


def read_everything(path):
    """All that the doors serve is read from these: every row of every table, by the table and by each index of it."""
    connection = open_connection(path, writing=False)
    found = {}
    try:
        for table in (*SYSTEM_TABLES, *tables_of(VOCABULARY).by_name.values()):
            if table.name == "openings":
                continue
            names = quoted(column.name for column in table.columns)
            found[table.name] = connection.execute(f"SELECT {names} FROM {table.name}").fetchall()
        indexes: list[Any] = connection.execute(
            "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND sql NOT LIKE '%WHERE%'"
        ).fetchall()
        for index, of in indexes:
            found[index] = connection.execute(f"SELECT count(*) FROM {of} INDEXED BY {index}").fetchall()
    finally:
        connection.close()
    return found


async def memory_after_a_start(path):
    """What is in memory once it has started, of the house and of the book."""
    async with running(SqliteStore(path)) as world:
        return {
            (stream, kind): sorted(map(repr, rows.values()))
            for stream, writer in world.engine.writers.items()
            for kind, rows in writer.state.held.items()
        }


def test_a_flipped_bit_is_refused_or_changes_nothing_that_is_read(made_once, path):
    truth, memory = read_everything(made_once), asyncio.run(memory_after_a_start(copy_of(made_once, path)))
    whole = made_once.read_bytes()
    random = Random(17)
    refused = 0
    for _ in range(FLIPS):
        at, bit = random.randrange(len(whole)), random.randrange(8)
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        path.write_bytes(flipped)
        mark_path(path).unlink(missing_ok=True)
        try:
            assert read_everything(path) == truth, (at, bit)
            assert asyncio.run(memory_after_a_start(path)) == memory, (at, bit)
        except (StoreError, apsw.Error):
            refused += 1
            assert verify_database(path, None, None) in (UNREADABLE, DIFFERS), (at, bit)
    assert refused > FLIPS // 2


def copy_of(path, copy):
    copyfile(path, copy)
    return copy


def test_a_flipped_bit_in_any_page_is_noticed_when_that_page_is_read(made):
    whole = made.read_bytes()
    random = Random(4)
    pages = len(whole) // PAGE
    assert pages > 30
    for page in range(pages):
        flipped = bytearray(whole)
        flipped[page * PAGE + random.randrange(PAGE)] ^= 1 << random.randrange(8)
        made.write_bytes(flipped)
        assert check_file(str(made)).faults, page
    made.write_bytes(whole)
    assert check_file(str(made)) == Checked()


def test_a_file_whose_pages_have_no_checksums_is_not_opened(path):
    plain = apsw.Connection(str(path), vfs="unix")
    plain.execute("CREATE TABLE heads (stream)")
    plain.close()
    for writing in (False, True):
        with pytest.raises(StoreError, match=r"database of another program, .* its pages have no checksums"):
            open_connection(path, writing=writing)


def test_a_file_of_before_there_were_checksums_is_said_to_be_one_and_is_left_as_it_is(path):
    old = apsw.Connection(str(path), vfs="unix")
    old.pragma("journal_mode", "wal")
    old.execute("CREATE TABLE alembic_version (version_num); CREATE TABLE heads (stream)")
    old.close()
    before = path.read_bytes()
    for accept_loss in (False, True):
        with pytest.raises(StoreError, match="was written by an earlier Runline"):
            SqliteStore(path, accept_loss=accept_loss)
    assert path.read_bytes() == before


def test_checksums_that_are_switched_off_in_the_header_are_noticed(made):
    content = bytearray(made.read_bytes())
    for reserved in (0, 9, 12):
        content[20] = reserved
        made.write_bytes(content)
        with pytest.raises(StoreError) as refused:
            open_connection(made, writing=False)
        assert refused.value.kind == "unreadable"


def pages_of(path, table):
    """The pages that hold rows of a table."""
    connection = open_connection(path, writing=False)
    pages = connection.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
    connection.close()
    return {page for (page,) in pages}


def test_a_page_that_is_older_than_the_others_is_not_started_on(made_once, path, tmp_path):
    """A write that the disk has lost: the page is whole, and of before."""
    copyfile(made_once, path)
    old = made_once.read_bytes()

    async def go_on():
        async with running(SqliteStore(path)) as world:
            for number in range(20):
                await world.do("b1", wager(f"P{1 + number % 5}", 1_00, market="G2:game:moneyline"))

    asyncio.run(go_on())
    new = path.read_bytes()
    changed = [page for page in range(1, len(old) // PAGE) if old[page * PAGE :][:PAGE] != new[page * PAGE :][:PAGE]]
    assert changed
    # Of how the file was opened the mark knows, which is not here; the times of batches prove nothing.
    beside = pages_of(path, "openings") | pages_of(path, "batches")
    unnoticed = []
    for page in changed:
        if page + 1 in beside:
            continue
        path.write_bytes(new[: page * PAGE] + old[page * PAGE : (page + 1) * PAGE] + new[(page + 1) * PAGE :])
        mark_path(path).unlink(missing_ok=True)
        try:
            asyncio.run(memory_after_a_start(path))
        except StoreError:
            continue
        if not verify(path).differences:
            unnoticed.append(page)
    assert unnoticed == []


def test_rows_that_are_missing_or_of_before_are_not_started_on(made):
    for tampered in (
        "DELETE FROM tickets WHERE stream = 'b1' AND number = (SELECT max(number) FROM tickets WHERE status = 'open')",
        "DELETE FROM players WHERE stream = 'b1' AND number = 'P3'",
        "UPDATE players SET changed_seq = changed_seq - 1 WHERE stream = 'b1' AND number = 'P3'",
    ):
        connection = open_connection(made, writing=True)
        connection.execute("SAVEPOINT before")
        connection.execute(tampered)
        connection.execute("RELEASE before")
        connection.close()

        async def start():
            async with running(SqliteStore(made)):
                pass

        with pytest.raises(StoreError, match="The tables of 'b1' are not those of position"):
            asyncio.run(start())


@pytest.fixture
def no_cache(monkeypatch):
    """Every page is read from the file each time."""
    guarantees = opening_of_files.assert_guarantees

    def without(connection, path, *, writing):
        guarantees(connection, path, writing=writing)
        connection.pragma("cache_size", 0)

    monkeypatch.setattr(opening_of_files, "assert_guarantees", without)


def test_a_page_that_is_damaged_while_the_engine_runs_is_said_and_costs_only_who_needs_it(made, no_cache):
    pages = sorted(pages_of(made, "tickets"))
    page = pages[len(pages) // 2]

    async def main():
        store = SqliteStore(made)
        async with running(store) as world:
            with made.open("r+b") as raw:
                raw.seek((page - 1) * PAGE + 2_000)
                raw.write(b"\xa5" * 100)
            needs = [ByKey(Ticket, number) for number in range(1, 1_000)]
            with pytest.raises(StoreError, match="does not have its checksum") as damaged:
                await store.fetch("b1", needs)
            assert damaged.value.kind == "unreadable"
            world.engine.process.hear_damage(damaged.value)
            (condition,) = world.engine.conditions.standing.values()
            assert (condition.part, condition.level) == ("store", "degraded")
            assert not world.engine.conditions.failing
            await world.do("b1", wager("P1", 1_00, market="G2:game:moneyline"))

    play(main())


def test_a_repeat_whose_answer_is_damaged_is_refused_and_said(made, no_cache):
    async def main():
        store = SqliteStore(made)
        async with running(store) as world:
            request = world.request("b1", wager("P1", 1_00, market="G2:game:moneyline"))
            (first,) = await world.bus.send([request])
            store.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            content = made.read_bytes()
            ((body,),) = store.read("SELECT body FROM events WHERE stream = 'b1' AND seq = ?", (first.position,))
            with made.open("r+b") as raw:
                raw.seek(content.index(body) + 40)
                raw.write(b"\xff")
            (again,) = await world.bus.send([request])
            assert isinstance(again, Refused)
            assert again.code == "unavailable"
            assert any(one.subject == "pages" for one in world.engine.conditions.standing.values())

    play(main())


def test_events_that_are_missing_in_the_middle_are_not_read_over(made):
    connection = open_connection(made, writing=True)
    connection.execute("DELETE FROM events WHERE stream = 'b1' AND seq = 30")
    connection.close()

    async def main():
        store = SqliteStore(made)
        assert len(await store.events("b1", 0, 29)) == 29
        for after, limit in ((0, 40), (29, 5)):
            with pytest.raises(StoreError, match="are missing"):
                await store.events("b1", after, limit)
        assert await store.events(HOUSE, 0, 5)
        await store.close("n1", 1, 0)

    play(main())


def test_what_is_damaged_nowhere_is_said_to_be_so(made):
    assert check_file(str(made)) == Checked()
    agrees(made)


def test_a_server_checks_its_file_and_says_what_is_damaged_until_it_is_mended(made):
    whole = made.read_bytes()
    page = max(pages_of(made, "ledger_entries"))

    async def main():
        async with running(SqliteStore(made)) as world:
            standing = world.engine.conditions.standing
            helper = CallingHelper()
            await check_once(world.engine.hear, made, helper)
            assert not standing
            with made.open("r+b") as raw:
                raw.seek((page - 1) * PAGE + 3_000)
                raw.write(b"\xa5" * 9)
            await check_once(world.engine.hear, made, helper)
            condition = standing["store", "check"]
            assert condition.level == "degraded"
            assert "The database is damaged: ledger_entries: " in condition.reason
            with made.open("r+b") as raw:
                raw.seek((page - 1) * PAGE)
                raw.write(whole[(page - 1) * PAGE :][:PAGE])
            await check_once(world.engine.hear, made, helper)
            assert not standing
            helper.close()

    play(main())


@pytest.mark.parametrize(("ending", "words"), [("", "Put that one back"), ("-wal", "Stop it")])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_server_is_not_ready_while_its_file_is_not_where_it_was(path, monkeypatch, ending, words, replaced):
    monkeypatch.setattr("runline.store.checking.LOOK_EVERY_S", 0.01)
    place = path.with_name(path.name + ending)
    elsewhere = path.with_name("elsewhere")

    async def main():
        async with running(SqliteStore(path)) as world, checking(world.engine.hear, path):
            await world.open_house()
            conditions = world.engine.conditions
            place.rename(elsewhere)
            if replaced:
                place.write_bytes(b"")
            await comes_true(lambda: conditions.failing)
            assert words in conditions.failing[0].reason
            elsewhere.rename(place)
            await comes_true(lambda: not conditions.failing)

    play(main())
    agrees(path)


def test_who_reads_an_empty_file_in_the_place_of_one_that_is_open_leaves_its_write_ahead_log(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            elsewhere = path.with_name("elsewhere")
            path.rename(elsewhere)
            path.write_bytes(b"")
            with pytest.raises(StoreError, match="is empty"):
                open_connection(path, writing=False)
            assert "is empty" in check_file(str(path)).faults[0]
            assert wal_of(path).stat().st_size > 0
            elsewhere.rename(path)

    play(main())
    agrees(path)


def test_a_write_ahead_log_that_was_deleted_costs_nothing_if_the_server_is_stopped(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            wal_of(path).unlink()
            await world.open_book("b1")

    play(main())
    agrees(path)


def test_history_that_is_damaged_is_refused_in_plain_words_and_said_and_the_rest_goes_on(path):
    async def main():
        store = SqliteStore(path)
        async with served(path, store=store) as place:
            world = place.world
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            for _ in range(60):
                await world.do("b1", wager("P1", 1_00))
            owner = await place.sign_in("b1", "owner")
            store.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            for page in pages_of_other_process(path, "events"):
                with path.open("r+b") as raw:
                    raw.seek((page - 1) * PAGE + 2_000)
                    raw.write(b"\xa5" * 9)
            with pytest.raises(RefusedError) as refused:
                await owner.ask("log")
            assert (refused.value.code, refused.value.status) == ("unreadable", 503)
            assert ("store", "history") in world.engine.conditions.standing
            assert (await owner.ask("wagers")).items
            await world.do("b1", wager("P1", 1_00))

    play(main())


def pages_of_other_process(path, table):
    """The pages of a table of a file that is open here."""
    asked = "import sys; from tests.integration.test_damaged_pages import pages_of; from pathlib import Path; "
    asked += "print(*pages_of(Path(sys.argv[1]), sys.argv[2]))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", asked, path, table], capture_output=True, text=True, check=True, cwd=root
    )
    return list(map(int, done.stdout.split()))
