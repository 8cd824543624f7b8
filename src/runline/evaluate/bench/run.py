"""Run the benches, show what they found, and write it down."""

import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from runline.bootstrap import run
from runline.evaluate.bench.both import bench_both
from runline.evaluate.bench.catalogue import bench_catalogue
from runline.evaluate.bench.core import bench_core
from runline.evaluate.bench.engine import bench_engine
from runline.evaluate.bench.faults import bench_faults
from runline.evaluate.bench.gateways import bench_gateways
from runline.evaluate.bench.growth import bench_growth
from runline.evaluate.bench.house import bench_house
from runline.evaluate.bench.http import bench_http, bench_idle
from runline.evaluate.bench.hubs import bench_hubs
from runline.evaluate.bench.overload import bench_overload
from runline.evaluate.bench.pages import bench_pages
from runline.evaluate.bench.recover import bench_recover
from runline.evaluate.bench.result import BenchResult, this_machine
from runline.evaluate.bench.settle import bench_settle
from runline.evaluate.bench.stream import bench_reconnect, bench_stream

Measured = tuple[dict[str, float], dict[str, float]]


def run_core(folder: Path, quick: bool) -> Measured:
    return run(lambda: bench_core(folder, wagers=5_000 if quick else 200_000))


def run_engine(folder: Path, quick: bool) -> Measured:
    wagers, open_s = (4_000, 0.5) if quick else (200_000, 8.0)
    return with_both_committers(
        lambda committer: run(lambda: bench_engine(folder, wagers=wagers, open_s=open_s, committer=committer))
    )


def run_settle(folder: Path, quick: bool) -> Measured:
    wagers = 2_000 if quick else 100_000
    return with_both_committers(
        lambda committer: run(lambda: bench_settle(folder, wagers=wagers, rate_per_s=1_000, committer=committer))
    )


def run_recover(folder: Path, quick: bool) -> Measured:
    players, open_wagers, events = (500, 500, 4_000) if quick else (100_000, 100_000, 1_000_000)
    return run(lambda: bench_recover(folder, players=players, open_wagers=open_wagers, events=events))


def run_http(folder: Path, quick: bool) -> Measured:
    return run(lambda: bench_http(folder, wagers=2_000 if quick else 50_000))


def run_idle(folder: Path, quick: bool) -> Measured:
    return run(lambda: bench_idle(folder, wagers=100 if quick else 3_000))


def run_gateways(folder: Path, quick: bool) -> Measured:
    wagers, turns = (1_000, 1) if quick else (20_000, 5)
    return run(lambda: bench_gateways(folder, wagers=wagers, turns=turns))


def run_stream(folder: Path, quick: bool) -> Measured:
    screens, rate_per_s, many, many_per_s, seconds = (
        (50, 200, 100, 50, 1.0) if quick else (1_000, 1_000, 5_000, 100, 8.0)
    )
    return run(
        lambda: bench_stream(
            folder, screens=screens, rate_per_s=rate_per_s, many=many, many_per_s=many_per_s, seconds=seconds
        )
    )


def run_reconnect(folder: Path, quick: bool) -> Measured:
    return run(lambda: bench_reconnect(folder, screens=50 if quick else 1_000))


def run_hubs(folder: Path, quick: bool) -> Measured:
    books, moves = (20, 200) if quick else (1_000, 10_000)
    return run(lambda: bench_hubs(folder, books=books, moves=moves))


def run_catalogue(folder: Path, quick: bool) -> Measured:
    games, audiences, suspensions = (50, 3, 20) if quick else (5_000, 50, 100)
    return run(
        lambda: bench_catalogue(folder, games=games, open_games=16, audiences=audiences, suspensions=suspensions)
    )


def run_both(folder: Path, quick: bool) -> Measured:
    screens, rate_per_s, watched_per_s, seconds = (50, 500, 100, 1.0) if quick else (1_000, 4_000, 200, 8.0)
    return run(
        lambda: bench_both(folder, screens=screens, rate_per_s=rate_per_s, watched_per_s=watched_per_s, seconds=seconds)
    )


def run_house(folder: Path, quick: bool) -> Measured:
    books, moves = (20, 200) if quick else (1_000, 5_000)
    return run(lambda: bench_house(folder, books=books, moves=moves))


