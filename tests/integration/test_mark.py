"""The mark beside the database: a log that was cut, deleted or put back is not taken for the log that it was."""

import asyncio
import os
import subprocess
import time
from contextlib import contextmanager
from itertools import pairwise
from random import Random
from shutil import copyfile
from typing import Any

import apsw
import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.integration.served import served
from tests.integration.stores import COMMITTERS
from tests.integration.world import agrees, play, running, running_until_the_power_goes, wager

from runline.domain.house import FoundHouse
from runline.domain.messages import HOUSE
from runline.engine.ports import StoreError
from runline.evaluate.terminal import AGREES, DIFFERS, verify_database
from runline.store import mark as marks
from runline.store import opening as openings
from runline.store.file import open_connection, wal_of
from runline.store.mark import PLACE_BYTES, Mark, MarkKeeper, load_mark, mark_path, placed, read_mark, taken, write_mark
from runline.store.opening import last_opening
from runline.store.sqlite import SqliteStore

PAGE = 4_096
FRAME = PAGE + 24
WAGERS = 30
FLIPS = int(os.environ.get("TEST_FLIPS", "40"))


def copied(path, copy):
    """Copy a file that is open, in another process: this one's locks on it would go with the descriptor."""
    subprocess.run(["cp", path, copy], check=True)


@pytest.fixture(scope="module")
def cut_off_once(tmp_path_factory):
    """A folder as kill -9 leaves it, with all that was acknowledged in the write-ahead log and the mark behind it."""
    path = tmp_path_factory.mktemp("cut") / "book.db"

    async def main():
        store = SqliteStore(path)
        async with running_until_the_power_goes(store) as world:
            world.engine.cause(HOUSE, FoundHouse("platform"))
            await world.engine.query(HOUSE, lambda house: None, at_least=1)
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            for _ in range(WAGERS):
                await world.do("b1", wager())

    asyncio.run(main())
    return path


def mark_of(path) -> Mark:
    """The mark beside a database."""
    mark = read_mark(path)
    assert mark is not None
    return mark


@pytest.fixture
def cut_off(cut_off_once, path):
    for name in (lambda one: one, wal_of):
        copyfile(name(cut_off_once), name(path))
    # Both places, as if it had been written here.
    mark = mark_of(cut_off_once)
    for before in (2, 0):
        commits = mark.commits - before
        write_mark(
            path,
            msgspec.structs.replace(
                mark, commits=commits, hash=b"" if before else mark.hash, written_ns=time.time_ns()
            ),
        )
    return path


def start_error(path, **options):
    """Why an engine does not start on a file; empty if it does."""

    async def main():
        async with running(SqliteStore(path, **options)) as world:
            await world.do("b1", wager())

    try:
        asyncio.run(main())
    except StoreError as error:
        return f"{error.kind}: {error}"
    return ""


def opening_of(path):
    connection = open_connection(path, writing=False)
    try:
        return last_opening(connection)
    finally:
        connection.close()


def log_of(path):
    connection = open_connection(path, writing=False)
    try:
        return connection.execute("SELECT stream, seq, hash FROM events ORDER BY stream, seq").fetchall()
    finally:
        connection.close()


def cut(path):
    """Cut the write-ahead log's last transaction off."""
    wal = wal_of(path)
    with wal.open("r+b") as file:
        file.truncate(wal.stat().st_size - FRAME)


def delete(path):
    wal_of(path).unlink()


def empty(path):
    with wal_of(path).open("r+b") as file:
        file.truncate(0)


def garble_header(path):
    with wal_of(path).open("r+b") as file:
        file.seek(20)
        file.write(b"\xa5\xa5")


def delete_database(path):
    path.unlink()
    delete(path)


@pytest.mark.parametrize("harm", [cut, delete, empty, garble_header, delete_database])
@pytest.mark.parametrize("committer", COMMITTERS)
def test_a_log_that_has_lost_its_end_is_refused_again_and_again(cut_off, harm, committer, capsys):
    harm(cut_off)
    wal = wal_of(cut_off)
    before = wal.read_bytes() if wal.exists() else b""
    for _ in range(2):
        with pytest.raises(StoreError, match=r"has lost what was durable.*--accept-loss") as refused:
            COMMITTERS[committer](cut_off)
        assert refused.value.kind == "unreadable"
    if before:
        assert wal.read_bytes() == before
    if harm in (cut, delete, empty, garble_header):
        assert verify_database(cut_off, None, None) == DIFFERS


