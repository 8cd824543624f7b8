"""Flame graphs, by py-spy: the engine's process at full load, and a server under HTTP load, into a folder."""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runline.bootstrap import open_store, run, running_engine
from runline.config import StoreSettings
from runline.evaluate.bench.http import CONNECTIONS, PLAYERS, SEED, Maker
from runline.evaluate.bench.load import Bettors, ClosedLoop, set_up
from runline.evaluate.bench.served import HttpLoop, prepare, serve_command, serving, sign_in, wager_requests

HERE = Path(__file__).parent
TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*<')
RATE_PER_S = 250
SECONDS = 6
IN_FLIGHT = 512
ENGINE_WAGERS = 400_000
HTTP_WAGERS = 120_000


def record(process: int, path: Path) -> None:
    """What a process does for SECONDS. Without the system's leave to look into a process, py-spy says so and this ends."""
    py_spy = Path(sys.executable).with_name("py-spy")
    found = shutil.which(str(py_spy)) or "py-spy"
    command = [found, "record", "--pid", str(process), "--duration", str(SECONDS), "--rate", str(RATE_PER_S)]
    subprocess.run([*command, "--function", "--format", "flamegraph", "--output", str(path)], check=True)
    # Its title is the command with this machine's paths.
    picture = TITLE.sub(rf"\g<1>{path.stem}: {SECONDS} s of samples, {RATE_PER_S} a second<", path.read_text())
    path.write_text("\n".join(line.rstrip() for line in picture.splitlines()) + "\n")


async def load_engine(path: Path) -> None:
    """The child: an engine that takes as many wagers as it can."""
    async with running_engine(open_store(StoreSettings(path, "process"))) as (engine, bus):
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED)
        load = ClosedLoop(engine, [bettors.request() for _ in range(ENGINE_WAGERS)], IN_FLIGHT)
        print("ready", flush=True)
        await load.run()


def record_engine(folder: Path, into: Path) -> None:
    """The engine's process."""
    child = subprocess.Popen([sys.executable, __file__, "--engine", str(folder / "e.db")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        record(child.pid, into / "engine.svg")
    finally:
        child.kill()
        child.wait()


async def record_http(folder: Path, into: Path) -> None:
    """A server's process."""
    path = folder / "h.db"
    await prepare(path, PLAYERS)
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        load = HttpLoop(wager_requests(server, token, Bettors(Maker(), PLAYERS, SEED), HTTP_WAGERS))  # type: ignore[arg-type]
        running = asyncio.create_task(load.run(server, CONNECTIONS))
        await asyncio.sleep(1)
        await asyncio.to_thread(record, server.child.pid, into / "http.svg")
        running.cancel()
        await asyncio.wait([running])


def main() -> None:
    if sys.argv[1:2] == ["--engine"]:
        run(lambda: load_engine(Path(sys.argv[2])))
        return
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "flames" / "after"
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        record_engine(Path(temporary), into)
        run(lambda: record_http(Path(temporary), into))


if __name__ == "__main__":
    main()
