"""Nodes of a cluster as real processes over a real PostgreSQL, and bettors who come to any of them."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from msgspec.structs import asdict
from tests.doubles.certificates import Authority
from tests.integration.postgresql import children_of, cluster
from tests.integration.served import PASSWORD
from tests.integration.world import wager

from runline.bootstrap import running_engine
from runline.bus.reach import Tls
from runline.client import AsyncClient, RefusedError, UnreachableError
from runline.client.requests import path_of
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.status import ClusterStatus, look_at
from runline.demo.sample import LINES
from runline.domain.board import PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import GATEWAY, HOUSE, Command
from runline.domain.passwords import ChangePassword
from runline.engine.bus import Bus
from runline.engine.ports import Store
from runline.engine.requests import Request
from runline.gateway.passwords import hash_password
from runline.gateway.signing import accepted
from runline.store.postgres import PostgresStore

BOOKS = ("b1", "b2", "b3", "b4")
DAY_NS = 24 * 3_600 * 10**9
TEMPLATE = "nodes_template"
PLACE = msgspec.to_builtins(wager(amount_minor=10_00, price="-130"))
AT_ONCE = 500
SAYS_S_MAX = 60
STOPS_S_MAX = 60


async def add(bus: Bus, stream: str, actor: str, *commands: Command) -> None:
    """Commands of somebody."""
    for command in commands:
        accepted(await bus.send_one(Request(stream, bus.new_id(), actor, command)))


async def fill(store: Store) -> None:
    """A house with a game tomorrow, and books with a player each."""
    async with running_engine(store) as (engine, bus):
        now_ns = engine.clock.now_ns()
        await add(
            bus,
            HOUSE,
            "platform",
            CreateLeague("MLB", "baseball"),
            CreateFixture("G1", "MLB", 901, "Mets", "Cubs", now_ns + DAY_NS),
            PostLines("G1", now_ns, LINES),
            *(OpenBook(book, "owner") for book in BOOKS),
        )
        digest = hash_password(PASSWORD, bytes(16))
        await add(bus, HOUSE, GATEWAY, ChangePassword("platform", digest, 0, ""))
        for book in BOOKS:
            await add(bus, book, "owner", CreateAgent("A1", "root"), CreatePlayer("P1", "A1", 10**12))
            await add(bus, book, GATEWAY, ChangePassword("owner", digest, 0, ""))


async def crowd(url: str, book: str, number: int) -> None:
    """So many more players of a book, each with an open wager."""
    async with running_engine(PostgresStore(url)) as (_, bus):
        for first in range(0, number, AT_ONCE):
            names = [f"C{one}" for one in range(first, min(first + AT_ONCE, number))]
            for commands in (
                [CreatePlayer(name, "A1", 10**6) for name in names],
                [wager(name, 10_00, price="-130") for name in names],
            ):
                requests = [Request(book, bus.new_id(), "owner", command) for command in commands]
                for outcome in await bus.send(requests):
                    accepted(outcome)


def filled(path: Path) -> str:
    """The address of a database of its own with that house."""
    server = cluster()
    if TEMPLATE not in templates:
        url = server.empty(TEMPLATE)
        asyncio.run(fill(PostgresStore(url)))
        templates.add(TEMPLATE)
    return server.url(server.copy_of(TEMPLATE, path))


templates: set[str] = set()


PATIENT = "from runline.domain import bounds; bounds.HOUSE_LAG_MS_MAX = 60_000; from runline.cli import main; main()"
"""A node for which the house is current however long it was not heard of: a machine with much else to do starves it at times."""


AS_A_MANAGER = """
import os, sys
file, number, *command = sys.argv[1:]
os.dup2(int(file), 3)
if file != "3":
    os.close(int(file))
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=number, LISTEN_FDNAMES="door")
os.execv(command[0], command)
"""


class Door:
    """A socket as a service manager holds it, which outlives those to whom it is handed."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def handed(self, *command: str, number: int = 1) -> tuple[list[str], tuple[int, ...]]:
        """A command to which it is handed as sd_listen_fds(3) says, and the files that its process is to have. number: how many
        sockets are said to be."""
        file = self.socket.fileno()
        return [sys.executable, "-c", AS_A_MANAGER, str(file), str(number), *command], (file,)