@pytest.mark.parametrize("harm", [cut, delete])
def test_a_loss_that_is_accepted_makes_another_log_and_is_said_until_the_next_start(cut_off, harm):
    before = mark_of(cut_off)
    if harm is delete:
        # So that there is something to go on with.
        connection = open_connection(cut_off, writing=True)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.execute("UPDATE openings SET commits = commits - 1")
        connection.execute("UPDATE heads SET commits = commits - 1")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.close()
    harm(cut_off)

    async def main():
        async with running(SqliteStore(cut_off, accept_loss=True)) as world:
            assert world.engine.store.log_id != before.log
            (condition,) = world.engine.conditions.standing.values()
            assert (condition.part, condition.level) == ("store", "degraded")
            assert "goes on after a loss that was accepted" in condition.reason
            await world.do("b1", wager())

    play(main())
    opening = opening_of(cut_off)
    assert opening.number == before.opening + 1
    assert opening.found.startswith("a loss was accepted: ")
    agrees(cut_off)

    async def again():
        async with running(SqliteStore(cut_off)) as world:
            assert world.engine.store.log_id == opening.log
            assert not world.engine.conditions.standing

    play(again())


def test_a_flipped_bit_in_the_write_ahead_log_loses_nothing_or_is_refused(cut_off):
    acknowledged = log_of(cut_off)
    whole = wal_of(cut_off).read_bytes()
    database, mark = cut_off.read_bytes(), mark_path(cut_off).read_bytes()
    random = Random(9)
    refused = 0
    for _ in range(FLIPS):
        at, bit = random.randrange(len(whole)), random.randrange(8)
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        cut_off.write_bytes(database)
        mark_path(cut_off).write_bytes(mark)
        wal_of(cut_off).write_bytes(flipped)
        try:
            SqliteStore(cut_off).abandon()
        except StoreError:
            refused += 1
            continue
        assert log_of(cut_off) == acknowledged, (at, bit)
    assert refused > FLIPS // 2


