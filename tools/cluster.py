"""A cluster on this machine: PostgreSQL with a synchronous standby, three nodes, two gateways, and the demo's day in them.

    python tools/cluster.py [--for 10m] [--rate 20] [--port 8001]

While it runs, a page and keys (or lines, where there is no terminal) do harm: 1, 2, 3 kill a node, k the one that has the busiest
book, f stops that one for five seconds, d kills the primary of the database, s says who owns what, q ends everything, as Ctrl-C
does. x, g and h cut a link of that node: to the database, to the first gateway, to the owner of the house; X, G and H only what
it says. What is killed comes back by itself, and what is cut is mended after ten seconds. PostgreSQL comes with the packages of
requirements/dev.txt, and does not run as root.
"""

import argparse
import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
import termios
import time
import tty
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from cluster_database import SAID, STARTS_S_MAX, Failed, Postgres, say, started
from cluster_links import DATABASE, Net
from cluster_page import Page, shown
from cluster_traffic import Plan, Said
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import RegistryError
from runline.cluster.status import ClusterStatus, look_at
from runline.demo.day import read_day, scenario_here
from runline.demo.options import BadOption, check_rate, parse_duration
from runline.demo.served import BOOK, PASSWORD, SIGN_INS
from runline.domain.messages import HOUSE
from runline.shell import complain

NODES, GATEWAYS = ("n1", "n2", "n3"), ("g1", "g2")
STOPS_S_MAX = 45.0
BACK_S = 1.0
"""The pause before what has ended is started again."""

DOES = {
    "1": "kill n1",
    "2": "kill n2",
    "3": "kill n3",
    "k": "kill the owner of the busiest book",
    "f": "let it stand still",
    "d": "kill the database",
    "x": "cut it off from the database",
    "X": "the same, only what it says",
    "g": "cut it off from the first gateway",
    "G": "the same, only what it says",
    "h": "cut it off from the owner of the house",
    "H": "the same, only what it says",
    "s": "who owns what",
}
"""The words that do something, with what."""

CUTS = {"x": DATABASE, "g": GATEWAYS[0], "h": HOUSE}
"""From whom a node is cut off."""

CUT_S = 10.0
FROZEN_S = 5.0
SAYS_S = 10.0
"""How often it is said how the day goes, where there is no terminal to rewrite a line on."""


class Kept:
    """A process that is started again whenever it ends. ready: what it says when it serves. settings: of its environment."""

    def __init__(
        self, name: str, words: Sequence[str], folder: Path, ready: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.words = words
        self.said = folder / f"{name}.log"
        self.ready = re.compile(ready)
        self.environment = os.environ | {"RUNLINE_SERVER_OWNER_PASSWORD": PASSWORD} | dict(settings or {})
        self.process: Process | None = None
        self.serves = asyncio.Event()
        self.found = ""
        self.last = ""
        self.ending = False

    async def run(self) -> None:
        """Start it, again and again."""
        ended_s = 0.0
        while not self.ending:
            words = [sys.executable, *self.words]
            self.process = await started(words, self.said, stdout=PIPE, env=self.environment)
            assert self.process.stdout is not None
            async for line in self.process.stdout:
                self.last = line.decode(errors="replace").strip()
                found = self.ready.search(self.last)
                if found and not self.serves.is_set():
                    self.found = found[0]
                    self.serves.set()
                    if ended_s:
                        say(f"{self.name}: is back after {time.monotonic() - ended_s:.1f} s")
            status = await self.process.wait()
            self.serves.clear()
            if not self.ending:
                ended_s = ended_s if ended_s and not self.found else time.monotonic()
                self.found = ""
                say(
                    f"{self.name}: {'was killed' if status == -signal.SIGKILL else f'ended ({status}), see {self.said}'}"
                )
                await asyncio.sleep(BACK_S)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to what it has started."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    async def end(self) -> None:
        """End it for good; one that does not end in time is killed."""
        self.ending = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOPS_S_MAX):
                await process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)