class NodeProcess:
    """A process that serves. address: at which it speaks HTTP. tls: by which its links are encrypted, over the network then.
    listens: where it listens for links, if that is not where others reach it. machine: in which namespace of the network it is,
    and its address there. door: at which it is to let people in."""

    def __init__(
        self,
        url: str,
        name: str,
        folder: Path,
        *words: str,
        tls: Tls | None = None,
        listens: Path | None = None,
        machine: tuple[str, str] = ("", "127.0.0.1"),
        patient: bool = False,
        door: Door | None = None,
    ) -> None:
        self.complained = (folder / f"{name}.{time.monotonic_ns()}").open("wb")
        namespace, host = machine
        place = f"unix:{folder}/{name}" if tls is None else f"{host}:{free_port()}"
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        links = [] if "gateway" in words else ["--links", place]
        files = {} if tls is None else {key: str(path) for key, path in asdict(tls).items()}
        program = ("-c", PATIENT) if patient else ("-m", "runline")
        self.name = name
        where = ["--store", url] if url.startswith("postgresql:") else ["--database", url]
        links = links if where[0] == "--store" else []
        asked = [*where, "--node", name, *links, "--host", host, "--port", "0", *words]
        command = [sys.executable, *program, "serve", *asked]
        command, files_kept = door.handed(*command) if door is not None else (command, ())
        self.child = subprocess.Popen(
            [*inside, *command], pass_fds=files_kept,
            stdout=subprocess.PIPE, stderr=self.complained, text=True,
            env={
                **os.environ,
                "RUNLINE_SERVER_OWNER_PASSWORD": PASSWORD,
                **({"RUNLINE_CLUSTER_LISTEN": f"unix:{listens}"} if listens else {}),
                **{f"RUNLINE_CLUSTER_TLS_{key.upper()}": path for key, path in files.items()},
            },
        )  # fmt: skip
        self.where = ""

    @property
    def address(self) -> str:
        """Where it is, once it has said so."""
        assert self.child.stdout is not None
        while not self.where:
            line = self.child.stdout.readline()
            assert line, self.complaints
            found = re.search(r"http://\S+| is at (unix:\S+)\. ", line)
            self.where = found[0] if found else ""
        return self.where

    @property
    def complaints(self) -> str:
        """What it has complained of."""
        return Path(self.complained.name).read_text()

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.child.send_signal(number)

    def stop(self, *, whole: bool) -> None:
        """It stands still. whole: with all that it has started, as its machine does."""
        self.send(signal.SIGSTOP)
        for child in children_of(self.child.pid) if whole else ():
            os.kill(child, signal.SIGSTOP)

    def go_on(self) -> None:
        """It goes on where it was."""
        for process in (*children_of(self.child.pid), self.child.pid):
            os.kill(process, signal.SIGCONT)

    def ended(self) -> int:
        """Its status, when it has ended."""
        return self.child.wait(STOPS_S_MAX)

    def end(self) -> None:
        """End it, however it is."""
        self.child.kill()
        self.child.wait()
        assert self.child.stdout is not None
        self.child.stdout.close()
        self.complained.close()


def took(what: str, since_s: float) -> None:
    """Say how long something has taken (`pytest -s`)."""
    print(f"{what}: {time.monotonic() - since_s:.1f} s")


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as looking:
        looking.bind(("127.0.0.1", 0))
        return int(looking.getsockname()[1])


