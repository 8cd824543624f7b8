"""A pair: two servers of PostgreSQL, of which one follows the other and is promoted when that one is gone."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.integration.postgresql import MEMORY, Cluster, children_of

DATABASE = "runline_pair"

FOLLOWED = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"

BEHIND = "SELECT count(*) FROM pg_stat_replication WHERE coalesce(replay_lsn, '0/0') < $1::text::pg_lsn"

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication"

PROMOTE = "SELECT pg_promote(TRUE, 60)"


class Pair:
    """Two servers. primary: the one that takes commits. standby: the one that follows it. free: where that one may lie, while it
    is not there. url: the address of a database that both have."""

    def __init__(self) -> None:
        self.primary = Cluster(new_folder())
        self.primary.start()
        self.standby: Cluster | None = None
        self.free = new_folder()
        self.primary.empty(DATABASE)
        hosts = quote(f"{self.primary.folder},{self.free}", safe="")
        self.url = f"postgresql://runline@/{DATABASE}?host={hosts}"

    def follow(self, *, waited_for: bool) -> None:
        """Have a standby that follows. waited_for: whether commits wait for it."""
        self.free.mkdir(exist_ok=True)
        self.standby = Cluster(self.free, self.primary)
        # It looks at once again for what it follows, and for whoever is promoted.
        with (self.standby.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("wal_retrieve_retry_interval = 200ms\n")
        self.standby.start()
        while self.primary.ask("postgres", FOLLOWED) != [(1,)]:
            pass
        if waited_for:
            self.primary.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
            self.primary.ask("postgres", "SELECT pg_reload_conf()")

    def caught_up(self) -> None:
        """Wait until the standby has all that was committed."""
        ((end,),) = self.primary.ask("postgres", "SELECT pg_current_wal_lsn()::text")
        while self.primary.ask("postgres", BEHIND, end) != [(0,)]:
            pass

    def stand_still(self) -> None:
        """The standby takes in nothing more, and does not say so."""
        for process in self.receivers():
            os.kill(process, signal.SIGSTOP)

    def go_on(self) -> None:
        """It takes in what has come meanwhile."""
        for process in self.receivers():
            os.kill(process, signal.SIGCONT)

    def receivers(self) -> list[int]:
        """The processes of the standby that take in what it follows."""
        assert self.standby is not None
        assert self.standby.process is not None
        children = children_of(self.standby.process.pid)
        return [one for one in children if b"walreceiver" in Path(f"/proc/{one}/cmdline").read_bytes()]

    def cut(self) -> None:
        """The standby hears no more of the primary, and is not let in again."""
        rules = self.primary.folder / "data" / "pg_hba.conf"
        rules.write_text(f"local replication all reject\n{rules.read_text()}")
        self.primary.ask("postgres", "SELECT pg_reload_conf()")
        self.primary.ask("postgres", CUT)
        while self.primary.ask("postgres", FOLLOWED) != [(0,)]:
            pass

    def fail_over(self) -> None:
        """Kill the primary, and promote the standby; nothing is left of the one that was killed."""
        assert self.standby is not None
        killed, self.primary, self.standby = self.primary, self.standby, None
        killed.kill()
        self.primary.ask("postgres", PROMOTE, writes=False)
        self.free = killed.folder
        remove(killed)

    def end(self) -> None:
        for one in (self.primary, self.standby):
            if one is not None:
                remove(one)
        shutil.rmtree(self.free, ignore_errors=True)


def new_folder() -> Path:
    """Where a server may lie."""
    return Path(tempfile.mkdtemp(prefix="runline-pg-", dir=MEMORY if MEMORY.is_dir() else None))


def remove(server: Cluster) -> None:
    """End a server, and take away all that it has."""
    assert server.process is not None
    if server.process.poll() is None:
        server.crash()
    server.say.close()
    shutil.rmtree(server.folder)


@contextmanager
def a_pair(hands: Executor) -> Iterator[Pair]:
    """Two servers of one's own; the second one follows when it is told to. hands: the one thread that starts servers (they end
    with the thread that has started them)."""
    pair: Pair = hands.submit(Pair).result()
    try:
        yield pair
    finally:
        pair.end()
