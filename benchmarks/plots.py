"""Plots of benchmarks/results.json, into benchmarks/plots: each figure beside its budget, latencies, overload, growth.

The same results give the same files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import msgspec
from matplotlib.figure import Figure
from run import BUDGETS, HERE

from runline.evaluate.bench.run import number

INTO = HERE / "plots"
MET, MISSED, INK = "#2a7f4f", "#c2571a", "#333"
FACTORS = ("0_5", "1", "2", "5", "10")
WAYS = ("players", "books", "levels", "events")

Results = dict[str, dict[str, float]]
"""The figures of each bench, its ratio among them."""

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "runline", "svg.fonttype": "none", "font.size": 9, "text.color": INK})


def read(path: Path) -> Results:
    """The results by bench."""
    found: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())
    return {one["name"]: one["figures"] | {"ratio": one["ratio"]} for one in found}


def canvas(height: float) -> tuple[Figure, Any]:
    """An empty figure of the usual width (inches) and its axes."""
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def budgets(results: Results) -> Figure:
    """Every figure as a multiple of its budget, so that all that is right of the line is met."""
    rows = [(name, *row) for name in BUDGETS if name in results for row in BUDGETS[name] if row[1] in results[name]]
    figure, axes = canvas(0.9 + 0.27 * len(rows))
    for place, (name, _, key, bound, budget) in enumerate(reversed(rows)):
        value = results[name][key]
        times = value / budget if bound == "at least" else budget / max(value, budget / 100)
        met = times >= 1
        axes.plot([1, times], [place, place], color=MET if met else MISSED, linewidth=2)
        axes.plot(times, place, "o" if met else "X", color=MET if met else MISSED, markersize=6)
        words = f"{number(value)} ({bound} {number(budget)})"
        axes.annotate(words, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [f"{name}: {what}" for name, what, *_ in reversed(rows)], fontsize=8)
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(0.3, 120)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel("times better than its budget (● met, ✕ missed)")
    return figure


def latency(results: Results) -> Figure:
    """Latencies of all benches: p50, p99 and p99.9."""
    rows = [
        (f"{name}: {key.removesuffix('_ms_p50').replace('_', ' ')}", [figures[f"{key[:-3]}{end}"] for end in ENDS])
        for name, figures in results.items()
        for key in figures
        if key.endswith("_ms_p50") and all(f"{key[:-3]}{end}" in figures for end in ENDS)
    ]
    figure, axes = canvas(0.9 + 0.24 * len(rows))
    for place, (_, found) in enumerate(reversed(rows)):
        p50, p99, most = (max(value, 0.01) for value in found)
        axes.plot([p50, most], [place, place], color="#888", linewidth=1.5, zorder=1)
        for value, mark, colour in ((p50, "o", MET), (p99, "D", "#3b6fb6"), (most, "|", INK)):
            axes.plot(value, place, mark, color=colour, markersize=6, zorder=2)
    axes.set_yticks(range(len(rows)), [words for words, _ in reversed(rows)], fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("ms (● p50, ◆ p99, | p99.9)")
    axes.grid(axis="x", color="#ddd")
    return figure


ENDS = ("p50", "p99", "p99_9")


def overload(results: Results) -> Figure | None:
    """What is accepted, and how late, as more and more is offered; None if it was not measured."""
    figures = results.get("overload", {})
    if any(f"at_{factor}x_offered_per_s" not in figures for factor in FACTORS):
        return None

    def column(name: str) -> list[float]:
        return [figures[f"at_{factor}x_{name}"] for factor in FACTORS]

    offered = column("offered_per_s")
    figure, axes = canvas(3.2)
    axes.plot(offered, column("accepted_per_s"), "o-", color=MET)
    axes.set_xscale("log")
    axes.set_xticks(offered, [f"{value / 1_000:,.0f}" for value in offered])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("offered, thousand wagers/s (half, once, twice, 5 and 10 times the peak)")
    axes.set_ylabel("accepted/s", color=MET)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    beside = axes.twinx()
    beside.plot(offered, column("answer_ms_p99"), "D--", color=MISSED)
    beside.set_ylim(bottom=0)
    beside.set_ylabel("answer p99, ms", color=MISSED)
    beside.spines["top"].set_visible(False)
    return figure


def growth(results: Results) -> Figure | None:
    """What a wager costs in the large world, as a multiple of the small one; None if it was not measured."""
    figures = results.get("growth")
    if figures is None:
        return None
    figure, axes = canvas(2.4)
    for place, way in enumerate(reversed(WAYS)):
        core, whole = figures[f"{way}_core_x"], figures[f"{way}_end_to_end_x"]
        axes.plot([core, whole], [place, place], color="#bbb", linewidth=1.5, zorder=1)
        axes.plot(core, place, "o", color="#3b6fb6", markersize=8, zorder=2)
        axes.plot(whole, place, "D", color=MET, markersize=8, zorder=2)
    sizes = {
        "players": "players (1,000 before)",
        "books": "books (1)",
        "levels": "levels (3)",
        "events": "events (10,000)",
    }
    axes.set_yticks(range(len(WAYS)), [f"{number(figures[way])} {sizes[way]}" for way in reversed(WAYS)])
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xlim(left=0)
    axes.set_ylim(-0.5, len(WAYS) - 0.5)
    axes.set_xlabel("times as much as in the small world (● decide and evolve, ◆ durable wager)")
    return figure


DRAWN: dict[str, Callable[[Results], Figure | None]] = {
    "budgets": budgets,
    "latency": latency,
    "overload": overload,
    "growth": growth,
}


def main() -> None:
    results = read(HERE / "results.json")
    INTO.mkdir(exist_ok=True)
    for name, draw in DRAWN.items():
        figure = draw(results)
        if figure is not None:
            path = INTO / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
            path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
            print(f"written: {path}")


if __name__ == "__main__":
    main()