def test_a_damaged_frame_before_others_is_refused_without_the_mark_s_word_and_a_torn_end_is_not(cut_off):
    mark = mark_of(cut_off)
    before = msgspec.structs.replace(mark, commits=mark.commits - 2, hash=b"")
    mark_path(cut_off).write_bytes(placed(before))
    wal = wal_of(cut_off)
    whole = wal.read_bytes()
    frames = (len(whole) - 32) // FRAME
    for frame in (0, 1, frames // 2, frames - 20):
        flipped = bytearray(whole)
        flipped[32 + frame * FRAME + 500] ^= 1
        wal.write_bytes(flipped)
        assert "its write-ahead log is damaged before its end" in start_error(cut_off), frame
        mark_path(cut_off).unlink()
        assert verify_database(cut_off, None, None) != AGREES
        mark_path(cut_off).write_bytes(placed(before))
    wal.write_bytes(whole[:-FRAME])
    assert start_error(cut_off) == ""


def test_after_a_crash_with_everything_there_it_goes_on_as_the_same_log(cut_off):
    before = mark_of(cut_off)
    assert start_error(cut_off) == ""
    opening = opening_of(cut_off)
    assert (opening.log, opening.number, opening.found) == (before.log, before.opening + 1, "")
    assert opening.commits == mark_of(cut_off).commits


def test_restarts_leave_the_log_what_it_is(path, committed):
    async def main():
        logs = []
        for turn in range(3):
            store = committed()
            logs.append(store.log_id)
            await store.close("n1", turn + 1, 0)
        assert len(set(logs)) == 1

    play(main())
    assert opening_of(path).number == 3
    assert mark_of(path).commits == opening_of(path).commits


@pytest.fixture
def two_days(path, tmp_path):
    """(A file of today, its mark of today, a copy of yesterday with the mark that it had.)"""
    yesterday = tmp_path / "yesterday.db"

    async def day():
        async with running(SqliteStore(path)) as world:
            if "b1" not in world.engine.writers:
                await world.open_house()
                await world.open_book("b1", credit_minor=10**12)
            await world.do("b1", wager())
            return world.engine.store.log_id

    first = asyncio.run(day())
    copyfile(path, yesterday)
    copyfile(mark_path(path), mark_path(yesterday))
    assert asyncio.run(day()) == first
    return yesterday, first


def test_an_older_copy_that_is_put_back_is_refused_and_becomes_another_log_once_that_is_accepted(two_days, path):
    yesterday, first = two_days
    copyfile(yesterday, path)
    assert "says that transaction" in start_error(path)
    assert start_error(path, accept_loss=True) == ""
    assert opening_of(path).log != first


def test_an_older_copy_that_is_put_back_with_its_mark_becomes_another_log(two_days, path, monkeypatch):
    yesterday, first = two_days
    copyfile(yesterday, path)
    copyfile(mark_path(yesterday), mark_path(path))
    # As if the mark had been copied a while after it was written.
    monkeypatch.setattr(marks, "COPIED_NS", -1)
    assert start_error(path) == ""
    assert opening_of(path).log != first
    assert opening_of(path).found == "the mark beside the file is a copy"


def test_a_copy_with_its_mark_that_is_put_back_at_once_becomes_another_log(two_days, path):
    yesterday, first = two_days
    for name in (lambda one: one, mark_path):
        name(yesterday).replace(name(path))
    found = load_mark(path)
    assert found is not None
    assert found[1]
    assert start_error(path) == ""
    assert opening_of(path).log != first


def test_a_start_that_is_killed_as_it_makes_the_mark_costs_nothing(path, monkeypatch):
    def killed(mark):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(marks, "placed", killed)
        with pytest.raises(StoreError):
            SqliteStore(path)
    SqliteStore(path).abandon()
    assert mark_of(path).opening == 2


def test_a_copy_that_is_put_somewhere_else_alone_becomes_another_log(two_days, tmp_path):
    yesterday, first = two_days
    elsewhere = tmp_path / "elsewhere.db"
    copyfile(yesterday, elsewhere)
    assert start_error(elsewhere) == ""
    assert opening_of(elsewhere).log != first


def test_the_mark_of_another_log_is_refused(two_days, tmp_path):
    yesterday, _ = two_days
    other = tmp_path / "other.db"

    async def main():
        await SqliteStore(other).close("n1", 1, 0)

    play(main())
    copyfile(mark_path(other), mark_path(yesterday))
    assert "is of another log" in start_error(yesterday)


@pytest.mark.parametrize("harm", [delete, empty, cut])
def test_a_file_that_was_not_stopped_cleanly_and_has_no_mark_is_refused(cut_off, harm):
    mark_path(cut_off).unlink()
    harm(cut_off)
    assert "which says how far it was durable, is missing" in start_error(cut_off)


def test_a_start_that_is_killed_before_it_has_written_its_first_mark_costs_nothing(path, monkeypatch):
    def killed(path, mark):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(openings, "write_mark", killed)
        with pytest.raises(StoreError):
            SqliteStore(path)
    assert not mark_path(path).exists()
    SqliteStore(path).abandon()
    assert mark_of(path).opening == 2


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("harm", ["emptied", "deleted"])
def test_a_write_ahead_log_whose_database_is_gone_is_kept(cut_off, harm, marked):
    """SQLite would delete it, and it may be all that is left."""
    if harm == "emptied":
        cut_off.write_bytes(b"")
    else:
        cut_off.unlink()
    if not marked:
        mark_path(cut_off).unlink()
    left = wal_of(cut_off).read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"it is empty, and .*-wal is not"):
            SqliteStore(cut_off)
    assert wal_of(cut_off).read_bytes() == left


