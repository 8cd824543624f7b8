"""The console in a headless Chromium: painted frames under load beside an idle page, and the heap over many events.

python benchmarks/page.py [--events 100000] [--rate 1000]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

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
POSITION = "() => Number(document.querySelector('[data-position]').dataset.position)"
SECONDS = 10


def heap_mb(page: Page) -> float:
    """What is in use after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["JSHeapUsedSize"]) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=1_000)
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
        began, first = time.monotonic(), page.evaluate(POSITION)
        frames = page.evaluate(FRAMES, SECONDS)
        rate = (page.evaluate(POSITION) - first) / (time.monotonic() - began)
        print(
            f"idle {idle_frames:.1f} frames/s; at {rate:,.0f} events/s {frames:.1f} frames/s, ratio {frames / idle_frames:.2f}"
        )
        marks: list[tuple[int, float]] = []
        while (seen := page.evaluate(POSITION) - first) < asked.events:
            marks.append((seen, heap_mb(page)))
            page.wait_for_timeout(5_000)
        marks.append((seen, heap_mb(page)))
        for count, used in marks:
            print(f"after {count:>8,} events: heap {used:.1f} MB")
        seat.close()
        loaded.stop()
        browser.close()


if __name__ == "__main__":
    main()
