"""Terminal: what someone sees who follows the live log. House and books, folded from their events by the domain's own rules.

Nothing of it is read from the engine: bettors read their prices from it, the summary its figures, and at the end it must agree
with the books themselves.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from runline.domain.book import Book
from runline.domain.execution import follow
from runline.domain.house import House
from runline.domain.messages import HOUSE
from runline.domain.posted import LinePosted
from runline.domain.tickets import Ticket, WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.subscription import Committed

EVENTS_AT_ONCE = 32
"""Events folded before the loop goes on to other things: the engine runs on the same one."""

Offered = tuple[int | None, tuple[str, ...]]
"""A market's line (home handicap or total, in quarter points) and the prices of its sides."""


class Figures(msgspec.Struct):
    """A book's figures since its start, in minor units.

    wagers: tickets written. handle_minor: what was wagered, without what was voided.
    settled_minor: the part of the handle that is settled. net_win_minor: what the book has won on it.
    """

    wagers: int = 0
    voided: int = 0
    handle_minor: int = 0
    settled_minor: int = 0
    net_win_minor: int = 0

    @property
    def hold(self) -> float | None:
        """Net win on settled handle; open wagers never count."""
        return self.net_win_minor / self.settled_minor if self.settled_minor else None

    def count(self, wager: Ticket, sign: int) -> None:
        """Count a wager's outcome (1), or stop counting it (-1). A ticket without action is no handle."""
        if wager.status == "void" or wager.result == "void":
            self.voided += sign
            self.handle_minor -= sign * wager.risk_minor
            return
        self.settled_minor += sign * wager.risk_minor
        self.net_win_minor += sign * (wager.risk_minor - (wager.returned_minor or 0))


class Terminal:
    """House and books as the live log shows them."""

    def __init__(self, vocabulary: Vocabulary, books: Iterable[str]) -> None:
        self.house = House(vocabulary)
        self.books = {name: Book(name, vocabulary) for name in books}
        self.figures = {name: Figures() for name in self.books}
        self.earlier: dict[str, Offered] = {}
        """The line before the one that stands, by market: what a stale screen still shows."""

    @property
    def streams(self) -> dict[str, House | Book]:
        """What is followed, by the name of the stream."""
        return {HOUSE: self.house, **self.books}

    async def is_current(self, engine: Engine) -> bool:
        """Whether everything that has happened is on the terminal."""
        for stream, state in self.streams.items():
            position, _ = await engine.query(stream, lambda _: None)
            if state.seq < position:
                return False
        return True

    async def follow(self, bus: Bus, stream: str) -> None:
        """Fold what is not folded yet of a stream, from its first event on, until cancelled."""
        async for happened in bus.follow(stream, self.streams[stream].seq):
            for committed in happened:
                if stream == HOUSE:
                    self.take_house(committed)
                else:
                    self.take_book(committed)
                if committed.seq % EVENTS_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def take_house(self, committed: Committed) -> None:
        house, event = self.house, committed.event
        if isinstance(event, LinePosted) and event.market in house.catalog.markets:
            market = house.catalog.markets[event.market]
            self.earlier[market.name] = (market.line_quarters, market.prices)
        follow(house, event, committed.seq, committed.at_ns)

    def take_book(self, committed: Committed) -> None:
        book, event = self.books[committed.stream], committed.event
        figures = self.figures[committed.stream]
        if isinstance(event, WagerReversed):
            figures.count(book.tickets.by_number[event.wager], -1)
        follow(book, event, committed.seq, committed.at_ns)
        if isinstance(event, WagerPlaced):
            figures.wagers += 1
            figures.handle_minor += event.risk_minor
        elif isinstance(event, WagerSettled | WagerVoided):
            figures.count(book.tickets.by_number[event.wager], 1)
            if isinstance(event, WagerSettled):
                book.tickets.evict(book.seq)
