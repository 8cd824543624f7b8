"""Bench `gateways`: what it costs to have HTTP spoken by processes of their own, in turns with one process that does it all.

Floor: the CPU of a wager by one process.
"""

import os
import time
from pathlib import Path
from statistics import median

import msgspec

from runline.evaluate.bench.http import CONNECTIONS, PLAYERS, Maker
from runline.evaluate.bench.load import Bettors
from runline.evaluate.bench.result import latencies
from runline.evaluate.bench.served import HttpLoop, prepare, serve_command, serving, sign_in, wager_requests

GATEWAYS = 2


class Turn(msgspec.Struct):
    """What one turn has found. all_us, owner_us: the CPU of a wager in all processes of the server, in the engine's. busy:
    answers at 64 connections; alone: those of one client."""

    all_us: float
    owner_us: float
    busy: dict[str, float]
    alone: dict[str, float]


def family(process: int) -> list[int]:
    """A process and those that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in family(int(child)))]


def cpu_s(process: int) -> float:
    """The CPU time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(path: Path, gateways: int, wagers: int) -> Turn:
    """One turn: the same server with so many gateways."""
    bettors = Bettors(Maker(), PLAYERS, time.time_ns())  # type: ignore[arg-type]
    async with serving([*serve_command(path, "process"), "--gateways", str(gateways)]) as server:
        token = await sign_in(server)
        await HttpLoop(wager_requests(server, token, bettors, wagers // 4)).run(server, CONNECTIONS)
        requests = wager_requests(server, token, bettors, wagers)
        processes = family(server.child.pid)
        before_s = [cpu_s(process) for process in processes]
        busy = HttpLoop(requests)
        await busy.run(server, CONNECTIONS)
        spent_us = [
            (cpu_s(process) - before) / wagers * 1e6 for process, before in zip(processes, before_s, strict=True)
        ]
        alone = HttpLoop(wager_requests(server, token, bettors, wagers // 10))
        await alone.run(server, 1)
    named = latencies("answer", busy.durations_ns), latencies("answer", alone.durations_ns)
    return Turn(sum(spent_us), spent_us[0], *named)


async def bench_gateways(folder: Path, *, wagers: int, turns: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). cpu_x, owner_x: medians of the turns' ratios, with two gateways to without. alone_ms_p50,
    here_alone_ms_p50: one client, one wager at a time, with gateways and without."""
    path = folder / "gateways.db"
    await prepare(path, PLAYERS)
    here: list[Turn] = []
    beside: list[Turn] = []
    for _ in range(turns):
        here.append(await measure(path, 0, wagers))
        beside.append(await measure(path, GATEWAYS, wagers))
    pairs = list(zip(here, beside, strict=True))
    figures = {
        "cpu_us": median(turn.all_us for turn in beside),
        "cpu_x": median(there.all_us / one.all_us for one, there in pairs),
        "owner_x": median(there.owner_us / one.owner_us for one, there in pairs),
        "alone_ms_p50": median(turn.alone["answer_ms_p50"] for turn in beside),
        "here_alone_ms_p50": median(turn.alone["answer_ms_p50"] for turn in here),
        "answer_ms_p50": median(turn.busy["answer_ms_p50"] for turn in beside),
        "answer_ms_p99": median(turn.busy["answer_ms_p99"] for turn in beside),
        "here_answer_ms_p50": median(turn.busy["answer_ms_p50"] for turn in here),
        "here_answer_ms_p99": median(turn.busy["answer_ms_p99"] for turn in here),
        "gateways": float(GATEWAYS),
    }
    figures["more_ms_p50"] = max(figures["alone_ms_p50"] - figures["here_alone_ms_p50"], 0.0)
    return figures, {"cpu_us": median(turn.all_us for turn in here)}
