"""The how-to of backups, with a real PostgreSQL: its very commands archive, copy, and restore to a moment."""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.postgresql import MEMORY, Cluster, ends_with_us, programs
from tests.integration.world import SetClock, World, wager

from runline.bootstrap import running_engine
from runline.store.postgres import PostgresStore
from runline.store.postgres_opening import beside, open_database

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "backup.md"
ARCHIVE = ROOT / "deploy" / "postgresql" / "runline-archive"

FOLDERS, WATCHED, BASE, ANCHOR, RESTORE, PROVE, UNDO = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
(SETTINGS,) = re.findall(r"```ini\n(.*?)```", PAGE.read_text(), re.DOTALL)


PATHS = f"{programs()}:/usr/bin:/bin"


class Archiving(Cluster):
    """A PostgreSQL that finds the programs which it is told to run."""

    def start(self) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [programs() / "postgres", "-D", "data"], cwd=self.folder, stdout=self.say, stderr=self.say,
            env={"LC_ALL": "C", "PATH": PATHS}, preexec_fn=ends_with_us, **self.owner,
        )  # fmt: skip


class Kept:
    """A PostgreSQL whose log is archived, and the words of the page that are done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backups = folder / "backups"
        shutil.copy(ARCHIVE, folder / ARCHIVE.name)
        self.server = Archiving(folder)
        self.url = self.server.url("runline")
        self.variables = {
            "BACKUPS": str(self.backups),
            "DATABASE": self.server.url("runline"),
            "DAY": "2026-11-27",
            "DATA": str(folder / "data"),
            "TIME": "",
        }

    def configure(self) -> None:
        """Set what the page says."""
        text = SETTINGS.replace("/usr/local/bin/", f"{self.folder}/").replace("/var/backups/runline", str(self.backups))
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(text)

    def does(self, commands: str, *, root: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What the page says, in a shell of the user who runs PostgreSQL. root: of ours."""
        commands = re.sub(r"^export BACKUPS=.*\n", "", commands)
        commands = re.sub(r"\brunline (?=verify|anchor)", f"{sys.executable} -m runline ", commands)
        return subprocess.run(
            ["sh", "-euc", commands],
            cwd=self.folder, check=check, capture_output=True, text=True,
            env={"PATH": PATHS, "LC_ALL": "C", **self.variables}, **({} if root else self.server.owner),
        )  # fmt: skip

    def archived(self) -> None:
        """Wait until all that was written up to now is in the archive."""
        ((name,),) = self.server.ask("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.server.ask("postgres", "SELECT pg_switch_wal()")
        kept = self.backups / "wal" / str(name)
        for _ in range(600):
            if kept.exists():
                return
            time.sleep(0.05)  # waits: the server tells nobody when it has archived something
        raise AssertionError((self.folder / "said").read_text()[-2_000:])


@pytest.fixture
def kept():
    folder = Path(tempfile.mkdtemp(prefix="runline-backup-", dir=MEMORY if MEMORY.is_dir() else None))
    one = Kept(folder)
    try:
        yield one
    finally:
        if one.server.process is not None and one.server.process.poll() is None:
            one.server.crash()
        one.server.say.close()
        shutil.rmtree(folder)


async def wagers(url, number, *, opens=False):
    """Place some wagers; the positions at which they stand."""
    async with running_engine(PostgresStore(url), clock=SetClock()) as (engine, bus):
        world = World(engine, bus, engine.clock)
        if opens:
            await world.open_house()
            await world.open_book(credit_minor=10**9)
        return [(await world.do("b1", wager())).position for _ in range(number)]


def test_the_commands_of_the_page_restore_a_book_as_it_was_at_a_moment(kept):
    kept.does(FOLDERS)
    kept.configure()
    kept.server.start()
    beside(open_database(kept.server.empty("runline")))
    first = asyncio.run(wagers(kept.url, 3, opens=True))
    with ThreadPoolExecutor(1) as hands:
        # Commands go on meanwhile.
        copying = hands.submit(kept.does, BASE)
        asyncio.run(wagers(kept.url, 20))
        copying.result()
    kept.does(ANCHOR, root=True)
    second = asyncio.run(wagers(kept.url, 3))
    ((moment,),) = kept.server.ask("postgres", "SELECT clock_timestamp()::text")
    third = asyncio.run(wagers(kept.url, 3))
    assert first[-1] < second[0]
    kept.archived()
    failed, last_failed, _ = kept.does(WATCHED).stdout.strip().split("|")
    assert (failed, last_failed) == ("0", "")
    # Everything that the server has is lost.
    kept.server.crash()
    shutil.rmtree(kept.folder / "data")
    kept.variables["TIME"] = str(moment)
    kept.does(RESTORE)
    kept.server.start()
    assert kept.server.ask("runline", "SELECT seq FROM heads WHERE stream = 'b1'") == [(second[-1],)]
    assert third[-1] > second[-1]
    proved = kept.does(PROVE, root=True, check=False)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    kept.does(UNDO)
    again = asyncio.run(wagers(kept.url, 1))
    assert again[0] > second[-1]


def test_an_anchor_of_what_was_lost_is_not_of_what_was_restored(kept):
    kept.does(FOLDERS)
    kept.configure()
    kept.server.start()
    beside(open_database(kept.server.empty("runline")))
    asyncio.run(wagers(kept.url, 1, opens=True))
    kept.does(BASE)
    ((moment,),) = kept.server.ask("postgres", "SELECT clock_timestamp()::text")
    asyncio.run(wagers(kept.url, 3))
    kept.does(ANCHOR, root=True)
    kept.archived()
    kept.server.crash()
    shutil.rmtree(kept.folder / "data")
    kept.variables["TIME"] = str(moment)
    kept.does(RESTORE)
    kept.server.start()
    proved = kept.does(PROVE, root=True, check=False)
    assert proved.returncode == 1, proved.stdout + proved.stderr


def test_a_server_that_goes_on_through_a_restore_says_what_is_gone(kept):
    kept.does(FOLDERS)
    kept.configure()
    kept.server.start()
    beside(open_database(kept.server.empty("runline")))
    first = asyncio.run(wagers(kept.url, 3, opens=True))
    kept.does(BASE)
    ((moment,),) = kept.server.ask("postgres", "SELECT clock_timestamp()::text")
    lost = asyncio.run(wagers(kept.url, 3))
    command = [sys.executable, "-m", "runline", "serve", "--port", "0", "--store", kept.url]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        assert any("http://" in line for line in child.stdout)
        kept.archived()
        kept.server.crash()
        shutil.rmtree(kept.folder / "data")
        kept.variables["TIME"] = str(moment)
        kept.does(RESTORE)
        kept.server.start()
        said = f"The database has lost what was durable: b1 ends at position {first[-1]}, and had {lost[-1]}"
        assert any(said in line for line in child.stderr)
    finally:
        child.kill()
        child.communicate()


def test_a_piece_is_archived_once_and_never_written_over(tmp_path):
    piece, archive = tmp_path / "piece", tmp_path / "archive"
    archive.mkdir()
    command = [ARCHIVE, piece, "000000010000000000000001", archive]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    piece.write_bytes(b"first")
    for _ in range(2):
        subprocess.run(command, check=True)
    piece.write_bytes(b"other")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert [(one.name, one.read_bytes()) for one in archive.iterdir()] == [("000000010000000000000001", b"first")]