class Cluster:
    """All of it."""

    def __init__(self, folder: Path, port: int, plan: Plan, postgres: Postgres) -> None:
        self.postgres = postgres
        self.harming: asyncio.Task[None] | None = None
        self.stop = asyncio.Event()
        self.net = Net(folder, postgres.folders, self.name_of)
        serve = ["-m", "runline", "serve", "--store"]
        self.nodes = {
            name: Kept(
                name,
                [
                    *serve,
                    self.net.url(name),
                    "--node",
                    name,
                    "--links",
                    f"unix:{self.net.at(name)}",
                    "--role",
                    "engine",
                ],
                folder,
                r"is at unix:",
                {"RUNLINE_CLUSTER_LISTEN": f"unix:{self.net.behind(name)}"},
            )
            for name in NODES
        }
        self.gateways = [
            Kept(
                name,
                [*serve, plan.url, "--role", "gateway", "--port", str(port and port + place)],
                folder,
                r"http://\S+",
            )
            for place, name in enumerate(GATEWAYS)
        ]
        tool = str(Path(__file__).with_name("cluster_traffic.py"))
        self.traffic = Kept("traffic", [tool, msgspec.json.encode(plan).decode()], folder, r"^\{")

    async def began(self, *some: Kept) -> list[asyncio.Task[None]]:
        """Start some, and wait until they serve. Raises Failed."""
        tasks = [asyncio.create_task(one.run()) for one in some]
        for one in some:
            try:
                async with asyncio.timeout(STARTS_S_MAX):
                    await one.serves.wait()
            except TimeoutError:
                raise Failed(f"{one.name} does not serve; {one.said} says why") from None
        return tasks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All processes."""
        tasks: list[asyncio.Task[None]] = []
        every = [self.traffic, *self.gateways, *self.nodes.values()]
        try:
            await self.net.begin(NODES)
            # The first one makes the tables.
            first, *others = self.nodes.values()
            for some in ([first], others, self.gateways, [self.traffic]):
                tasks += await self.began(*some)
            yield
        finally:
            if self.harming is not None:
                await asyncio.gather(self.harming, return_exceptions=True)
            await self.traffic.end()
            await asyncio.gather(*(one.end() for one in every))
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.net.end()

    def name_of(self, process: int) -> str:
        """Which of them a process is."""
        every = (*self.nodes.values(), *self.gateways, self.traffic)
        return next((one.name for one in every if one.process is not None and one.process.pid == process), "")

    # What is done to it

    def take(self, word: str) -> None:
        """Do what somebody asks for; one thing at a time."""
        if word == "q":
            self.stop.set()
        elif self.harming is not None and not self.harming.done():
            say("one thing at a time: the last one is not over")
        elif word in DOES:
            self.harming = asyncio.create_task(self.do(word))

    async def do(self, word: str) -> None:
        """Do it, and say what went wrong."""
        try:
            if word == "d":
                await self.postgres.fail_over()
            elif word == "s":
                await self.say_who()
            elif word.lower() in CUTS:
                await self.cut(CUTS[word.lower()], one_way=word.isupper())
            elif word == "f":
                await self.freeze(self.nodes[await self.busiest()])
            else:
                self.nodes[await self.busiest() if word == "k" else f"n{word}"].send(signal.SIGKILL)
        except (Failed, OSError, RegistryError, TimeoutError) as error:
            say(f"that did not work: {error}")

    async def busiest(self) -> str:
        """The node that owns the busiest book."""
        found = await self.seen()
        return next((one.node for one in found.streams if one.stream == BOOK and one.node in self.nodes), NODES[0])

    async def seen(self) -> ClusterStatus:
        """How the cluster is, as its registry says. Raises RegistryError."""
        registry = PostgresRegistry(self.postgres.url, "")
        try:
            return await look_at(registry)
        finally:
            await registry.close()

    async def freeze(self, node: Kept) -> None:
        """Stop a node for longer than its lease, and let it go on."""
        node.send(signal.SIGSTOP)
        say(f"{node.name}: stands still for {FROZEN_S:.0f} s, which is longer than its lease")
        await asyncio.sleep(FROZEN_S)
        node.send(signal.SIGCONT)
        say(f"{node.name}: goes on, and finds out that its streams are not its own any more")

    async def cut(self, other: str, *, one_way: bool) -> None:
        """Cut the owner of the busiest book off from somebody, and mend that after a while."""
        node = await self.busiest()
        if other == HOUSE:
            found = await self.seen()
            other = next((one.node for one in found.streams if one.stream == HOUSE), "")
            if other == node:
                node = next(name for name in NODES if name != other)
        lost = f"what {node} says to {other} is lost" if one_way else f"{node} and {other} hear nothing of each other"
        say(f"network: for {CUT_S:.0f} s {lost}")
        self.net.cut(node, other, ["there"] if one_way else ["there", "back"])
        await asyncio.sleep(CUT_S)
        self.net.mend(node, other)
        say("network: mended")

    async def say_who(self) -> None:
        """Say who owns what."""
        found = await self.seen()
        say("\n".join([*(f"  {one.stream:8} {one.node}" for one in found.streams), *found.wrong]))

    # What is said of it

    def standing(self) -> str:
        """What was said last, and how the day goes."""
        try:
            words = in_words(msgspec.json.decode(self.traffic.last, type=Said))
        except msgspec.DecodeError:
            words = "the day begins"
        return "\n".join([*SAID, "", words])

    async def tell(self) -> None:
        """Say how the day goes: on a terminal in one line, each second anew."""
        rewrites = sys.stdout.isatty()
        while True:
            await asyncio.sleep(1.0 if rewrites else SAYS_S)
            words = self.standing().splitlines()[-1]
            room = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{words[:room]}" if rewrites else words, end="" if rewrites else "\n", flush=True)


def in_words(said: Said) -> str:
    """What has become of wagers."""
    refused = ", ".join(f"{code} {number:,}" for code, number in sorted(said.refused.items())) or "none"
    return f"{said.accepted:,} wagers accepted; {BOOK} took none for {said.longest_s:.1f} s at most; refused: {refused}"


@asynccontextmanager
async def hearing(cluster: Cluster) -> AsyncIterator[None]:
    """What is typed reaches the cluster: keys of a terminal, or lines."""
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(number) if sys.stdin.isatty() else None
    if before is not None:
        tty.setcbreak(number)

    def heard() -> None:
        typed = os.read(number, 256).decode(errors="replace")
        if not typed:
            loop.remove_reader(number)
        for word in typed if before is not None else typed.split():
            cluster.take(word)

    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, cluster.stop.set)
    with suppress(PermissionError):
        # What is read from a file or from nowhere cannot be waited for.
        loop.add_reader(number, heard)
    try:
        yield
    finally:
        loop.remove_reader(number)
        if before is not None:
            termios.tcsetattr(number, termios.TCSADRAIN, before)


async def show(folder: Path, duration_s: float, rate: float, port: int) -> None:
    """Run it until somebody ends it. Raises Failed, BadOption."""
    postgres = Postgres(folder)
    scenario = scenario_here(None, None)
    day = read_day(scenario, None, lines=False)
    speed = (day.end_ns - day.origin_ns) / 1e9 / duration_s
    try:
        say("PostgreSQL: a primary, and a standby for which commits wait ...")
        await postgres.begin()
        say("three nodes, two gateways, and the demo's day ...")
        cluster = Cluster(folder, port, Plan(postgres.url, scenario, time.time_ns(), speed, rate, 1), postgres)
        async with cluster.running(), hearing(cluster):
            say("\nThe cluster serves. Look at it through either gateway, as any of them:")
            for one in cluster.gateways:
                say(f"  {one.found}")
            for who, user in SIGN_INS:
                say(f"  book {BOOK}, user {user} ({who}), password {PASSWORD}")
            say(f"  runline cluster status --store '{postgres.url}'   (what each says is in {folder})")
            page = Page([one.found for one in cluster.gateways], DOES, cluster.standing, cluster.take)
            async with shown(page, port and port + len(GATEWAYS)) as address:
                say(f"Break it here: {address}")
                say(f"or by these keys: {', '.join(f'{word} {what}' for word, what in DOES.items())}, q end\n")
                telling = asyncio.create_task(cluster.tell())
                await cluster.stop.wait()
                telling.cancel()
            say("ending ...")
    finally:
        await postgres.end()


def main() -> int:
    """Exits 0, or 2 if it cannot be had as it is asked for."""
    parser = argparse.ArgumentParser(description="A cluster on this machine, with the demo's day in it.")
    parser.add_argument("--for", dest="duration", default="10m", help="the real time into which the day is fitted")
    parser.add_argument("--rate", type=float, default=20.0, help="wagers tried a second")
    parser.add_argument("--port", type=int, default=8001, help="of the first gateway; 0: any free ones")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="runline-cluster-"))
    # PostgreSQL may run as somebody else, who goes through it.
    folder.chmod(0o711)
    (folder / "links").mkdir(mode=0o700)
    try:
        asyncio.run(show(folder, parse_duration(asked.duration), check_rate(asked.rate), asked.port))
    except KeyboardInterrupt:
        say("ended before it served")
    except (Failed, BadOption, OSError, TimeoutError) as error:
        return complain(error)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
