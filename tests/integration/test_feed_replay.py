"""The season of 2016 as a feed, through the engine: what repeats itself, comes late or out of order, and what it pays.

The time is the tests' own: it stands still until they move it.
"""

import asyncio
import os
import time
from collections import Counter
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from runline.bootstrap import running_engine
from runline.domain.grading import SIDES
from runline.domain.guard import CHECKS, SetGuard
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.nodes import ROOT
from runline.domain.permissions import FEED_MAY, Permission
from runline.domain.placing import PlaceWager
from runline.domain.posted import LinePosted, LineWithdrawn
from runline.domain.prices import prices_of_record
from runline.domain.roles import SetRole
from runline.domain.tickets import Ticket, WagerSettled
from runline.domain.users import CreateUser
from runline.engine.requests import Accepted, Request
from runline.feeds import mlb2016
from runline.feeds.replay import Replay, create_fixtures, post_lines
from runline.store.memory import MemoryStore

DATA = Path(__file__).parents[2] / "data" / "mlb"
FEED = "feed"
BOOK = "book"
REPEATS = 67_811
LATE = 39
LATE_REPEATS = 38
FIRST_OFFERS_NOTHING = 359
"""Games whose first line has no market at all."""

STAKE_MINOR = 100_00
CREDIT_MINOR = 10**12


class ManualClock:
    """The tests' time. The engine looks at it whenever there is something to do."""

    def __init__(self, now_ns):
        self.at_ns = now_ns

    def now_ns(self):
        return self.at_ns

    def host_ns(self):
        return time.perf_counter_ns()

    def seconds_until(self, at_ns):
        return 3_600.0


@pytest.fixture(scope="module")
def season():
    """All games, and the lines of each."""
    games = mlb2016.read_games(DATA)
    lines: dict[str, list[mlb2016.MlbLine]] = {game.game_id: [] for game in games}
    for line in mlb2016.read_lines(DATA):
        lines[line.game_id].append(line)
    return games, lines


@pytest.fixture(scope="module")
def late_games(season):
    """The games that have a line after their start, and their lines."""
    games, lines = season
    games = [game for game in games if lines[game.game_id][-1].entered_ns >= game.start_ns]
    return games, {game.game_id: lines[game.game_id] for game in games}


def flat(lines):
    return [line for of_game in lines.values() for line in of_game]


def board(line):
    """What a line says, without its time."""
    return post_lines(line).lines


def repeats(lines):
    """The lines that say exactly what the line before has said."""
    return [line for before, line in pairwise(lines) if board(before) == board(line)]


def silent(lines):
    """The lines that say nothing new: repeats, and a first line that offers nothing."""
    return repeats(lines) + [line for line in lines[:1] if not board(line)]


def before_start(game, lines):
    return [line for line in lines[game.game_id] if line.entered_ns < game.start_ns]


async def accepted(bus, stream, actor, *commands):
    for outcome in await bus.send([Request(stream, bus.new_id(), actor, command) for command in commands]):
        assert isinstance(outcome, Accepted), outcome


@asynccontextmanager
async def house_with_feed(clock, store=None):
    """A running engine, and the house's user for the feed. Nothing is held: what a person would let stand stands."""
    async with running_engine(store or MemoryStore(os.urandom), clock=clock) as (engine, bus):
        may = tuple(Permission(value) for value in FEED_MAY)
        await accepted(bus, HOUSE, "platform", SetRole("feed", ROOT, may, "given"), CreateUser(FEED, ROOT, "feed"))
        await accepted(bus, HOUSE, "platform", *(SetGuard(check, "off", "trial") for check in CHECKS))
        yield engine, bus


async def line_events(engine):
    """(time, event) of everything that was posted or withdrawn."""
    position, _ = await engine.query(HOUSE, lambda house: None)
    found = []
    async for committed in engine.subscribe(HOUSE, 0):
        if isinstance(committed.event, LinePosted | LineWithdrawn):
            found.append((committed.at_ns, committed.event))
        if committed.seq == position:
            return found
    raise AssertionError("the log ends before its position")


async def standing(engine):
    """The board as the house has it: market -> (line, prices), without what is off it."""

    def read(house):
        return {
            name: (row.line_quarters, row.prices) for name, row in house.catalog.markets.items() if not row.off_board
        }

    return (await engine.query(HOUSE, read))[1]


def expected_board(games, lines):
    """The board after the last line of each game before its start."""
    return {
        f"{game.game_id}:game:{market.kind}": (market.line_quarters, prices_of_record(market.kind, market.prices))
        for game in games
        for market in board(before_start(game, lines)[-1])
    }


