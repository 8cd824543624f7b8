"""Benches `http` and `idle`: durable wagers over HTTP, from a process of its own.

Floor of `http`: a bare ASGI echo on the same server with the same requests, pinned alike. Floor of `idle`: the same echo, one
client.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from runline.evaluate.bench.load import Bettors
from runline.evaluate.bench.result import latencies
from runline.evaluate.bench.served import (
    HttpLoop,
    Served,
    encode,
    post,
    prepare,
    serve_command,
    serving,
    sign_in,
    wager_requests,
)

PLAYERS = 10_000
SEED = 17
CONNECTIONS = 64
BULK_LINES = 500
ECHO = "from runline.evaluate.bench.http import echo; echo()"


class Maker:
    """Makes ids and times as a client would."""

    def new_id(self) -> str:
        """A command's id."""
        from runline.client import command_id

        return command_id()


async def bench_http(folder: Path, *, wagers: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). The whole server is on one core, the client on another; then with the committer on a second core."""
    path = folder / "http.db"
    await prepare(path, PLAYERS)
    bettors = Bettors(Maker(), PLAYERS, SEED)  # type: ignore[arg-type]
    one_core = {min(os.sched_getaffinity(0))}
    figures: dict[str, float] = {}
    async with serving(serve_command(path, "inline"), one_core) as server:
        token = await sign_in(server)
        await HttpLoop(wager_requests(server, token, bettors, wagers // 4)).run(server, CONNECTIONS)
        load = HttpLoop(wager_requests(server, token, bettors, wagers))
        seconds = await load.run(server, CONNECTIONS)
        figures |= {"wagers_per_s": wagers / seconds, "connections": CONNECTIONS} | latencies(
            "answer", load.durations_ns
        )
        bulk = HttpLoop(bulk_requests(server, token, bettors, wagers))
        seconds = await bulk.run(server, 4)
        figures["bulk_wagers_per_s"] = wagers // BULK_LINES * BULK_LINES / seconds
    async with serving(serve_command(path, "process")) as server:
        token = await sign_in(server)
        load = HttpLoop(wager_requests(server, token, bettors, wagers))
        seconds = await load.run(server, CONNECTIONS)
        figures["process_wagers_per_s"] = wagers / seconds
        figures |= {f"process_{name}": value for name, value in latencies("answer", load.durations_ns).items()}
        bulk = HttpLoop(bulk_requests(server, token, bettors, wagers))
        seconds = await bulk.run(server, 4)
        figures["process_bulk_wagers_per_s"] = wagers // BULK_LINES * BULK_LINES / seconds
    async with serving([sys.executable, "-c", ECHO], one_core) as server:
        echoed = HttpLoop(wager_requests(server, "x", bettors, wagers))
        floor = wagers / await echoed.run(server, CONNECTIONS)
    return figures, {"wagers_per_s": floor}


def bulk_requests(server: Served, token: str, bettors: Bettors, wagers: int) -> list[bytes]:
    """Wagers in calls of BULK_LINES lines."""
    found: list[bytes] = []
    for _ in range(wagers // BULK_LINES):
        made = [bettors.request() for _ in range(BULK_LINES)]
        lines = [encode({"type": "PlaceWager", "id": one.id, "command": one.command}) for one in made]
        found.append(post(server, "/v1/commands", token, b"\n".join(lines), "application/x-ndjson"))
    return found


async def bench_idle(folder: Path, *, wagers: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor): one client, one wager at a time."""
    path = folder / "idle.db"
    await prepare(path, 100)
    bettors = Bettors(Maker(), 100, SEED)  # type: ignore[arg-type]
    found: dict[str, list[int]] = {}
    for committer in ("inline", "process"):
        async with serving(serve_command(path, committer)) as server:
            token = await sign_in(server)
            await HttpLoop(wager_requests(server, token, bettors, wagers // 4)).run(server, 1)
            load = HttpLoop(wager_requests(server, token, bettors, wagers))
            await load.run(server, 1)
            found[committer] = load.durations_ns
    async with serving([sys.executable, "-c", ECHO]) as server:
        echoed = HttpLoop(wager_requests(server, "x", bettors, wagers))
        await echoed.run(server, 1)
    figures = latencies("answer", found["process"])
    figures |= {f"inline_{name}": value for name, value in latencies("answer", found["inline"]).items()}
    return figures, {"answer_ms_p50": latencies("answer", echoed.durations_ns)["answer_ms_p50"]}


def echo() -> None:
    """A server that answers each request with its own body."""
    import uvicorn
    import uvloop

    from runline.gateway.server import listen

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = message["body"]
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def main() -> None:
        with listen("127.0.0.1", 0) as listening:
            config = uvicorn.Config(
                app, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None,
                server_header=False, date_header=False,
            )  # fmt: skip
            print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
            await uvicorn.Server(config).serve(sockets=[listening])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
