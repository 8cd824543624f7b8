"""One writer on a file, by whatever name it comes, and files that only their owner can read."""

import asyncio
import os
import stat
import subprocess
import sys

import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.stores import COMMITTERS, child_of
from tests.integration.world import agrees, play, running, wager

from runline.engine.ports import StoreError
from runline.evaluate.anchor import make_anchor, signing_key
from runline.store.file import wal_of
from runline.store.mark import mark_path
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_process import SqliteProcessStore

OPEN = (
    "import sys; from pathlib import Path; from runline.store.sqlite import SqliteStore; SqliteStore(Path(sys.argv[1]))"
)


def symbolic(path, folder):
    link = folder / "link.db"
    link.symlink_to(path)
    return link


def hard(path, folder):
    link = folder / "hard.db"
    link.hardlink_to(path)
    return link


def around(path, folder):
    (folder / "sub").mkdir()
    return folder / "sub" / ".." / path.name


@pytest.mark.parametrize("name", [symbolic, hard, around])
@pytest.mark.parametrize("second", COMMITTERS)
def test_a_second_writer_is_refused_by_every_name_of_the_file(committed, path, tmp_path, impatient, name, second):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book("b1")
            await world.do("b1", wager())
            other = name(path, tmp_path)
            for _ in range(2):
                with pytest.raises(StoreError, match="is in use by another Runline"):
                    COMMITTERS[second](other)
            done = subprocess.run([sys.executable, "-c", OPEN, str(other)], capture_output=True, check=False)  # noqa: ASYNC221
            assert b"is in use by another Runline" in done.stderr
            # Being refused has dropped none of SQLite's own locks: nobody else takes himself for the last one.
            await world.do("b1", wager())
            assert wal_of(path).exists()

    play(main())
    agrees(path)


def test_through_a_link_it_is_the_same_file_with_the_same_mark(path, tmp_path, committed):
    async def main():
        store = committed()
        log = store.log_id
        await store.close("n1", 1, 0)
        store = COMMITTERS["inline"](symbolic(path, tmp_path))
        assert store.log_id == log
        await store.close("n1", 2, 0)

    play(main())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["book.db", "book.db.mark", "link.db"]


def test_a_process_that_inherits_the_lock_keeps_others_out_when_its_parent_has_gone(path, impatient):
    store = SqliteStore(path)
    holder = subprocess.Popen(["sleep", "60"], pass_fds=[store.lock.descriptor])
    try:
        store.abandon()
        with pytest.raises(StoreError, match=f"in use by another Runline .process {os.getpid()}."):
            SqliteStore(path)
    finally:
        holder.kill()
        holder.wait()
    SqliteStore(path).abandon()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_files_are_for_their_owner_only_whatever_the_umask(path, tmp_path, committed, umask):
    before = os.umask(umask)
    try:

        async def main():
            async with running(committed()) as world:
                await world.open_house()
                made = {one: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir() if one.is_file()}
                assert {path, wal_of(path), mark_path(path)} <= made.keys()
                assert set(made.values()) == {0o600}

        play(main())
    finally:
        os.umask(before)


def test_an_anchor_is_for_its_owner_only(day, tmp_path):
    folder = tmp_path / "kept"
    make_anchor(day, folder, signing_key(tmp_path / "key"), 1, VOCABULARY)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) & 0o077 for one in folder.iterdir()} == {0}


def test_a_clean_stop_leaves_one_file_and_its_mark(path, tmp_path, committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book("b1")
            for _ in range(20):
                await world.do("b1", wager())

    play(main())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["book.db", "book.db.mark"]
    agrees(path)


def test_a_store_that_has_done_nothing_leaves_one_file_and_its_mark_as_well(path, tmp_path, committed):
    asyncio.run(committed().close("n1", 1, 0))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["book.db", "book.db.mark"]


def test_a_committer_that_is_killed_as_it_is_told_to_close_loses_nothing(path):
    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1")
            await world.do("b1", wager())
            child_of(store).kill()
        async with running(SqliteProcessStore(path)) as world:
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 1

    play(main())
    agrees(path)