@pytest.fixture(autouse=True)
def archive(monkeypatch):
    """Whole days are posted at once, before their lines were entered; and every game of the season stays in memory."""
    monkeypatch.setattr("runline.domain.board.LINE_AHEAD_NS_MAX", 10**18)
    monkeypatch.setattr("runline.domain.catalog.ARCHIVE_AFTER_NS", 10**18)


def test_the_data_repeat_themselves_as_often_as_they_say(season):
    games, lines = season
    starts = {game.game_id: game.start_ns for game in games}
    repeated = [line for of_game in lines.values() for line in repeats(of_game)]
    assert len(repeated) == REPEATS
    assert sum(not board(of_game[0]) for of_game in lines.values()) == FIRST_OFFERS_NOTHING
    assert sum(line.entered_ns >= starts[line.game_id] for line in flat(lines)) == LATE
    assert sum(line.entered_ns >= starts[line.game_id] for line in repeated) == LATE_REPEATS


def test_a_late_line_is_refused_and_never_opens_a_market(late_games):
    games, lines = late_games
    starts = {game.game_id: game.start_ns for game in games}
    assert len(games) == LATE

    async def scenario():
        clock = ManualClock(min(line.entered_ns for line in flat(lines)) - 1)
        async with house_with_feed(clock) as (engine, bus):
            feed = Replay(bus, clock, games, flat(lines), actor=FEED)
            await feed.open()
            while feed.next_ns is not None:
                clock.at_ns = feed.next_ns
                await feed.send_due()
            posted = await line_events(engine)
            assert all(at_ns < starts[event.market.split(":")[0]] for at_ns, event in posted)
            assert await standing(engine) == expected_board(games, lines)
            return feed.outcomes

    unchanged = sum(len(silent(before_start(game, lines))) for game in games)
    created, finals = 1 + len(games), 2 * len(games)
    changed = created + finals + len(flat(lines)) - LATE - unchanged
    assert asyncio.run(scenario()) == {"changed": changed, "unchanged": unchanged, "past_cutoff": LATE}


def test_sending_every_line_again_in_order_and_in_any_order_makes_no_event(late_games):
    games, lines = late_games

    async def scenario():
        clock = ManualClock(min(game.start_ns for game in games) - 1)
        async with house_with_feed(clock) as (engine, bus):
            posts = [post_lines(line) for line in flat(lines)]
            feed = Replay(bus, clock, games, [], actor=FEED)
            await feed.send(create_fixtures(games))
            await feed.send(posts, bulk=True)
            position, _ = await engine.query(HOUSE, lambda house: None)
            assert feed.outcomes["past_cutoff"] == LATE
            feed.outcomes.clear()
            await feed.send(posts, bulk=True)
            Random(2016).shuffle(posts)
            await feed.send(posts, bulk=True)
            assert await engine.query(HOUSE, lambda house: None) == (position, None)
            assert await standing(engine) == expected_board(games, lines)
            return feed.outcomes

    outcomes = asyncio.run(scenario())
    assert set(outcomes) == {"unchanged", "line_out_of_order", "past_cutoff"}
    assert outcomes["past_cutoff"] == 2 * LATE


def test_a_line_that_comes_out_of_order_never_takes_a_market_back(late_games):
    games, lines = late_games

    async def scenario():
        clock = ManualClock(min(game.start_ns for game in games) - 1)
        async with house_with_feed(clock) as (engine, bus):
            posts = [post_lines(line) for line in flat(lines)]
            Random(2016).shuffle(posts)
            feed = Replay(bus, clock, games, [], actor=FEED)
            await feed.send([*create_fixtures(games), *posts], bulk=True)
            return await line_events(engine)

    newest: Counter[str] = Counter()
    for _, event in asyncio.run(scenario()):
        assert event.entered_ns >= newest[event.market]
        newest[event.market] = event.entered_ns


def test_the_season_makes_an_event_for_every_line_that_says_something_new(season):
    games, lines = season

    async def scenario():
        clock = ManualClock(min(game.start_ns for game in games) - 1)
        async with house_with_feed(clock) as (_, bus):
            feed = Replay(bus, clock, games, [], actor=FEED)
            await feed.send(create_fixtures(games), bulk=True)
            feed.outcomes.clear()
            await feed.send([post_lines(line) for line in flat(lines)], bulk=True)
            return feed.outcomes

    unchanged = REPEATS - LATE_REPEATS + FIRST_OFFERS_NOTHING
    changed = len(flat(lines)) - unchanged - LATE
    assert asyncio.run(scenario()) == {"changed": changed, "unchanged": unchanged, "past_cutoff": LATE}


