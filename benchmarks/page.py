"""The console in a headless Chromium, at its ticker: painted frames beside an idle page under load and while rows of history are
scrolled, the time from an event to the frame that paints it, and the heap over many events.

python benchmarks/page.py [--events 100000] [--rate 1000] [--rows 10000]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import ARGUMENTS, Demo, Seat, browser_path  # noqa: E402

FRAMES = """(seconds) => new Promise((done) => {
  let frames = 0;
  const began = performance.now();
  const step = (now) => {
    frames += 1;
    if (now - began < seconds * 1000) requestAnimationFrame(step);
    else done(frames / ((now - began) / 1000));
  };
  requestAnimationFrame(step);
})"""
SCROLLED = """(seconds) => new Promise((done) => {
  const scroller = document.querySelector('.list .scroll');
  let frames = 0, down = true;
  const began = performance.now();
  const step = (now) => {
    frames += 1;
    // As far as there are rows and back again, some screens a second: further rows are fetched on the way.
    const end = scroller.scrollHeight - scroller.clientHeight;
    if (scroller.scrollTop >= end - 1) down = false;
    if (scroller.scrollTop <= 60) down = true;
    scroller.scrollTop += down ? 60 : -60;
    if (now - began < seconds * 1000) requestAnimationFrame(step);
    else done(frames / ((now - began) / 1000));
  };
  requestAnimationFrame(step);
})"""
"""Frames a second while the ticker is scrolled."""

DOWN = """(rows) => new Promise((done) => {
  const scroller = document.querySelector('.list .scroll');
  const count = () => Number(scroller.querySelector('table').ariaRowCount) - 1;
  let before = 0, since = performance.now();
  const step = (now) => {
    if (count() !== before) [before, since] = [count(), now];
    scroller.scrollTop = scroller.scrollHeight;
    // Where there is no more for so long, history has no more.
    if (before >= rows || now - since > 10_000) done(before);
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
"""Scroll down until so many rows are there; returns how many are."""

PAINTED = """(seconds) => new Promise((done) => {
  const painted = [];
  const mark = document.querySelector('[data-position]');
  let last = mark.dataset.position;
  const began = performance.now();
  const step = (now) => {
    // What stands there as a frame begins was drawn by the one before at the latest.
    if (mark.dataset.position !== last) {
      last = mark.dataset.position;
      painted.push([Number(last), performance.timeOrigin + performance.now()]);
    }
    if (now - began < seconds * 1000) requestAnimationFrame(step);
    else done(painted);
  };
  requestAnimationFrame(step);
})"""
"""(position, milliseconds since 1970) of each frame by which something new is on the page."""

AGES = """async (painted) => {
  const ages = [];
  for (const [position, atMs] of painted) {
    const { items } = await (await fetch(`/v1/log?after=${position + 1}&limit=1`)).json();
    if (items[0]?.seq === position) ages.push(atMs - items[0].at_ns / 1e6);
  }
  return ages;
}"""
"""How old the event at each position was by then. The engine and the browser have one clock here."""

POSITION = "() => Number(document.querySelector('[data-position]').dataset.position)"
SECONDS = 10
SAMPLES = 300
"""Frames whose newest event is looked up in the log: each is a question of its own."""

LIVE_ROWS_MAX = 1_000
"""Rows that the ticker keeps while it runs (`LIVE_ROWS` in its tape)."""

ROWS = "() => Number(document.querySelector('.list table').ariaRowCount) - 1"


class Costs(msgspec.Struct, frozen=True):
    """What the page's thread has spent: milliseconds of its CPU time, and how often it has laid out."""

    script: float
    layout: float
    style: float
    all: float
    layouts: float

    def since(self, before: "Costs") -> "Costs":
        """What was spent between."""
        mine, then = msgspec.structs.astuple(self), msgspec.structs.astuple(before)
        return Costs(*(now - was for now, was in zip(mine, then, strict=True)))

    def over(self, times: float) -> "Costs":
        """What one of so many has taken."""
        return Costs(*(one / times for one in msgspec.structs.astuple(self)))

    def words(self) -> str:
        """As it is printed."""
        return (
            f"{self.all:.1f} ms of CPU: script {self.script:.1f}, layout {self.layout:.1f} in {self.layouts:.1f},"
            f" styles {self.style:.1f}"
        )


class Meter:
    """Measures what a page spends, by its debugger's own figures. CPU time: what else runs on the machine does not count."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def metrics(self) -> dict[str, float]:
        """All figures."""
        return {one["name"]: float(one["value"]) for one in self.session.send("Performance.getMetrics")["metrics"]}

    def read(self) -> Costs:
        """What was spent since the meter began."""
        found = self.metrics()
        script, layout, style, every = (
            found[f"{name}Duration"] * 1_000 for name in ("Script", "Layout", "RecalcStyle", "Task")
        )
        return Costs(script, layout, style, every, found["LayoutCount"])

    def heap_mb(self) -> float:
        """What is in use after a collection."""
        self.session.send("HeapProfiler.collectGarbage")
        return self.metrics()["JSHeapUsedSize"] / 2**20


def painted_ages(page: Page) -> list[float]:
    """The age of the newest event in frames that painted one, in milliseconds, the oldest last."""
    painted = page.evaluate(PAINTED, SECONDS)
    return sorted(page.evaluate(AGES, painted[:: max(len(painted) // SAMPLES, 1)]))


def live(page: Page) -> None:
    """Nobody points at the list, and it is at its newest rows."""
    page.mouse.move(1, 1)
    page.get_by_role("button", name="Pause", exact=True).or_(page.get_by_role("button", name="Resume")).wait_for()
    if page.get_by_role("button", name="Resume").is_visible():
        page.get_by_role("button", name="Resume").click()
        page.mouse.move(1, 1)


def paced(page: Page, meter: Meter, script: str) -> tuple[float, Costs]:
    """Frames a second while a script runs, and what one of them costs."""
    before = meter.read()
    frames = page.evaluate(script, SECONDS)
    return frames, meter.read().since(before).over(frames * SECONDS)


def scroll(page: Page, meter: Meter, rows: int, idle_frames: float) -> None:
    """Read so many rows of history, then go up and down in them; meanwhile wagers come as before."""
    found = page.evaluate(DOWN, rows)
    frames, spent = paced(page, meter, SCROLLED)
    print(f"{found:,} rows scrolled: {frames:.1f} frames/s, ratio {frames / idle_frames:.2f}; a frame {spent.words()}")
    live(page)


def grow(page: Page, meter: Meter, first: int, events: int) -> None:
    """Follow until so many events have come; the heap on the way, and how many rows are kept."""
    seen = 0
    while seen < events:
        seen = page.evaluate(POSITION) - first
        rows = page.evaluate(ROWS)
        if rows > LIVE_ROWS_MAX:
            raise SystemExit(f"the ticker keeps {rows:,} rows, {LIVE_ROWS_MAX:,} at most are meant")
        print(f"after {seen:>8,} events: heap {meter.heap_mb():.1f} MB, {rows:,} rows")
        page.wait_for_timeout(5_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        idle = Demo(Path(temporary) / "idle", "--for", "60m", "--rate", "0.01")
        seat = Seat(browser, idle).sign_in("harbor.owner").room("Ticker")
        idle_frames = seat.page.evaluate(FRAMES, SECONDS)
        seat.close()
        idle.stop()
        loaded = Demo(Path(temporary) / "loaded", "--for", "60m", "--rate", str(asked.rate))
        seat = Seat(browser, loaded).sign_in("harbor.owner").room("Ticker")
        page = seat.page
        meter = Meter(page)
        live(page)
        began, first = time.monotonic(), page.evaluate(POSITION)
        frames, spent = paced(page, meter, FRAMES)
        rate = (page.evaluate(POSITION) - first) / (time.monotonic() - began)
        print(
            f"idle {idle_frames:.1f} frames/s; at {rate:,.0f} events/s {frames:.1f} frames/s, ratio {frames / idle_frames:.2f};"
            f" a frame {spent.words()}"
        )
        ages = painted_ages(page)
        print(
            f"event to pixels, {len(ages)} frames: p50 {ages[len(ages) // 2]:.0f} ms, p99 {ages[len(ages) * 99 // 100]:.0f} ms"
        )
        grow(page, meter, first, max(asked.events, asked.rows))
        scroll(page, meter, asked.rows, idle_frames)
        seat.close()
        loaded.stop()
        browser.close()


if __name__ == "__main__":
    main()