def run_overload(folder: Path, quick: bool) -> Measured:
    wagers, seconds = (2_000, 0.5) if quick else (200_000, 10.0)
    return run(lambda: bench_overload(folder, wagers=wagers, seconds=seconds))


def run_growth(folder: Path, quick: bool) -> Measured:
    if quick:
        return run(
            lambda: bench_growth(folder, players=(100, 1_000), books=10, levels=5, events=(2_000, 4_000), wagers=1_000)
        )
    return run(
        lambda: bench_growth(
            folder, players=(1_000, 1_000_000), books=1_000, levels=12, events=(10_000, 10_000_000), wagers=20_000
        )
    )


def run_faults(folder: Path, quick: bool) -> Measured:
    readers, open_wagers, slow_s, seconds = (20, 2_000, 1.0, 0.5) if quick else (400, 50_000, 60.0, 8.0)
    return run(lambda: bench_faults(folder, readers=readers, open_wagers=open_wagers, slow_s=slow_s, seconds=seconds))


def run_pages(folder: Path, quick: bool) -> Measured:
    return run(lambda: bench_pages(folder, players=1_000 if quick else 100_000))


def with_both_committers(measure: Callable[[str], Measured]) -> Measured:
    """The committer process's figures and floor, and beside them those of the inline committer, named `inline_…`."""
    figures, floor = measure("process")
    inline, inline_floor = measure("inline")
    figures |= {f"inline_{name}": value for name, value in inline.items()}
    return figures | {"inline_ratio": ratio_of(inline, inline_floor)}, floor


BENCHES: dict[str, Callable[[Path, bool], Measured]] = {
    "core": run_core,
    "engine": run_engine,
    "settle": run_settle,
    "recover": run_recover,
    "http": run_http,
    "idle": run_idle,
    "gateways": run_gateways,
    "stream": run_stream,
    "reconnect": run_reconnect,
    "hubs": run_hubs,
    "catalogue": run_catalogue,
    "both": run_both,
    "house": run_house,
    "overload": run_overload,
    "growth": run_growth,
    "faults": run_faults,
    "pages": run_pages,
}

LESS_IS_BETTER = ("_us", "_s", "_ms_p50", "_ms_p99", "_ms_max")


def ratio_of(figures: dict[str, float], floor: dict[str, float]) -> float:
    """How near the figure comes to the floor: 1 is as fast. A rate is divided by the floor's, a time divides the floor's."""
    ((name, least),) = floor.items()
    is_time = name.endswith(LESS_IS_BETTER) and not name.endswith("_per_s")
    return least / figures[name] if is_time else figures[name] / least


def run_benches(names: Sequence[str], json: Path | None, *, quick: bool, folder: Path | None) -> int:
    """`runline bench`: run, show, write. Returns the exit code."""
    console = Console()
    machine = this_machine()
    console.print(
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, Linux {machine.kernel}, "
        f"Python {machine.python}, SQLite {machine.sqlite}. {machine.fsync}.",
        highlight=False,
    )
    results: list[BenchResult] = []
    command = "runline " + shlex.join(sys.argv[1:])
    for name in names:
        with (
            console.status(f"bench {name}"),
            tempfile.TemporaryDirectory(prefix="runline-bench-", dir=folder) as temporary,
        ):
            figures, floor = BENCHES[name](Path(temporary), quick)
        date = datetime.now(UTC).strftime("%Y-%m-%d")
        results.append(BenchResult(name, figures, floor, ratio_of(figures, floor), machine, command, date))
        show(console, results[-1])
    if json is not None:
        written = msgspec.json.encode(results[0] if len(results) == 1 else results)
        json.write_bytes(msgspec.json.format(written, indent=2) + b"\n")
    return 0


def show(console: Console, result: BenchResult) -> None:
    """One bench's figures as a table."""
    table = Table(title=result.name, title_justify="left", box=None, show_header=False)
    for name, value in result.figures.items():
        table.add_row(name, number(value))
    for name, value in result.floor.items():
        table.add_row(f"floor {name}", number(value))
    table.add_row("ratio to the floor", f"{result.ratio:.2f}")
    console.print(table)


def number(value: float) -> str:
    """A figure with as many digits as it is worth."""
    return f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:.3g}"