def test_what_lies_behind_the_damage_is_not_lost_again_once_the_loss_is_accepted(cut_off):
    wal = wal_of(cut_off)
    whole = bytearray(wal.read_bytes())
    whole[32 + (len(whole) // FRAME // 2) * FRAME + 500] ^= 1
    wal.write_bytes(whole)
    SqliteStore(cut_off, accept_loss=True).abandon()
    SqliteStore(cut_off).abandon()


@pytest.mark.parametrize("kept", [True, False])
def test_a_mark_that_is_taken_away_while_it_is_written_is_made_anew(path, kept):
    async def main():
        async with running_until_the_power_goes(SqliteStore(path)) as world:
            world.engine.cause(HOUSE, FoundHouse("platform"))
            await world.engine.query(HOUSE, lambda house: None, at_least=1)
            await world.open_house()
            if kept:
                mark_path(path).rename(path.with_name("elsewhere"))
            else:
                mark_path(path).unlink()
            await world.open_book("b1", credit_minor=10**12)

    play(main())
    assert mark_of(path).commits == opening_of(path).commits


@pytest.mark.parametrize("committer", COMMITTERS)
def test_a_mark_that_cannot_be_written_is_said_and_holds_nothing_up(path, committer):
    async def main():
        async with running(COMMITTERS[committer](path)) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            standing = world.engine.conditions.standing
            mark_path(path).unlink()
            mark_path(path).mkdir()
            async with asyncio.timeout(30):
                while ("store", "mark") not in standing:
                    await world.do("b1", wager())
                assert standing["store", "mark"].level == "degraded"
                mark_path(path).rmdir()
                while standing:
                    await world.do("b1", wager())

    play(main())
    assert mark_of(path).commits == opening_of(path).commits
    agrees(path)


def test_what_was_written_last_is_written_over_last_also_after_a_restart(path):
    marks = [Mark("log", 1, commits, b"", commits, 1) for commits in range(1, 6)]
    for before, mark in pairwise(marks):
        write_mark(path, before)
        write_mark(path, mark)
        content = mark_path(path).read_bytes()
        places = [taken(content[:PLACE_BYTES]), taken(content[PLACE_BYTES:])]
        assert {place.commits for place in places if place} == {before.commits, mark.commits}


@pytest.mark.parametrize("place", [0, 1])
def test_a_mark_that_is_torn_leaves_the_one_before_it(cut_off, place):
    mark = mark_path(cut_off)
    content = mark.read_bytes()
    with mark.open("r+b") as file:
        file.seek(place * PLACE_BYTES + 30)
        file.write(bytes(byte ^ 0xFF for byte in content[place * PLACE_BYTES + 30 :][:10]))
    other = read_mark(cut_off)
    assert other is not None
    assert start_error(cut_off) == ""


def test_a_mark_that_cannot_be_read_is_refused_until_that_is_accepted(cut_off):
    mark_path(cut_off).write_bytes(b"\xa5" * 2 * PLACE_BYTES)
    assert "How far" in start_error(cut_off)
    assert start_error(cut_off, accept_loss=True) == ""
    assert start_error(cut_off) == ""


@contextmanager
def told(monkeypatch):
    """The loop is told of each writing of the mark, which a thread does."""
    loop, write = asyncio.get_running_loop(), MarkKeeper.write

    def write_and_tell(keeper):
        write(keeper)
        loop.call_soon_threadsafe(lambda: None)

    with monkeypatch.context() as patched:
        patched.setattr(MarkKeeper, "write", write_and_tell)
        yield


def test_the_mark_is_never_ahead_of_what_is_stored_and_comes_behind_it(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            with told(monkeypatch):
                for _ in range(50):
                    await world.do("b1", wager())
                    mark = read_mark(path)
                    assert mark is None or mark.commits <= opening_of(path).commits
                await comes_true(lambda: mark_of(path).commits == opening_of(path).commits)

    play(main())


def test_who_follows_begins_anew_once_an_older_copy_was_put_back_and_goes_on_after_a_restart(path, tmp_path):
    """The position that they have seen comes again, with other events."""
    copy = tmp_path / "copy.db"
    seen: dict[str, Any] = {}

    async def first_frame(place, last_id=""):
        frames = seen["client"].stream("wagers", last_id=last_id)
        async for frame in frames:
            if frame.id:
                await frames.aclose()
                return frame
        return None

    async def day(last_id="", **options):
        async with served(path, store=SqliteStore(path, **options)) as place:
            if "token" not in seen:
                await place.world.open_house()
                await place.world.open_book("b1", credit_minor=10**12)
                seen["token"] = (await place.sign_in("b1", "owner")).token
            seen["client"] = place.client(seen["token"])
            await place.world.do("b1", wager())
            return await first_frame(place, last_id)

    asyncio.run(day())
    copyfile(path, copy)
    followed = asyncio.run(day())
    assert asyncio.run(day(followed.id)).kind == "delta"
    copyfile(copy, path)
    asyncio.run(day(accept_loss=True))
    asyncio.run(day())
    assert asyncio.run(day(followed.id)).kind == "image"


def test_so_many_openings_of_a_file_are_written_down_and_no_more(path, monkeypatch):
    monkeypatch.setattr(openings, "OPENINGS_KEPT_MAX", 3)

    async def start():
        async with running(SqliteStore(path)):
            pass

    for _ in range(6):
        asyncio.run(start())
    connection = open_connection(path, writing=False)
    numbers = [number for (number,) in connection.execute("SELECT number FROM openings ORDER BY number")]
    connection.close()
    assert (len(numbers), numbers[-1]) == (3, numbers[0] + 2)
