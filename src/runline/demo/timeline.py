"""Timeline: how many wagers came over the day, and how long each waited until it was durable; as text and as a picture."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from runline.demo.clock import time_of_day, zone_at
from runline.demo.day import Day
from runline.engine.probes import Histogram

BINS = 60
BLOCKS = "▁▂▃▄▅▆▇█"

WIDTH, HEIGHT, LEFT, TOP, BETWEEN = 860, 130, 70, 40, 40


class Stretch(msgspec.Struct, frozen=True):
    """A part of the day, as it was. per_s: wagers answered in a real second. p50_ms, p99_ms: from due to durable."""

    name: str
    wagers: int
    per_s: float
    p50_ms: float
    p99_ms: float


class Timeline:
    """The wagers of a day in BINS equal parts. Durations count from when a wager was due (open loop) to its answer.

    speed: the day's time to real time. figures: how long each agent waited for the figures, in nanoseconds.
    """

    def __init__(self, day: Day, speed: float) -> None:
        self.day = day
        self.speed = speed
        self.bins = [Histogram() for _ in range(BINS)]
        self.stretches: dict[str, Histogram] = {name: Histogram() for name, _, _ in self.parts()}
        self.figures = Histogram()

    @property
    def bin_s(self) -> float:
        """How long a part is, in real seconds."""
        return (self.day.end_ns - self.day.origin_ns) / BINS / 1e9 / self.speed

    def parts(self) -> list[tuple[str, int, int]]:
        """The day's parts that have names: (name, from, until)."""
        day, rush = self.day, self.day.rush
        if rush is None:
            return [("the day", day.origin_ns, day.end_ns)]
        first = min(game.final_ns for game in day.games if game.final_ns is not None)
        return [
            ("before the rush", day.origin_ns, rush.from_ns),
            ("the last five minutes", rush.from_ns, rush.until_ns),
            ("after the kick-off", rush.until_ns, first),
            ("while the results settle", first, day.end_ns),
        ]

    def add(self, at_ns: int, duration_ns: int) -> None:
        """Count a wager that was due at a time of the day."""
        day = self.day
        place = (at_ns - day.origin_ns) * BINS // (day.end_ns - day.origin_ns)
        if 0 <= place < BINS:
            self.bins[place].add(duration_ns)
        for name, from_ns, until_ns in self.parts():
            if from_ns <= at_ns < until_ns:
                self.stretches[name].add(duration_ns)

    def table(self) -> list[Stretch]:
        """The parts that have names, as they were."""
        return [
            Stretch(
                name,
                found.count,
                found.count / ((until_ns - from_ns) / 1e9 / self.speed),
                found.percentile_ms(50),
                found.percentile_ms(99),
            )
            for name, from_ns, until_ns in self.parts()
            if (found := self.stretches[name]).count
        ]

    def rates(self) -> list[float]:
        """Wagers in a real second, by bin."""
        return [one.count / self.bin_s for one in self.bins]

    def percentiles(self, percent: float) -> list[float]:
        """Milliseconds, by bin."""
        return [one.percentile_ms(percent) for one in self.bins]


def spark(values: list[float]) -> str:
    """A line of blocks, as high as the values; what is zero stays blank."""
    most = max(values, default=0.0)
    if not most:
        return " " * len(values)
    last = len(BLOCKS) - 1
    return "".join(BLOCKS[round(value / most * last)] if value else " " for value in values)


