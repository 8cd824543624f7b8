"""Run benches (all, or those named) and write `benchmarks/results.json` and `RESULTS.md`: what was found, where and when."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from runline.evaluate.bench.run import BENCHES, number

HERE = Path(__file__).parent
REST_S = 5.0
PLOTS = ("budgets", "latency", "overload", "growth")

BUDGETS: dict[str, tuple[tuple[str, str, str, float], ...]] = {
    "core": (("decide and evolve a straight wager", "decide_and_evolve_us", "at most", 10),),
    "engine": (
        ("durable wagers/s, committer process, 512 in flight", "wagers_per_s", "at least", 40_000),
        ("durable wagers/s, committing inline, 512 in flight", "inline_wagers_per_s", "at least", 25_000),
        ("ratio to plain inserts of the same rows", "ratio", "at least", 0.45),
        ("rows a straight wager", "rows_per_wager", "at most", 3),
        ("longest stall of the event loop meanwhile, ms", "loop_stall_ms_max", "at most", 20),
    ),
    "settle": (
        ("seconds to settle 100,000 open wagers", "settled_s", "at most", 5),
        ("placing p99 meanwhile, ms, at 1,000/s", "placing_ms_p99", "at most", 100),
    ),
    "recover": (("seconds until the first wager is accepted", "ready_s", "at most", 2.5),),
    "http": (
        ("durable wagers/s over HTTP, 64 connections, the whole server on one core", "wagers_per_s", "at least", 8_000),
        ("answer p99, ms", "answer_ms_p99", "at most", 25),
        ("ratio to a bare echo on the same server", "ratio", "at least", 0.3),
        ("the same with the committer on the second core", "process_wagers_per_s", "at least", 10_000),
        ("durable wagers/s in calls of 500 lines, one core", "bulk_wagers_per_s", "at least", 20_000),
        ("the same with the committer on the second core", "process_bulk_wagers_per_s", "at least", 20_000),
    ),
    "idle": (("one client, idle: to durable, p50, ms", "answer_ms_p50", "at most", 1),),
    "gateways": (
        ("CPU of a wager over HTTP in all processes, with two gateways to without", "cpu_x", "at most", 1.1),
        ("of it in the engine's process, with two gateways to without", "owner_x", "at most", 0.65),
        ("one client: what two gateways add, p50, ms", "more_ms_p50", "at most", 0.3),
    ),
    "stream": (
        ("1,000 screens at 1,000 events/s: delivery p99, ms", "delivery_ms_p99", "at most", 50),
        ("delivered events a second of the server's CPU time, merged", "delivered_per_cpu_s", "at least", 1_000_000),
        ("5,000 screens at 100 events/s: delivery p99, ms", "many_delivery_ms_p99", "at most", 100),
        ("1,000 streams of one session cut after its end is answered, ms", "cut_ms_max", "at most", 50),
        ("one stream cut after the end of its session is answered, longest of 20, ms", "one_cut_ms_max", "at most", 10),
    ),
    "reconnect": (
        ("1,000 screens live again after kill -9, s", "live_s", "at most", 5),
        ("placing p99 meanwhile, ms", "placing_ms_p99", "at most", 100),
    ),
    "hubs": (
        ("1,000 books with a screen each live again, from when the server is ready, s", "live_s", "at most", 5),
        ("memory of all their hubs, MiB", "memory_mib", "at most", 200),
    ),
    "catalogue": (
        (
            "5,000 games that are over, 16 open: what a suspension costs for one audience, ms",
            "suspension_ms",
            "at most",
            2,
        ),
        ("the same for each further audience that sees the same rows, ms", "next_audience_ms", "at most", 0.5),
    ),
    "both": (
        (
            "4,000 wagers/s over HTTP beside 200 events/s to 1,000 screens: answer p99, ms",
            "answer_ms_p99",
            "at most",
            50,
        ),
        ("meanwhile delivery p99, ms", "delivery_ms_p99", "at most", 50),
    ),
    "house": (
        ("a house suspension until the last of 1,000 books has refused, ms", "last_refusal_ms_max", "at most", 50),
        ("cost of a house move with one book, as a share of that with 1,000 that follow", "ratio", "at least", 0.9),
    ),
    "overload": (
        ("accepted at 10 × capacity, as a share of the peak", "ratio", "at least", 0.9),
        ("meanwhile control commands durable, p99, ms", "control_ms_p99", "at most", 50),
        ("answers of wagers, p99, ms", "answer_ms_p99", "at most", 250),
        ("longest stall of the event loop, ms", "loop_stall_ms_max", "at most", 20),
    ),
    "growth": (
        ("decide and evolve with 1,000,000 players, as a multiple of 1,000", "players_core_x", "at most", 1.3),
        ("a durable wager with 1,000,000 players, as a multiple of 1,000", "players_end_to_end_x", "at most", 2),
        ("a durable wager in 1,000 books, as a multiple of one", "books_end_to_end_x", "at most", 2),
        ("a durable wager below 12 levels of agents, as a multiple of 3", "levels_end_to_end_x", "at most", 2),
        ("a durable wager after 10^7 events, as a multiple of 10^4", "events_end_to_end_x", "at most", 2),
        ("bytes of memory a player", "player_bytes", "at most", 1_024),
        ("bytes of memory an open wager", "open_wager_bytes", "at most", 1_536),
    ),
    "faults": (
        ("answers p99 beside 400 screens that read slowly or never, ms", "readers_answer_ms_p99", "at most", 50),
        ("answers p99 beside a client that floods, ms", "flood_answer_ms_p99", "at most", 50),
        ("answers p99 beside a new board of 5,040 selections, posted twice, ms", "board_answer_ms_p99", "at most", 100),
        ("answers p99 while 50,000 wagers of one player settle, ms", "one_player_answer_ms_p99", "at most", 100),
        ("answers p99 after a minute of syncs that take 200 ms, ms", "after_slow_disk_answer_ms_p99", "at most", 50),
    ),
    "pages": (
        (
            "100,000 players listed page by page: the loop's time for the dearest page, ms",
            "players_page_ms_max",
            "at most",
            2,
        ),
        ("the same of users, agents, games, roles and suspensions, ms", "page_ms_max", "at most", 2),
    ),
}


def measure(name: str) -> dict[str, Any]:
    """One bench, in a process of its own, when the disk has done with what the one before has left."""
    file = HERE / f"{name}.json"
    os.sync()
    time.sleep(REST_S)
    subprocess.run([sys.executable, "-m", "runline", "bench", name, "--json", file.name], check=True, cwd=HERE)
    found: dict[str, Any] = msgspec.json.decode(file.read_bytes())
    file.unlink()
    return found


def write(results: list[dict[str, Any]]) -> str:
    """RESULTS.md."""
    machine = results[0]["machine"]
    lines = [
        "# Results",
        "",
        "Written by `make bench`. Machines are noisy: read the ratios to the floor, which are taken within one run. What the",
        "floor of a bench is stands in its own part below; where it is the floor of another figure, the column is empty.",
        "",
        f"- date: {results[0]['date']}",
        f"- machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}",
        f"- Python {machine['python']}, SQLite {machine['sqlite']}",
        f"- fsync: {machine['fsync']}",
        "",
        "## Budgets",
        "",
        *(line for name in PLOTS for line in (f"![{name}](plots/{name}.svg)", "")),
        "| what | budget | found | of the budget | to the floor | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for result in results:
        figures = result["figures"] | {"ratio": result["ratio"]}
        for what, name, bound, budget in BUDGETS[result["name"]]:
            value = figures[name]
            met = value <= budget if bound == "at most" else value >= budget
            verdict = "met" if met else "**missed**"
            floor = f"{result['ratio']:.2f}" if name in result["floor"] else ""
            lines.append(
                f"| {what} | {bound} {number(budget)} | {number(value)} | {value / budget:.2f} | {floor} | {verdict} |"
            )
    for result in results:
        lines += [
            "",
            f"## {result['name']}",
            "",
            f"`{result['command']}`, {result['date']}",
            "",
            "| figure | |",
            "|---|---:|",
        ]
        lines += [f"| {name} | {number(value)} |" for name, value in result["figures"].items()]
        lines += [f"| floor: {name} | {number(value)} |" for name, value in result["floor"].items()]
        lines += [f"| ratio to the floor | {result['ratio']:.2f} |"]
    return "\n".join(lines) + "\n"


def ordered(known: dict[str, Any]) -> list[Any]:
    """The results in the order of the benches."""
    return [known[name] for name in BENCHES if name in known]


def main() -> None:
    recorded = HERE / "results.json"
    known: dict[str, Any] = {one["name"]: one for one in msgspec.json.decode(recorded.read_bytes())}
    for name in sys.argv[1:] or BENCHES:
        known[name] = measure(name)
        # After each, so that one that fails leaves the others' figures.
        recorded.write_bytes(msgspec.json.format(msgspec.json.encode(ordered(known)), indent=2) + b"\n")
    results = ordered(known)
    notes = HERE / "NOTES.md"
    (HERE / "RESULTS.md").write_text(write(results) + ("\n" + notes.read_text() if notes.exists() else ""))
    print(f"written: {HERE / 'RESULTS.md'}")


if __name__ == "__main__":
    main()
