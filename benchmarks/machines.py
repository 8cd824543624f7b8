"""Machines: PostgreSQL with a standby for which commits wait, and nodes that share it, as processes on this machine."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tools"))

from cluster_database import Postgres, started
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.status import look_at
from runline.engine.requests import Accepted, Outcome, Refused
from runline.evaluate.bench.served import PASSWORD

LOOKS_S = 0.2
"""How often is looked where everything is."""


PASSING = frozenset({"busy", "house_stale", "market_suspended", "unavailable"})
"""Why something is refused that will be accepted."""


def is_accepted(outcome: Outcome) -> bool:
    """Whether something was accepted; else it may be, if it is sent again. Raises RuntimeError if it will never be."""
    if isinstance(outcome, Refused) and outcome.code not in PASSING:
        raise RuntimeError(f"what is measured was refused: {outcome}")
    return isinstance(outcome, Accepted)


class Machines:
    """The nodes, as processes. folder: where their links and logs are. url: of the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.processes: dict[str, Process] = {}

    async def start(self, name: str) -> None:
        """Start one, and wait until it serves."""
        words = [sys.executable, "-m", "runline", "serve", "--store", self.url, "--node", name, "--role", "engine"]
        words += ["--links", f"unix:{self.folder}/links/{name}"]
        environment = os.environ | {"RUNLINE_SERVER_OWNER_PASSWORD": PASSWORD}
        said = self.folder / f"{name}.log"
        process = self.processes[name] = await started(words, said, stdout=PIPE, env=environment)
        assert process.stdout is not None
        async for line in process.stdout:
            if b"is at unix:" in line:
                return
        raise RuntimeError(f"{name} does not serve: {said.read_text()}")

    async def kill(self, name: str) -> None:
        """End one as a power cut would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def owners(self) -> dict[str, str]:
        """Which node has each stream, "" for none."""
        registry = PostgresRegistry(self.url, "bench")
        try:
            return {one.stream: one.node if one.taken else "" for one in (await look_at(registry)).streams}
        finally:
            await registry.close()

    async def taken(self, streams: Iterable[str]) -> dict[str, str]:
        """Wait until somebody has each of these streams; who has which."""
        wanted = list(streams)
        while True:
            owners = await self.owners()
            if all(map(owners.get, wanted)):
                return owners
            await asyncio.sleep(LOOKS_S)


def new_folder() -> Path:
    """Where it all lies."""
    folder = Path(tempfile.mkdtemp(prefix="runline-cluster-"))
    # PostgreSQL may run as somebody else, who goes through it.
    folder.chmod(0o711)
    (folder / "links").mkdir(mode=0o700)
    return folder


@asynccontextmanager
async def machines() -> AsyncIterator[Machines]:
    """PostgreSQL, and no node yet. (uvloop starts no process as somebody else, as PostgreSQL is: the loop is to be asyncio's.)"""
    folder = new_folder()
    try:
        postgres = Postgres(folder)
        there = Machines(folder, postgres.url)
        try:
            await postgres.begin()
            yield there
        finally:
            for name in list(there.processes):
                await there.kill(name)
            await postgres.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