def show_timeline(console: Console, timeline: Timeline) -> None:
    """The day in three lines of blocks, and a row for each part that has a name."""
    rows = (
        ("wagers/s", timeline.rates(), "{:,.0f}"),
        ("p50 ms", timeline.percentiles(50), "{:.1f}"),
        ("p99 ms", timeline.percentiles(99), "{:.1f}"),
    )
    for name, values, form in rows:
        console.print(
            f"{name:<9}{spark(values)}  at most {form.format(max(values))}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    day = timeline.day
    begin, end = time_of_day(day.origin_ns), time_of_day(day.end_ns)
    console.print(f"{'':<9}{begin}{end:>{BINS - len(begin)}} {zone_at(day.end_ns)}", style="dim", highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0), header_style="dim")
    table.add_column("to durable")
    for heading in ("wagers", "wagers/s", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for part in timeline.table():
        table.add_row(part.name, f"{part.wagers:,}", f"{part.per_s:,.0f}", f"{part.p50_ms:.1f}", f"{part.p99_ms:.1f}")
    console.print(table)
    if timeline.figures.count:
        longest = timeline.figures.max_ns / 1e6
        console.print(
            f"{timeline.figures.count} agents opened their figures at once: p50 {timeline.figures.percentile_ms(50):.1f} ms, "
            f"the last after {longest:.1f} ms.",
            highlight=False,
        )


def write_picture(timeline: Timeline, path: Path) -> None:
    """The day as an SVG: wagers a second above, the time to durable below (p50 and p99)."""
    day = timeline.day
    rates, p50, p99 = timeline.rates(), timeline.percentiles(50), timeline.percentiles(99)
    height = TOP + 2 * (HEIGHT + BETWEEN)
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{day.title()}</text>',
    ]
    body += panel(TOP, "wagers/s", [("#3b6fb6", rates)], marks=marks_of(day), bars=True)
    for words, mark in zip(("rush", "kick-off", "results"), marks_of(day), strict=False):
        x = LEFT + mark * (WIDTH - LEFT - 20)
        body.append(f'<text x="{x:.1f}" y="{TOP - 4}" text-anchor="middle" fill="#555">{words}</text>')
    below = TOP + HEIGHT + BETWEEN
    body += panel(below, "to durable, ms", [("#c2571a", p99), ("#2a7f4f", p50)], marks=marks_of(day))
    body += [
        f'<text x="{WIDTH - 60}" y="{below - 4}" text-anchor="end" fill="#c2571a">p99</text>',
        f'<text x="{WIDTH - 20}" y="{below - 4}" text-anchor="end" fill="#2a7f4f">p50</text>',
        f'<text x="{LEFT}" y="{height - 12}">{time_of_day(day.origin_ns)}</text>',
        f'<text x="{WIDTH - 20}" y="{height - 12}" text-anchor="end">{time_of_day(day.end_ns)} {zone_at(day.end_ns)}</text>',
        "</svg>",
    ]
    path.write_text("\n".join(body) + "\n", encoding="utf-8")


def marks_of(day: Day) -> list[float]:
    """Where the rush begins and ends, and where each result comes, as parts of the day."""
    span = day.end_ns - day.origin_ns
    if day.rush is None:
        return []
    times = [day.rush.from_ns, day.rush.until_ns, *(game.final_ns for game in day.games if game.final_ns is not None)]
    return [(at_ns - day.origin_ns) / span for at_ns in times]


def panel(
    top: int, label: str, series: list[tuple[str, list[float]]], *, marks: list[float], bars: bool = False
) -> list[str]:
    """One diagram: its axis from zero to the most, its marks, and its bars or lines."""
    most = max((max(values) for _, values in series), default=0.0) or 1.0
    width = WIDTH - LEFT - 20
    bottom = top + HEIGHT
    body = [
        f'<text x="{LEFT - 8}" y="{top + 10}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{LEFT - 8}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{LEFT}" y="{top - 4}" fill="#555">{label}</text>',
        f'<path d="M{LEFT} {top}V{bottom}H{LEFT + width}" fill="none" stroke="#888"/>',
    ]
    for mark in marks:
        x = LEFT + mark * width
        body.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="#bbb" stroke-dasharray="3 3"/>')
    for colour, values in series:
        points = [(LEFT + place / BINS * width, bottom - value / most * HEIGHT) for place, value in enumerate(values)]
        if bars:
            body += [
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width / BINS - 1:.1f}" height="{bottom - y:.1f}" fill="{colour}"/>'
                for x, y in points
            ]
        else:
            line = " ".join(f"{x + width / BINS / 2:.1f},{y:.1f}" for x, y in points)
            body.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return body
