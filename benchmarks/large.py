"""The console over a large book beside one of the demo's size, each served by `runline serve`: what a room's first image costs,
what a room costs while wagers come, and what it costs to scroll 10,000 rows of history while nothing else happens.

python benchmarks/large.py [--players 20000] [--games 500] [--tickets 100000] [--rate 50]

Milliseconds of CPU are of the page's thread (scripts, layout, styles, all tasks): what else runs on the machine does not count.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from page import DOWN, FRAMES, SCROLLED, Costs, Meter, paced  # noqa: E402
from tests.e2e.conftest import ARGUMENTS, browser_path  # noqa: E402

from runline.bootstrap import open_store, run, running_engine  # noqa: E402
from runline.config import StoreSettings  # noqa: E402
from runline.domain.board import PostLines  # noqa: E402
from runline.domain.fixtures import CreateFixture  # noqa: E402
from runline.domain.messages import HOUSE, Command  # noqa: E402
from runline.evaluate.bench.http import Maker  # noqa: E402
from runline.evaluate.bench.load import (  # noqa: E402
    BOOK,
    FIXTURES,
    HOUR_NS,
    LINES,
    OWNER,
    Bettors,
    ClosedLoop,
    fixture_name,
    send_all,
    set_up,
)
from runline.evaluate.bench.served import (  # noqa: E402
    PASSWORD,
    OpenHttpLoop,
    Served,
    give_password,
    serve_command,
    sign_in,
    wager_requests,
)

SEED = 41
IN_FLIGHT = 512
ROOMS = {
    "Board": ".room tbody[data-fixture]",
    "Risk": "[data-table=risk] tbody tr[aria-rowindex]",
    "Ticker": ".list tbody tr[aria-rowindex]",
    "Figures": ".room tbody th[scope=row]",
    "People": "[data-table=people] tbody tr[aria-rowindex]",
    "Log": "[data-table=log] tbody tr[aria-rowindex]",
}
"""The rooms, and what is there once their first image is."""

SECONDS = 5
HISTORY_ROWS = 10_000

SHOWN = """([room, found]) => new Promise((done) => {
  const began = performance.now();
  [...document.querySelectorAll('nav a')].find((one) => one.textContent.trim() === room).click();
  const look = () => {
    // What is there in one frame is painted before the next.
    if (document.querySelector(found)) requestAnimationFrame(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  look();
})"""
"""Milliseconds from a click on a room to the frame behind the one that has its first rows."""


class Size(msgspec.Struct, frozen=True):
    """How large a book is."""

    players: int
    games: int
    tickets: int


DEMO = Size(players=500, games=20, tickets=2_000)


async def fill(path: Path, size: Size) -> None:
    """A house with so many games, a book with so many players and open tickets, and an owner who can sign in."""
    async with running_engine(open_store(StoreSettings(path, "inline"))) as (engine, bus):
        await set_up(bus, size.players)
        start_ns = time.time_ns() + 12 * HOUR_NS
        games: list[Command] = []
        for number in range(FIXTURES, size.games):
            name = fixture_name(number)
            games.append(CreateFixture(name, "MLB", 901 + 2 * number, f"Visitors {number}", f"Home {number}", start_ns))
            games.append(PostLines(name, 1, LINES))
        await send_all(bus, HOUSE, "platform", games)
        bettors = Bettors(bus, size.players, SEED, fixtures=size.games)
        load = ClosedLoop(engine, [bettors.request() for _ in range(size.tickets)], IN_FLIGHT)
        await load.run()
        if load.refused:
            raise RuntimeError(f"wagers were refused: {load.refused}")
        await give_password(engine, bus, BOOK, OWNER)


async def fill_all(books: list[tuple[str, Path, Size]]) -> None:
    """Make all books."""
    for _, path, size in books:
        await fill(path, size)


@contextmanager
def wagering(server: Served, size: Size, rate: float) -> Iterator[None]:
    """So many wagers a second meanwhile, by players all over the book."""
    ended = threading.Event()

    async def place() -> None:
        token = await sign_in(server)
        bettors = Bettors(Maker(), size.players, SEED + 1, fixtures=size.games)  # type: ignore[arg-type]
        loop = OpenHttpLoop(server)
        await loop.connect()
        while not ended.is_set():
            loop.send(time.perf_counter_ns(), wager_requests(server, token, bettors, 1)[0])
            await asyncio.sleep(1 / rate)
        await loop.finish()
        loop.close()

    thread = threading.Thread(target=lambda: asyncio.run(place()))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def opened(browser: Browser, server: Served) -> Page:
    """The console, live."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce").new_page()
    page.set_default_timeout(60_000)
    page.goto(f"http://{server.address}/?book={BOOK}")
    page.fill("[name=user]", OWNER)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("[data-connection=live]")
    return page


def measure(browser: Browser, path: Path, name: str, size: Size, rate: float) -> None:
    """Walk through the rooms of a book, quiet and while wagers come; then scroll."""
    server = Served(serve_command(path, "process"), None)
    server.wait_until_ready()
    try:
        page = opened(browser, server)
        meter = Meter(page)
        idle = page.evaluate(FRAMES, SECONDS)
        for room, found in ROOMS.items():
            first_image(page, meter, room, found)
            # Now its code is here.
            shown_ms, first = first_image(page, meter, room, found)
            with wagering(server, size, rate):
                page.wait_for_timeout(1_000)
                before = meter.read()
                frames = page.evaluate(FRAMES, SECONDS)
                live = meter.read().since(before)
            print(
                f"{name} {room:8} first image {shown_ms:5.0f} ms ({first.words()}); at {rate:g} wagers/s"
                f" {frames:.1f} frames/s, ratio {frames / idle:.2f}, in a second {live.over(SECONDS).words()}",
                flush=True,
            )
        scroll(page, meter, server, name, idle)
    finally:
        server.stop()


def first_image(page: Page, meter: Meter, room: str, found: str) -> tuple[float, Costs]:
    """(milliseconds until a room has its first rows, what the page spent on them)."""
    page.evaluate("location.hash = '#/system'")
    page.wait_for_selector("main[aria-label=System]")
    before = meter.read()
    shown_ms = page.evaluate(SHOWN, [room, found])
    return shown_ms, meter.read().since(before)


def scroll(page: Page, meter: Meter, server: Served, name: str, idle: float) -> None:
    """Scroll history of the ticker while nothing happens."""
    page.goto(f"http://{server.address}/?book={BOOK}#/ticker")
    page.wait_for_selector(ROOMS["Ticker"])
    rows = page.evaluate(DOWN, HISTORY_ROWS)
    frames, spent = paced(page, meter, SCROLLED)
    print(
        f"{name} {rows:,} rows scrolled: {frames:.1f} frames/s, ratio {frames / idle:.2f}; a frame {spent.words()}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=20_000)
    parser.add_argument("--games", type=int, default=500)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=50)
    asked = parser.parse_args()
    large = Size(asked.players, asked.games, asked.tickets)
    with tempfile.TemporaryDirectory() as temporary:
        books = [(name, Path(temporary) / f"{name}.db", size) for name, size in (("usual", DEMO), ("large", large))]
        run(lambda: fill_all(books))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
            for name, path, size in books:
                measure(browser, path, name, size, asked.rate)
            browser.close()


if __name__ == "__main__":
    main()
