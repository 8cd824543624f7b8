"""Summary: the day's state in a few lines, for the live view and for the plain lines of a log."""

import time
from collections import Counter, deque

import msgspec

from runline.demo.bettors import Bettors
from runline.demo.clock import DayClock
from runline.demo.day import Day
from runline.demo.operators import Operators
from runline.demo.people import People
from runline.demo.terminal import Figures, Terminal
from runline.demo.timeline import Timeline
from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.outcomes import NOTHING
from runline.engine.probes import Probes
from runline.feeds.replay import Replay

RATE_OVER_S = 2.0
"""Over how long a rate is taken."""

RUN_LINE = "run line"
"""What baseball calls its spread."""


class Exposure(msgspec.Struct, frozen=True):
    """What a book loses by the worst case of a market, and that case in words."""

    minor: int
    case: str


class Running(msgspec.Struct, frozen=True):
    """Everything of a running demo that a summary reads."""

    day: Day
    clock: DayClock
    people: list[People]
    probes: Probes
    terminal: Terminal
    feed: Replay
    bettors: Bettors
    operators: Operators
    timeline: Timeline

    def passed(self) -> float:
        """The part of the day that is over, from 0 to 1."""
        day = self.day
        return min((self.clock.now_ns() - day.origin_ns) / (day.end_ns - day.origin_ns), 1.0)

    def games(self) -> Counter[str]:
        """Games by status: scheduled, closed (live), final."""
        return Counter(fixture.status for fixture in self.terminal.house.catalog.fixtures.values())


def largest_exposure(house: House, book: Book) -> Exposure | None:
    """The market by whose worst case a book would lose the most; None if it would lose by none."""
    worst, name = NOTHING, ""
    for market in book.risk.stands():
        case = book.risk.exposure(market).worst
        if case.exposure_minor > worst.exposure_minor:
            worst, name = case, market
    if not name:
        return None
    fixture_name, _, kind = name.rsplit(":", 2)
    fixture = house.catalog.fixtures[fixture_name]
    label = RUN_LINE if (fixture.sport, kind) == ("baseball", "spread") else kind
    return Exposure(worst.exposure_minor, f"{fixture.rotation} {fixture.away} {label}, {worst.outcome}")


def open_wagers(book: Book) -> int:
    """How many wagers are open."""
    return sum(map(len, book.tickets.open_on.values()))


def hold_text(figures: Figures) -> str:
    """The hold in per cent, or a dash before anything is settled."""
    # Adding zero takes the sign off a minus zero.
    return "–" if figures.hold is None else f"{round(100 * figures.hold, 1) + 0.0:+.1f} %"


class Rate:
    """How fast a count grows, over the last RATE_OVER_S seconds."""

    def __init__(self) -> None:
        self.points: deque[tuple[float, int]] = deque()

    def per_s(self, number: int) -> float:
        """The rate, now that the count is `number`."""
        now_s = time.perf_counter()
        self.points.append((now_s, number))
        while len(self.points) > 2 and self.points[1][0] <= now_s - RATE_OVER_S:
            self.points.popleft()
        since_s, before = self.points[0]
        return (number - before) / (now_s - since_s) if now_s > since_s else 0.0