class Nodes:
    """The nodes of a database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.authority: Authority | None = None
        """Who gives certificates, where links are encrypted."""
        self.patient = False
        """Whether the house is current for them however late they hear of it."""
        self.processes: list[NodeProcess] = []

    def start(self, *names: str, words: tuple[str, ...] = (), url: str = "") -> list[NodeProcess]:
        """Start nodes, and wait until all of them serve. url: by which they reach the database, if not as we do."""
        give = self.authority.give if self.authority else lambda name, host: None
        found = [
            NodeProcess(url or self.url, name, self.folder, *words, tls=give(name, "127.0.0.1"), patient=self.patient)
            for name in names
        ]
        self.processes += found
        for node in found:
            assert node.address
        return found

    async def registered(self, holds: Any) -> ClusterStatus:
        """The status, once something holds of it."""
        registry = PostgresRegistry(self.url, "a test")
        told = asyncio.Event()
        registry.listen(told.set)
        try:
            async with asyncio.timeout(SAYS_S_MAX):
                while True:
                    told.clear()
                    status = await look_at(registry)
                    if holds(status):
                        return status
                    # waits: that a lease gets old is told by nobody
                    await asyncio.wait({asyncio.create_task(told.wait())}, timeout=0.2)
        finally:
            await registry.close()

    async def all_taken(self, *nodes: NodeProcess) -> dict[str, str]:
        """Whose each stream is, once all are with these nodes, or with any."""
        names = {node.name for node in nodes or self.processes}
        status = await self.registered(
            lambda status: status.streams and all(one.taken and one.node in names for one in status.streams)
        )
        return {one.stream: one.node for one in status.streams}

    async def pin(self, places: dict[str, str]) -> None:
        """Have streams at nodes, and wait until they are there."""
        registry = PostgresRegistry(self.url, "a test")
        for stream, node in places.items():
            await registry.pin(stream, node)
        await registry.close()
        await self.registered(
            lambda status: places.items() <= {one.stream: one.node for one in status.streams if one.taken}.items()
        )

    @property
    def database(self) -> str:
        """Its name."""
        return self.url.partition("@/")[2].partition("?")[0]

    def executed(self, stream: str) -> Counter[str]:
        """How often each command from outside was executed in a stream, by its log."""
        rows = cluster().ask(
            self.database,
            "SELECT command, count(*) FROM events WHERE stream = $1 AND length(digest) > 0 GROUP BY command",
            stream,
        )
        return Counter({str(UUID(bytes=command)): count for command, count in rows})


@contextmanager
def nodes_of(url: str) -> Iterator[Nodes]:
    """Nodes that are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="runline-n-") as folder:
        found = Nodes(url, Path(folder))
        try:
            yield found
        finally:
            for node in found.processes:
                node.end()


class Bettor:
    """Somebody who sends commands to a stream by one of several addresses: again by the next one, with the same id, if one does
    not answer. acknowledged: the ids of what was executed. seen: what else was heard. last: when the latest of what was
    acknowledged was sent, and when it was answered."""

    def __init__(self, stream: str, user: str, addresses: list[str]) -> None:
        self.stream = stream
        self.clients = [AsyncClient(address, deadline_s=0.0) for address in addresses]
        self.user = user
        self.acknowledged: set[str] = set()
        self.seen: Counter[str] = Counter()
        self.last = (0.0, 0.0)

    async def sign_in(self) -> None:
        """At one of them; the session holds at all."""
        client = self.clients[0]
        client.deadline_s = 30.0
        await client.sign_in(self.stream, self.user, PASSWORD)
        client.deadline_s = 0.0
        for other in self.clients[1:]:
            other.token = client.token

    async def close(self) -> None:
        for client in self.clients:
            await client.close()

    async def send(self, command: str, fields: dict[str, Any], first: int = 0) -> int:
        """Execute a command, however long it takes; its position."""
        sent_as, sent_s = "", time.monotonic()
        while True:
            for client in (*self.clients[first:], *self.clients[:first]):
                try:
                    sent_as = sent_as or await client.new_id()
                    response = await client.http.post(
                        path_of(command), json=fields, headers={"idempotency-key": sent_as}
                    )
                except (OSError, UnreachableError, RefusedError, httpx.TransportError) as error:
                    self.seen[type(error).__name__] += 1
                    continue
                if response.status_code == 200:
                    self.acknowledged.add(sent_as)
                    self.last = max(self.last, (sent_s, time.monotonic()))
                    return int(response.json()["position"])
                code = response.json()["error"]["code"]
                # Where the house's owner has died, wagers wait for the next one.
                assert code in ("unavailable", "house_stale"), response.text
                self.seen[code] += 1

    async def place(self, first: int = 0) -> int:
        """Place a wager; its position."""
        return await self.send("PlaceWager", PLACE, first)
