"""Operators: the people behind the book. Now and then they suspend a game and reopen it, move a line, change credit, void.

Rule: they act as users of their own, and take back only what they did themselves, as long as it stands as they left it: what
somebody who looks at the demo closes stays closed, and a line that they move stays where they moved it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from itertools import cycle, islice
from random import Random

from runline.demo.clock import time_of_day
from runline.demo.people import People, Seat
from runline.demo.terminal import Terminal
from runline.domain.accounts import AdjustCredit
from runline.domain.catalog import Fixture
from runline.domain.lines import MoveLine
from runline.domain.messages import Command
from runline.domain.money import format_money
from runline.domain.points import format_points
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.engine.bus import Bus
from runline.engine.ports import Clock
from runline.engine.requests import Accepted, Refused, Request

ACTIONS_PER_S = 3.0
"""How often they act in a real second."""

SUSPENDED_S_MAX = 1.5
"""How long a suspension lasts at most, in real seconds."""

OFFSETS_QUARTERS = (-2, 2)
CENTS = (-10, -5, 5, 10)
TICKETS_LOOKED_AT = 200
"""Tickets of a game among which one to be voided is looked for."""

VIEWERS_SHARE = 0.3
"""The share of credit changes that a sub-agent tries, who may not."""


class Operators:
    """The staff of the demo's books.

    outcomes: `changed`, `unchanged`, or the code of a refusal -> how many. last: what was done last, in words.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        terminal: Terminal,
        people: Sequence[People],
        seed: int,
        actions_per_s: float = ACTIONS_PER_S,
    ) -> None:
        self.actions_per_s = actions_per_s
        self.bus = bus
        self.clock = clock
        self.terminal = terminal
        self.people = people
        self.random = Random(seed)
        self.outcomes: Counter[str] = Counter()
        self.last = ""
        self.moved: dict[tuple[str, str], int] = {}
        """(book, market) -> the position at which one of them has moved its line."""

    async def run(self) -> None:
        """Act until cancelled."""
        actions: tuple[Callable[[People], Coroutine[None, None, None]], ...] = (
            self.suspend,
            self.credit,
            self.offset,
            self.void,
        )
        async with asyncio.TaskGroup() as group:
            for action in cycle(actions):
                await asyncio.sleep(self.random.expovariate(self.actions_per_s))
                group.create_task(action(self.random.choice(self.people)))

    async def act(
        self, book: str, user: str, command: Command, words: str, if_position: int | None = None
    ) -> Accepted | None:
        """Send a command and remember what became of it. Returns what has changed, None if nothing did."""
        outcome = await self.bus.send_one(Request(book, self.bus.new_id(), user, command, if_position=if_position))
        if isinstance(outcome, Refused):
            self.outcomes[outcome.code] += 1
            words += f": refused, {outcome.code}"
        else:
            self.outcomes["changed" if outcome.events else "unchanged"] += 1
        self.last = f"{time_of_day(self.clock.now_ns())}  {book}: {user} {words}"
        return outcome if isinstance(outcome, Accepted) and outcome.events else None

    def coming(self) -> Fixture | None:
        """One of the next games."""
        fixtures = [
            fixture for fixture in self.terminal.house.catalog.fixtures.values() if fixture.status == "scheduled"
        ]
        fixtures.sort(key=lambda fixture: fixture.start_ns)
        return self.random.choice(fixtures[:4]) if fixtures else None

    async def suspend(self, people: People) -> None:
        """Close a game, and open it again a little later: if it was open, and nobody has touched its layer since."""
        fixture = self.coming()
        if fixture is None:
            return
        close = Suspend("fixture", fixture.name, "news about a player")
        closed = await self.act(people.book, people.desk, close, f"suspended {fixture.rotation} {fixture.away}")
        if closed is None:
            return
        await asyncio.sleep(self.random.uniform(0.2, SUSPENDED_S_MAX))
        reopen = Reopen("fixture", fixture.name, "the news is out")
        words = f"reopened {fixture.rotation} {fixture.away}"
        await self.act(people.book, people.desk, reopen, words, if_position=closed.position)

    async def offset(self, people: People) -> None:
        """Depart from the house's line in a market that follows it, or follow it again where one of them departed."""
        fixture = self.coming()
        if fixture is None:
            return
        kind = self.random.choice(("moneyline", "total"))
        market = f"{fixture.name}:game:{kind}"
        if market not in self.terminal.house.catalog.markets:
            return
        left = self.moved.pop((people.book, market), None)
        if left is not None:
            move, words = MoveLine(market, "follow", reason="balanced"), "follows the house again"
        elif market in self.terminal.books[people.book].lines.by_market:
            return
        elif kind == "total":
            quarters = self.random.choice(OFFSETS_QUARTERS)
            move = MoveLine(market, "offset", offset_quarters=quarters, reason="too much on one side")
            words = f"{format_points(quarters, signed=True)} on the house"
        else:
            cents = self.random.choice(CENTS)
            move = MoveLine(market, "offset", offset_cents=cents, reason="early money")
            words = f"{cents:+d} cents on the house"
        moved = await self.act(
            people.book, people.desk, move, f"{kind} of {fixture.rotation} {words}", if_position=left
        )
        if moved is not None and move.mode == "offset":
            self.moved[people.book, market] = moved.position

    async def credit(self, people: People) -> None:
        """Raise or lower a player's credit by a quarter; sometimes someone tries who may not."""
        viewing = people.sub_agents and self.random.random() < VIEWERS_SHARE
        trying = people.sub_agents if viewing else people.agents
        seat: Seat = self.random.choice(trying)
        number = self.random.choice(seat.players)
        before = self.terminal.books[people.book].tree.players[number].credit_limit_minor
        after = before * self.random.choice((3, 5)) // 4 // 100 * 100
        change = AdjustCredit(number, after, "weekly review")
        await self.act(people.book, seat.clerk, change, f"credit of {number} to {format_money(after)}")

    async def void(self, people: People) -> None:
        """Void an open ticket of an agent's player, if it is still as the agent sees it."""
        book = self.terminal.books[people.book]
        if not book.tickets.open_on:
            return
        seat = self.random.choice(people.agents)
        numbers = book.tickets.open_on[self.random.choice(list(book.tickets.open_on))]
        looked_at = [book.tickets.by_number[number] for number in islice(numbers, TICKETS_LOOKED_AT)]
        mine = [wager for wager in looked_at if wager.player in seat.players]
        if not mine:
            return
        wager = self.random.choice(mine)
        void = VoidWager(wager.number, "written twice")
        words = f"voided ticket {wager.number:,} of {wager.player}, {format_money(wager.risk_minor)}"
        await self.act(people.book, seat.clerk, void, words, if_position=book.seq)
