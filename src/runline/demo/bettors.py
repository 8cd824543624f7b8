"""Bettors: simulated players, who wager at the prices they see.

Open loop: when a wager comes does not depend on how the last one was answered. Their choices follow from a seed; what they see,
and so what becomes of it, is the day's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Literal

import msgspec

from runline.demo.day import Rush
from runline.demo.people import People
from runline.demo.terminal import Offered, Terminal
from runline.domain.accounts import available_minor
from runline.domain.book import Book
from runline.domain.catalog import Fixture, Market, side_line
from runline.domain.context import Context
from runline.domain.grading import SIDES
from runline.domain.hierarchy import Player
from runline.domain.messages import Rejected
from runline.domain.money import Rounding
from runline.domain.odds import parse_price, risk_to_win
from runline.domain.placing import OddsChange, PlaceWager, begin, market_open
from runline.domain.tickets import Basis, WagerPlaced
from runline.engine.bus import Bus
from runline.engine.ports import Clock
from runline.engine.requests import Accepted, Outcome, Refused, Request

IN_FLIGHT_MAX = 2_000
"""Wagers without an answer; beyond it bettors wait, and those who would have come meanwhile stay away."""

SEND_MAX = 64
"""Wagers in one send, so that making them never keeps the loop long."""

Temper = Literal["attentive", "inattentive", "stale", "greedy", "late"]
"""attentive: sees the price and what is closed. inattentive: overlooks a suspension. stale: still has the line before.
greedy: beyond their credit. late: tries a game that has started."""

TEMPERS: tuple[Temper, ...] = ("attentive", "inattentive", "stale", "greedy", "late")
TEMPER_WEIGHTS = (88.0, 6.0, 4.0, 1.0, 1.0)

KINDS = ("moneyline", "spread", "total")
KIND_WEIGHTS = (45, 25, 30)

AMOUNTS_MINOR = (5_00, 10_00, 15_00, 20_00, 25_00, 30_00, 50_00, 75_00, 100_00, 150_00, 200_00, 300_00, 500_00)
AMOUNT_WEIGHTS = (10, 18, 8, 16, 14, 6, 12, 4, 7, 2, 2, 0.6, 0.4)

BASES: tuple[Basis, ...] = ("risk", "base", "to_win")
BASIS_WEIGHTS = (60, 30, 10)

POLICIES: tuple[OddsChange, ...] = ("exact", "accept_better", "accept_any")
POLICY_WEIGHTS = (55, 35, 10)

PARTIAL_SHARE = 0.05
"""The share of wagers that may be cut to what is allowed."""

HOUR_NS = 3_600 * 10**9
SOON_HOURS = 0.5
"""A game's weight is one over the hours until its start, and this."""

ROUNDING = Rounding()


class Slip(msgspec.Struct, frozen=True):
    """An accepted wager: by which command, in which book, with which number and risk."""

    command: str
    book: str
    number: int
    risk_minor: int