@pytest.mark.parametrize("catch_up", ["last", "all"])
def test_a_feed_that_starts_later_catches_up(late_games, catch_up):
    games, lines = late_games
    first = min(games, key=lambda game: game.start_ns)
    mine = lines[first.game_id]
    half = len(mine) // 2

    async def scenario():
        clock = ManualClock(mine[half - 1].entered_ns)
        async with house_with_feed(clock) as (engine, bus):
            feed = Replay(bus, clock, [first], mine, actor=FEED, catch_up=catch_up)
            await feed.open()
            assert feed.next_ns == mine[half].entered_ns
            stands = {
                f"{first.game_id}:game:{market.kind}": (
                    market.line_quarters,
                    prices_of_record(market.kind, market.prices),
                )
                for market in board(mine[half - 1])
            }
            assert await standing(engine) == stands
            return feed.outcomes.total()

    created = 2
    assert asyncio.run(scenario()) == created + (1 if catch_up == "last" else half)


def both_sides(line):
    """A wager on each side of everything that a line offers."""
    for market in board(line):
        for side, price in zip(SIDES[market.kind], prices_of_record(market.kind, market.prices), strict=True):
            away = market.kind == "spread" and side == "away"
            quarters = -market.line_quarters if away else market.line_quarters
            yield PlaceWager("P1", f"{line.game_id}:game:{market.kind}", side, quarters, price, STAKE_MINOR)


def test_a_season_of_wagers_on_both_sides_of_each_last_line_settles_as_the_scores_say(season):
    games, lines = season
    last = [before_start(game, lines)[-1] for game in games]
    placed = [command for line in last for command in both_sides(line)]
    assert len(placed) == 6 * len(games)

    async def scenario():
        store = MemoryStore(os.urandom)
        clock = ManualClock(min(line.entered_ns for line in last) - 1)
        async with house_with_feed(clock, store) as (engine, bus):
            await accepted(bus, HOUSE, "platform", OpenBook(BOOK, "owner"))
            await accepted(bus, BOOK, "owner", CreateAgent("A1", ROOT), CreatePlayer("P1", "A1", CREDIT_MINOR))
            feed = Replay(bus, clock, games, last, actor=FEED)
            await feed.open()
            by_time: dict[int, list[mlb2016.MlbLine]] = {}
            for line in last:
                by_time.setdefault(line.entered_ns, []).append(line)
            while (next_ns := feed.next_ns) is not None:
                clock.at_ns = next_ns
                await feed.send_due()
                for line in by_time.get(next_ns, ()):
                    await accepted(bus, BOOK, "P1", *both_sides(line))
            async with asyncio.timeout(60):
                left = len(placed)
                async for committed in engine.subscribe(BOOK, 0):
                    left -= isinstance(committed.event, WagerSettled)
                    if not left:
                        break
            _, sums = await engine.query(
                BOOK,
                lambda book: (
                    book.risk.pending["P1"],
                    len(book.tickets.open_on),
                    book.tree.players["P1"].balance_minor,
                    sum(account.balance_minor for account in book.ledger.accounts.values()),
                ),
            )
        return feed.outcomes, store.stored(BOOK, Ticket), sums

    outcomes, tickets, (pending, open_fixtures, balance, others) = asyncio.run(scenario())
    assert outcomes == {"changed": 1 + len(games) + len(last) + 2 * len(games)}
    counts = Counter(
        (leg.market.rsplit(":", 1)[1], leg.side, ticket.result) for ticket in tickets for leg in ticket.legs
    )
    assert counts == Counter(
        {
            ("total", "over", "won"): 1_177,
            ("total", "over", "lost"): 1_172,
            ("total", "over", "push"): 112,
            ("total", "over", "void"): 1,
            ("total", "under", "won"): 1_172,
            ("total", "under", "lost"): 1_177,
            ("total", "under", "push"): 112,
            ("total", "under", "void"): 1,
            ("moneyline", "home", "won"): 1_302,
            ("moneyline", "home", "lost"): 1_159,
            ("moneyline", "home", "push"): 1,
            ("moneyline", "away", "won"): 1_159,
            ("moneyline", "away", "lost"): 1_302,
            ("moneyline", "away", "push"): 1,
            ("spread", "home", "won"): 1_139,
            ("spread", "home", "lost"): 1_322,
            ("spread", "home", "void"): 1,
            ("spread", "away", "won"): 1_322,
            ("spread", "away", "lost"): 1_139,
            ("spread", "away", "void"): 1,
        }
    )
    assert pending == open_fixtures == 0
    assert balance == sum(ticket.returned_minor - ticket.risk_minor for ticket in tickets)
    assert balance + others == 0
    assert balance < 0, "both sides of a line cost the player its margin"
