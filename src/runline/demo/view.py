"""View: the running day in the terminal, redrawn in place; or, where the output is not a terminal, a line now and then."""

import asyncio

from rich.console import Console
from rich.live import Live
from rich.text import Text

from runline.demo.clock import time_of_day, zone_at
from runline.demo.summary import Rate, Running, hold_text, largest_exposure, open_wagers
from runline.domain.money import format_money

REDRAW_S = 0.5
"""Seconds between two drawings; drawing takes the engine's loop, so it is rare and cheap."""

LINE_S_MIN, LINE_S_MAX = 2.0, 10.0
LINES = 30
"""A day is told in about so many plain lines, but never more often than every LINE_S_MIN seconds or less than LINE_S_MAX."""

BAR_WIDTH = 24
CODES_SHOWN = 5


async def show(console: Console, running: Running, duration_s: float) -> None:
    """Show the day until cancelled."""
    if console.is_terminal:
        await redraw(console, running)
    else:
        await print_lines(console, running, min(max(LINE_S_MIN, duration_s / LINES), LINE_S_MAX))


async def redraw(console: Console, running: Running) -> None:
    """Draw the view again and again in the same place, the last state stays."""
    rate = Rate()
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        try:
            while True:
                live.update(drawing(running, rate), refresh=True)
                await asyncio.sleep(REDRAW_S)
        finally:
            live.update(drawing(running, rate), refresh=True)


async def print_lines(console: Console, running: Running, pause_s: float) -> None:
    """Print a line, wait, and so on."""
    rate = Rate()
    rate.per_s(0)
    while True:
        await asyncio.sleep(pause_s)
        console.print(line(running, rate), soft_wrap=True, highlight=False, markup=False)


def drawing(running: Running, rate: Rate) -> Text:
    """The view: time, wagers, refusals, latency, then a row for each book, then what the staff did last."""
    probes, terminal = running.probes, running.terminal
    tried = running.bettors.accepted + running.bettors.refused.total()
    games = running.games()
    passed = running.passed()
    done = round(BAR_WIDTH * passed)
    text = Text(no_wrap=True, overflow="ellipsis")
    now_ns = running.clock.now_ns()
    text.append(f"{time_of_day(now_ns):>13} {zone_at(now_ns)}  ", "bold")
    text.append("━" * done, "green")
    text.append("━" * (BAR_WIDTH - done), "bright_black")
    text.append(f" {100 * passed:3.0f} %   ")
    text.append(f"{games['scheduled']} to come · {games['closed']} live · {games['final']} final\n\n")
    row(text, "wagers", f"{rate.per_s(tried):,.0f}/s   {running.bettors.accepted:,} accepted   ")
    text.append(f"{running.bettors.refused.total():,} refused   {running.bettors.in_flight:,} in flight\n")
    common = running.bettors.refused.most_common(CODES_SHOWN)
    row(text, "refused", " · ".join(f"{code} {number:,}" for code, number in common) or "–", "\n")
    commit, answer = probes.commit, probes.answer
    row(text, "latency", f"commit p50 {commit.percentile_ms(50):.1f} p99 {commit.percentile_ms(99):.1f} ms   ")
    text.append(f"answer p50 {answer.percentile_ms(50):.1f} p99 {answer.percentile_ms(99):.1f} ms\n\n")
    text.append(
        f"  {'book':<8}{'wagers':>7}{'open':>7}{'handle':>13}{'settled':>13}{'hold':>9}   largest exposure\n", "dim"
    )
    for name, book in terminal.books.items():
        figures = terminal.figures[name]
        worst = largest_exposure(terminal.house, book)
        text.append(f"  {name:<8}", "bold")
        text.append(f"{figures.wagers:>7,}{open_wagers(book):>7,}{money(figures.handle_minor):>13}")
        text.append(f"{money(figures.settled_minor):>13}{hold_text(figures):>9}   ")
        text.append(f"{money(worst.minor)}  {worst.case}\n" if worst else "–\n")
    text.append("\n")
    row(text, "staff", running.operators.last or "–")
    return text


def row(text: Text, label: str, words: str, end: str = "") -> None:
    text.append(f"  {label:<9}", "dim")
    text.append(words + end)


def line(running: Running, rate: Rate) -> str:
    """The same in one line, in short."""
    probes, terminal, bettors = running.probes, running.terminal, running.bettors
    tried = bettors.accepted + bettors.refused.total()
    now_ns = running.clock.now_ns()
    games = running.games()
    waiting = sum(map(open_wagers, terminal.books.values()))
    exposures = [worst.minor for book in terminal.books.values() if (worst := largest_exposure(terminal.house, book))]
    holds = " ".join(f"{name} {hold_text(figures)}" for name, figures in terminal.figures.items())
    return (
        f"{time_of_day(now_ns):>13} {zone_at(now_ns)} {100 * running.passed():3.0f} %"
        f"  games {games['closed']} live {games['final']} final"
        f"  wagers {rate.per_s(tried):,.0f}/s accepted {bettors.accepted:,} refused {bettors.refused.total():,}"
        f" open {waiting:,}"
        f"  commit p50 {probes.commit.percentile_ms(50):.1f} p99 {probes.commit.percentile_ms(99):.1f} ms"
        f"  answer p50 {probes.answer.percentile_ms(50):.1f} p99 {probes.answer.percentile_ms(99):.1f} ms"
        f"  exposure {money(max(exposures, default=0))}  hold {holds}"
    )


def money(minor: int) -> str:
    """An amount with thousands marked: 1,234.50."""
    whole, cents = format_money(minor).split(".")
    return f"{int(whole):,}.{cents}" if abs(minor) >= 100_00 else f"{whole}.{cents}"
