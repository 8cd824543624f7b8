"""What if: what a score would make of the wagers on a game, ticket by ticket."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from runline.domain.catalog import Fixture
from runline.domain.catalog import Result as FixtureResult
from runline.domain.grading import NotGradable, Result, Score, SelectionInvalid, grade
from runline.domain.house import BookListing
from runline.domain.legs import Ending, Leg
from runline.domain.messages import Rejected, lacking
from runline.domain.money import Rounding
from runline.domain.official import LeagueRules
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Page
from runline.domain.queries.pages import page_of
from runline.domain.queries.what_if import BookMoney, MarketMoney, ResultMoneyAsked, WhatIfAsked
from runline.domain.settings import BookSettings
from runline.domain.tickets import Ticket
from runline.engine.ports import Snapshot, Wanted
from runline.reads.explaining import rules_at
from runline.reads.limits import OPEN_TICKETS_MAX, WHOLE_TICKETS_MAX
from runline.reads.seen import SeenSnapshot

COLUMNS = ("market", "side", "line_quarters", "risk_minor", "win_minor", "more")


class Outcome(NamedTuple):
    """What becomes of a ticket. now, then: what comes back as it is settled, and by the score; None while it is open."""

    market: str
    risk_minor: int
    now: int | None
    then: int | None


class Scored:
    """What a score makes of selections on a game. Each is graded once."""

    def __init__(self, fixture: str, rules: LeagueRules, score: Score) -> None:
        self.fixture = fixture
        self.rules = rules
        self.score = score
        self.known: dict[tuple[str, str, int | None], Result | None] = {}

    def of(self, market: str, side: str, line_quarters: int | None) -> Result | None:
        """How a selection ends; None if the score does not say."""
        selection = (market, side, line_quarters)
        if selection not in self.known:
            _, period, kind = market.rsplit(":", 2)
            try:
                self.known[selection] = grade(self.rules, kind, period, side, line_quarters, self.score)
            except (NotGradable, SelectionInvalid):
                self.known[selection] = None
        return self.known[selection]

    def ending(self, leg: Leg) -> Ending | None:
        """How a leg ends: one on another game, or one that was voided, as it has."""
        if leg.fixture != self.fixture or (leg.ended is not None and leg.ended.voided):
            return leg.ended
        result = self.of(leg.market, leg.side, leg.line_quarters)
        return Ending(result) if result is not None else None


def outcomes(
    seen: SeenSnapshot,
    book: Snapshot,
    scored: Scored,
    status: str,
    agents: Collection[str] | None = None,
    player: str = "",
) -> Iterator[Outcome]:
    """What becomes of the tickets on the game that are open, or settled. Raises Rejected `too_many`."""
    fields = {"status": status, "fixture": scored.fixture} | ({"player": player} if player else {})
    wanted = Wanted(fields, agents=agents, ascending=True)
    beside = COLUMNS if status == "open" else (*COLUMNS, "returned_minor")
    rounding = rounding_of(book)
    whole: list[int] = []
    count = 0
    while True:
        found = book.find(Ticket, wanted, OPEN_TICKETS_MAX, *beside)
        count += len(found.numbers)
        if count > OPEN_TICKETS_MAX or (found.goes_on and count == OPEN_TICKETS_MAX):
            raise Rejected("too_many", "There are too many tickets on this game.", most=OPEN_TICKETS_MAX)
        for number, market, side, line, risk_minor, win_minor, more, *now in found.numbers:
            result = scored.of(market, side, line) if more is None else None
            if more is not None or result in ("half_won", "half_lost"):
                whole.append(number)
                if len(whole) > WHOLE_TICKETS_MAX:
                    raise Rejected("too_many", "There are too many tickets on this game.", most=WHOLE_TICKETS_MAX)
            else:
                back = {"won": risk_minor + win_minor, "lost": 0, None: None}.get(result, risk_minor)
                yield Outcome(market, risk_minor, now[0] if now else None, back)
        if not found.goes_on:
            break
        wanted = Wanted(wanted.fields, agents=wanted.agents, above=found.goes_on, ascending=True)
    for ticket in book.rows(Ticket, whole):
        endings = [scored.ending(leg) for leg in ticket.legs]
        market = next(leg.market for leg in ticket.legs if leg.fixture == scored.fixture)
        known = [ending for ending in endings if ending is not None]
        back = seen.vocabulary.pays[ticket.kind](ticket, known, rounding)[1] if len(known) == len(endings) else None
        yield Outcome(market, ticket.risk_minor, ticket.returned_minor, back)


def summed(found: Iterable[Outcome]) -> dict[str, list[int]]:
    """(wagers, waiting, risk, returned, what the book wins) by market; of tickets of which something changes."""
    sums: dict[str, list[int]] = {}
    for market, risk_minor, now, then in found:
        total = sums.setdefault(market, [0, 0, 0, 0, 0])
        if then is None:
            total[1] += 1
        elif then != now:
            total[0] += 1
            total[2] += risk_minor
            total[3] += then
        kept, keeps = (risk_minor - now if now is not None else 0), (risk_minor - then if then is not None else 0)
        total[4] += keeps - kept
    return sums


def rounding_of(book: Snapshot) -> Rounding:
    """How a book rounds."""
    settings = book.row(BookSettings, book.stream)
    return settings.rounding if settings is not None else Rounding()


def what_if_page(seen: SeenSnapshot, asked: WhatIfAsked) -> Page:
    """What a score would make of the open tickets on a game, by market. Raises Rejected."""
    within, _ = seen.part_of(asked.node, asked.player)
    game = seen.house.row(Fixture, asked.fixture)
    if game is None:
        return Page([])
    scored = Scored(game.name, rules_at(seen, game, seen.house.position), Score(asked.home, asked.away))
    sums = summed(outcomes(seen, seen.snapshot, scored, "open", within, asked.player))
    rows = (MarketMoney(market, *sums[market]) for market in sorted(sums) if market > asked.after)
    return page_of(rows, asked, lambda row: row.market)


def result_money_page(seen: SeenSnapshot, asked: ResultMoneyAsked) -> Page:
    """What the score that was entered would make of each book's tickets on the game. Raises Rejected."""
    if not seen.audience.may(Permission.RESULT_CONFIRM):
        raise lacking(Permission.RESULT_CONFIRM)
    game, result = seen.house.row(Fixture, asked.fixture), seen.house.row(FixtureResult, asked.fixture)
    if game is None or result is None or result.entered is None:
        return Page([])
    scored = Scored(game.name, rules_at(seen, game, seen.house.position), result.entered)

    looked = 0

    def tickets(book: Snapshot) -> Iterator[Outcome]:
        nonlocal looked
        for status in ("open", "settled"):
            for one in outcomes(seen, book, scored, status):
                looked += 1
                yield one

    names = (one.name for one in seen.snapshot.named(BookListing, "", {}) if one is not None)
    items: list[BookMoney] = []
    for name in (name for name in names if name > asked.after):
        if len(items) == asked.limit or looked >= OPEN_TICKETS_MAX:
            return Page(items, items[-1].book)
        sums = summed(tickets(seen.snapshot.of_stream(name))).values()
        totals: Any = [sum(column) for column in zip(*sums, strict=True)] or [0] * 5
        items.append(BookMoney(name, *totals))
    return Page(items)