class Bettors:
    """All players of the demo's books.

    rate_per_s: wagers tried in a real second, as a Poisson process; rush: when it is a multiple of that. hour_ns: what an hour
    before a start is to them. answered_ns: takes the day's time at which a wager was due, and how long its answer took from then.
    accepted, refused: what became of their wagers, by code. kept_away: stayed away because too much was in flight.
    largest: the largest ticket.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        terminal: Terminal,
        people: Sequence[People],
        rate_per_s: float,
        seed: int,
        hour_ns: int = HOUR_NS,
        rush: Rush | None = None,
        answered_ns: Callable[[int, int], None] | None = None,
    ) -> None:
        self.hour_ns = hour_ns
        self.rush = rush
        self.answered_ns = answered_ns
        self.bus = bus
        self.clock = clock
        self.terminal = terminal
        self.rate_per_s = rate_per_s
        self.random = Random(seed)
        self.players = [(one.book, player) for one in people for player in one.players]
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        self.kept_away = 0
        self.largest: Slip | None = None
        self.in_flight = 0
        self.sending: set[asyncio.Task[None]] = set()
        self.coming: list[Fixture] = []
        self.weights: list[float] = []
        self.started: list[Fixture] = []

    async def run(self) -> None:
        """Wager until cancelled; then wait for the answers."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self.random.expovariate(self.rate_now)
        try:
            while True:
                self.look()
                requests: list[Request] = []
                dues_s: list[float] = []
                while due_s <= loop.time() and len(requests) < SEND_MAX:
                    was_due_s = due_s
                    due_s += self.random.expovariate(self.rate_now)
                    if self.in_flight + len(requests) >= IN_FLIGHT_MAX:
                        self.kept_away += 1
                        due_s = max(due_s, loop.time())
                        break
                    request = self.request()
                    if request is not None:
                        requests.append(request)
                        dues_s.append(was_due_s)
                if requests:
                    self.send(requests, dues_s)
                await asyncio.sleep(max(due_s - loop.time(), 0.0))
        finally:
            if self.sending:
                await asyncio.wait(self.sending)

    @property
    def rate_now(self) -> float:
        """Wagers tried in a real second, at this time of the day."""
        rush = self.rush
        if rush is not None and rush.from_ns <= self.clock.now_ns() < rush.until_ns:
            return self.rate_per_s * rush.factor
        return self.rate_per_s

    def send(self, requests: list[Request], dues_s: list[float]) -> None:
        """Send wagers without waiting for their answers."""
        self.in_flight += len(requests)
        task = asyncio.create_task(self.answered(requests, dues_s, self.clock.now_ns()))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def answered(self, requests: list[Request], dues_s: list[float], at_ns: int) -> None:
        outcomes = await self.bus.send(requests)
        self.in_flight -= len(requests)
        if self.answered_ns is not None:
            now_s = asyncio.get_running_loop().time()
            for due_s in dues_s:
                self.answered_ns(at_ns, int((now_s - due_s) * 1e9))
        for request, outcome in zip(requests, outcomes, strict=True):
            self.count(request, outcome)

    def count(self, request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self.refused[outcome.code] += 1
        elif isinstance(outcome, Accepted):
            self.accepted += 1
            for event in outcome.events:
                if isinstance(event, WagerPlaced) and (
                    self.largest is None or event.risk_minor > self.largest.risk_minor
                ):
                    self.largest = Slip(request.id, request.stream, event.wager, event.risk_minor)

    # Choosing

    def look(self) -> None:
        """See which games are to come, the next ones first in everyone's mind, and which have started."""
        now_ns = self.clock.now_ns()
        self.coming, self.weights, self.started = [], [], []
        for fixture in self.terminal.house.catalog.fixtures.values():
            if fixture.status == "scheduled" and now_ns < fixture.start_ns:
                self.coming.append(fixture)
                self.weights.append(1 / (SOON_HOURS + (fixture.start_ns - now_ns) / self.hour_ns))
            elif fixture.status == "closed":
                self.started.append(fixture)
        self.weights = list(accumulate(self.weights))

    def request(self) -> Request | None:
        """A wager that someone has in mind, or None if they find nothing to wager on."""
        random = self.random
        temper = random.choices(TEMPERS, TEMPER_WEIGHTS)[0]
        fixture = self.fixture(temper)
        if fixture is None:
            return None
        stream, number = random.choice(self.players)
        book = self.terminal.books[stream]
        kind = random.choices(KINDS, KIND_WEIGHTS)[0]
        market = self.terminal.house.catalog.markets.get(f"{fixture.name}:game:{kind}")
        if market is None:
            return None
        side = random.choice(SIDES[kind])
        player = book.tree.players[number]
        line = self.seen(temper, book, market, player, side)
        if line is None:
            return None
        price = line[1][SIDES[kind].index(side)]
        amount_minor, basis = self.amount(temper, book, player, price)
        command = PlaceWager(
            number,
            market.name,
            side,
            side_line(kind, side, line[0]),
            price,
            amount_minor,
            basis,
            random.choices(POLICIES, POLICY_WEIGHTS)[0] if temper != "stale" else "exact",
            temper != "greedy" and random.random() < PARTIAL_SHARE,
        )
        return Request(stream, self.bus.new_id(), number, command)

    def fixture(self, temper: Temper) -> Fixture | None:
        if temper == "late":
            return self.random.choice(self.started) if self.started else None
        if not self.coming:
            return None
        return self.random.choices(self.coming, cum_weights=self.weights)[0]

    def seen(self, temper: Temper, book: Book, market: Market, player: Player, side: str) -> Offered | None:
        """The line on this player's screen, or None if they see that there is none to be had."""
        if temper == "stale":
            return self.terminal.earlier.get(market.name)
        try:
            if temper in ("attentive", "greedy"):
                asked = PlaceWager(player.number, market.name, side, None, "", 0)
                user, house = book.access.users[player.number], self.terminal.house
                market_open(begin(book, asked, Context(self.clock.now_ns(), user, "", house, 0)))
            offer = book.lines.offer(market)
        except Rejected:
            return None
        return offer.line_quarters, offer.prices

    def amount(self, temper: Temper, book: Book, player: Player, price: str) -> tuple[int, Basis]:
        """How much, and what it means: a typical amount, or what the credit still bears."""
        random = self.random
        available = available_minor(book, player, self.clock.now_ns())
        if temper == "greedy":
            return max(available, 0) // 100_00 * 100_00 + random.randint(1, 5) * 100_00, "risk"
        amount = random.choices(AMOUNTS_MINOR, AMOUNT_WEIGHTS)[0]
        basis = random.choices(BASES, BASIS_WEIGHTS)[0]
        parsed = parse_price(price)
        to_win = basis == "to_win" or (basis == "base" and parsed.favourite)
        risk = risk_to_win(parsed, amount, ROUNDING) if to_win else amount
        if risk <= available:
            return amount, basis
        return max(available // AMOUNTS_MINOR[0] * AMOUNTS_MINOR[0], AMOUNTS_MINOR[0]), "risk"
