"""Deeds: whatever anyone may do to a house and a book, sensible or not, chosen by chance or by hypothesis.

A deed looks at the stage and says who sends which command; what comes of it is up to the handlers.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from tests.doubles.stage import HOUR_NS, SECOND_NS, BookStage, HouseStage
from tests.doubles.words import EVERY, board, game, line, player, role

from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import PostLines
from runline.domain.catalog import side_line
from runline.domain.fixtures import RescheduleFixture
from runline.domain.grading import SIDES, Score
from runline.domain.held import ConfirmLine, DropLine
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import MoveLine
from runline.domain.messages import Command
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.nodes import ROOT
from runline.domain.official import Window
from runline.domain.permissions import PLAYER_MAY, Permission
from runline.domain.placing import PlaceWager
from runline.domain.postponement import LetWagersStand, PostponeFixture, ResumeFixture
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.settings import SetLimits
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser, RestoreUser, RevokeUser
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.domain.watch import KeepFeed, WatchFeed
from runline.simulate import pair

T = TypeVar("T")


class Pick(Protocol):
    """Who chooses."""

    def one(self, of: Sequence[T]) -> T: ...

    def between(self, least: int, most: int) -> int: ...


class ByChance:
    """A seeded choice."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one(self, of: Sequence[T]) -> T:
        return self.random.choice(of)

    def between(self, least: int, most: int) -> int:
        return self.random.randint(least, most)


Deed = Callable[[BookStage, Pick], None]

AMOUNTS = (1_00, 2_50, 10_00, 33_33, 100_00, 777_77, 10_000_00)
ODD_AMOUNTS = (*AMOUNTS, 0, -1, 1, 10**12, 10**12 + 1, 10**18, 2**70)
AMERICAN = ("-110", "+100", "-105", "+120", "-145", "+250", "-300", "+1500")
PRICES = (*AMERICAN, "1.91", "2.50", "10/11", "7/2")
GAMES_AT_ONCE = 4
AGENTS = ("A1", "A2", "A3", "A4", ROOT)
PLAYERS = ("P1", "P2", "P3", "P4")
STAFF = ("owner", "owner", "owner", "one", "clerk")


def set_up() -> BookStage:
    """A book with a little of everything. It knows pairs."""
    book = HouseStage(Vocabulary(*NOUNS, pair)).open_book("main")
    for name in ("G1", "G2"):
        book.given(game(name), board(name))
    book.given(CreateAgent("A1", ROOT), CreateAgent("A2", "A1"), CreateAgent("A3", ROOT))
    book.given(player("P1", "A2"), player("P2", "A1"), player("P3"))
    book.given(role("agents", *EVERY), CreateUser("one", "A1", "agents"))
    book.given(role("clerks", Permission.WAGER_PLACE, Permission.WAGER_VOID), CreateUser("clerk", ROOT, "clerks"))
    return book


def games(book: BookStage, *statuses: str) -> list[str]:
    """The newest games of some statuses; all if there is none."""
    fixtures = book.view.catalog.fixtures
    found = [name for name, fixture in fixtures.items() if not statuses or fixture.status in statuses]
    return (found or list(fixtures))[-GAMES_AT_ONCE:]


def places(book: BookStage, pick: Pick) -> None:
    name = pick.one([pick.one(games(book, "scheduled")), pick.one(games(book))])
    markets = [book.view.catalog.markets[market] for market in book.view.catalog.markets_of.get(name, ())]
    market = pick.one(markets or list(book.view.catalog.markets.values()))
    number = pick.one([*book.state.tree.players, *book.state.tree.players, "nobody"])
    sides = SIDES[market.kind]
    side = pick.one(sides)
    own = book.state.lines.by_market.get(market.name)
    price = market.prices[sides.index(side)] if own is None or not own.prices else own.prices[sides.index(side)]
    command = PlaceWager(
        number,
        market.name,
        side,
        side_line(market.kind, side, market.line_quarters),
        pick.one([price, price, pick.one(PRICES)]),
        pick.one([*AMOUNTS, *AMOUNTS, pick.one(ODD_AMOUNTS)]),
        pick.one(["base", "risk", "to_win"]),
        pick.one(["accept_any", "accept_better", "exact"]),
        pick.one([True, False]),
    )
    book.when(command, by=pick.one([number, number, number, "owner", "owner", "clerk"]))


def voids(book: BookStage, pick: Pick) -> None:
    numbers = [row.number for row in book.stored_wagers()][-20:]
    book.when(VoidWager(pick.one([*numbers, 0, 10**6]), "mistake"), by=pick.one(STAFF))


def places_pairs(book: BookStage, pick: Pick) -> None:
    catalog = book.view.catalog
    still_to_come = [name for name in games(book, "scheduled") if book.at_ns < catalog.fixtures[name].start_ns]
    markets = [market for name in still_to_come for market in catalog.markets_of.get(name, ())]
    if len(markets) > 1:
        first = pick.one(markets)
        second = pick.one([market for market in markets if market != first])
        sides = [(market, pick.one(SIDES[catalog.markets[market].kind])) for market in (first, second)]
        book.when(pair.PlacePair(pick.one(PLAYERS[:3]), (sides[0], sides[1]), pick.one(AMOUNTS)))


def voids_a_leg(book: BookStage, pick: Pick) -> None:
    numbers = [row.number for row in book.stored_wagers() if row.more][-20:]
    book.when(VoidLeg(pick.one([*numbers, 0]), pick.between(1, 2), "mistake"), by=pick.one(STAFF))


def changes_credit(book: BookStage, pick: Pick) -> None:
    number = pick.one(PLAYERS)
    until_ns = book.at_ns + pick.one([-1, SECOND_NS, HOUR_NS, 30 * HOUR_NS])
    commands = [
        AdjustCredit(number, pick.one(ODD_AMOUNTS), "asked"),
        GrantTemporaryCredit(number, pick.one(AMOUNTS), until_ns, "weekend"),
    ]
    book.when(pick.one(commands), by=pick.one([*STAFF, number]))


def moves_money(book: BookStage, pick: Pick) -> None:
    kind: Any = pick.one(["receipt", "disbursement", "adjustment"])
    amount = pick.one(ODD_AMOUNTS) * pick.one([1, -1])
    book.when(EnterTransaction(pick.one(PLAYERS), kind, amount, "figure"), by=pick.one(STAFF))


def sets_limits(book: BookStage, pick: Pick) -> None:
    limits = [pick.one([None, *AMOUNTS]), pick.one([None, *AMOUNTS])]
    commands: list[Command] = [
        SetPlayerLimits(pick.one(PLAYERS), limits[0], limits[1], pick.between(0, 19) > 0, "sharp"),
        SetLimits(pick.one([1, 1_00, 5_00]), pick.one(AMOUNTS), pick.one(AMOUNTS) * 10, "season"),
    ]
    book.when(pick.one(commands), by=pick.one(STAFF))


def shapes_the_tree(book: BookStage, pick: Pick) -> None:
    name, parent = pick.one(AGENTS), pick.one(AGENTS)
    standing = [agent for agent in book.state.tree.agents if agent != ROOT]
    commands: list[Command] = [
        CreateAgent(name, parent),
        MoveAgent(pick.one(standing), pick.one([ROOT, *standing]), "sold"),
        MoveAgent(pick.one(standing), parent, "sold"),
        CreatePlayer(pick.one(PLAYERS), name, pick.one(ODD_AMOUNTS)),
        MovePlayer(pick.one(PLAYERS), name, "sold"),
    ]
    book.when(pick.one(commands), by=pick.one(STAFF))


def manages_roles(book: BookStage, pick: Pick) -> None:
    who = pick.one(["one", "clerk", *PLAYERS, "owner"])
    name = pick.one(["agents", "clerks", "player"])
    some = PLAYER_MAY if name == "player" else EVERY
    may = tuple(Permission(permission) for permission in some if pick.between(0, 9))
    commands: list[Command] = [
        SetRole(name, pick.one([ROOT, ROOT, "A1"]), may, "review"),
        AssignRole(who, pick.one(["agents", "clerks", "owner", "viewer"]), "review"),
        RestoreUser(who, "back"),
        RevokeUser(who, "left"),
    ]
    gone = [user.name for user in book.state.access.users.values() if not user.active]
    if gone and pick.between(0, 2):
        book.when(RestoreUser(pick.one(gone), "back"))
    else:
        book.when(pick.one(commands), by=pick.one(STAFF))


def suspends(book: BookStage, pick: Pick) -> None:
    market = pick.one(list(book.view.catalog.markets))
    scopes: list[tuple[Any, str]] = [
        ("all", ""),
        ("league", "MLB"),
        ("fixture", pick.one(games(book))),
        ("market", market),
        ("selection", f"{market}/home"),
        ("agent", pick.one(AGENTS)),
        ("player", pick.one(PLAYERS)),
    ]
    stage: BookStage | HouseStage = book if pick.between(0, 1) else book.house
    closed: list[tuple[Any, str]] = list(stage.state.suspensions.layers)
    if len(closed) > 1 or (closed and pick.between(0, 4)):
        scope, subject = pick.one(closed)
        stage.when(Reopen(scope, subject, "news"))
    else:
        scope, subject = pick.one(scopes)
        stage.when(Suspend(scope, subject, "news"), by=pick.one([stage.owner, "one"]))


def moves_a_line(book: BookStage, pick: Pick) -> None:
    market = pick.one(list(book.view.catalog.markets.values()))
    has_line = market.line_quarters is not None
    mode: Any = pick.one(["follow", "offset", "lock", "hide"])
    command = MoveLine(
        market.name,
        mode,
        offset_quarters=pick.between(-4, 4) if has_line else 0,
        offset_cents=pick.one([0, 5, 10]),
        line_quarters=pick.between(-8, 40) if has_line else None,
        prices=Prices(**{side: pick.one(PRICES) for side in SIDES[market.kind]}),
        reason="balance",
    )
    book.when(command, by=pick.one(STAFF))


def posts_lines(book: BookStage, pick: Pick) -> None:
    lines = [
        line("moneyline", pick.one(AMERICAN), pick.one(PRICES)),
        line("spread", pick.one(AMERICAN), pick.one(AMERICAN), quarters=pick.between(-8, 8)),
        line("total", pick.one(AMERICAN), pick.one(AMERICAN), quarters=pick.between(28, 40)),
    ][: pick.between(1, 3)]
    book.house.when(
        PostLines(
            pick.one(games(book, "scheduled")),
            book.at_ns - pick.one([0, 0, HOUR_NS]),
            tuple(lines),
            confirm=pick.between(0, 3) > 0,
        )
    )


def manages_fixtures(book: BookStage, pick: Pick) -> None:
    name, start_ns = pick.one(games(book, "scheduled", "closed")), book.at_ns + pick.between(1, 30) * HOUR_NS
    what = pick.between(0, 13)
    if what == 0:
        book.house.when(CancelFixture(name, "flood"))
    elif what > 11:
        book.house.when(WatchFeed(book.house.owner, pick.one([0, 0, 0, 30_000, 3_600_000]), "lines"))
    elif what > 10:
        book.house.when(KeepFeed())
    elif what > 9:
        handles_late_games(book, pick, name)
    elif what < 4:
        book.house.when(RescheduleFixture(name, start_ns, "rain"))
    else:
        name = f"G{len(book.view.catalog.fixtures) + 1}"
        book.given(game(name, start_ns=start_ns), board(name))


def handles_late_games(book: BookStage, pick: Pick, name: str) -> None:
    what = pick.between(0, 4)
    if what == 0:
        book.house.when(PostponeFixture(name, "rain"))
    elif what == 4:
        days_pass(book, pick)
    elif what == 1:
        book.house.when(ResumeFixture(name, "dry"))
    elif what == 2:
        late = list(book.view.lateness.windows_of)
        book.house.when(LetWagersStand(pick.one(late) if late else name, "we wait", bool(pick.between(0, 1))))
    else:
        window = Window("hours", pick.between(1, 40)) if pick.between(0, 1) else None
        rule = LeagueRule(True, pick.one([None, 9]), 1, bool(pick.between(0, 1)), window)
        book.house.when(SetLeagueRule("MLB", rule, "ours", pick.one(["", "total"]), pick.one(["", "game"])))


def grades(book: BookStage, pick: Pick) -> None:
    name = pick.one(games(book, "closed", "final"))
    score = Score(pick.between(0, 5), pick.between(0, 5), final=pick.between(0, 4) > 0)
    book.house.when(EnterResult(name, score))
    result = book.view.catalog.results.get(name)
    book.house.when(ConfirmResult(name, result.revision if result else 1))


def takes_back(book: BookStage, pick: Pick) -> None:
    """Somebody reopens a game, or says what becomes of a line that is held."""
    held = list(book.view.held_lines.by_market.values())
    if not held or pick.between(0, 2) == 0:
        book.house.when(ReopenFixture(pick.one(games(book, "closed", "final", "cancelled")), pick.one(["slip", ""])))
        return
    line = pick.one(held)
    seq = line.held_seq - pick.one([0, 0, 0, 1])
    book.house.when(pick.one([ConfirmLine(line.market, seq), DropLine(line.market, seq, "slip")]))


def lets_time_pass(book: BookStage, pick: Pick) -> None:
    at_ns = book.at_ns + pick.one([SECOND_NS, HOUR_NS, 7 * HOUR_NS])
    if pick.between(0, 3):
        book.time_is(at_ns)
    else:
        book.clock_reads(at_ns)


def days_pass(book: BookStage, pick: Pick) -> None:
    """Much later, and each timer of the house has fired when it was due."""
    until_ns, due = book.at_ns + pick.between(20, 40) * HOUR_NS, book.house.state.timers.due
    while due and due[0][0] <= until_ns:
        book.time_is(max(due[0][0], book.at_ns))
    book.time_is(until_ns)


def works(book: BookStage, pick: Pick) -> None:
    if pick.between(0, 1):
        book.settles()
    else:
        book.settles_a_slice()


DEEDS: tuple[Deed, ...] = (
    changes_credit,
    moves_money,
    sets_limits,
    shapes_the_tree,
    manages_roles,
    suspends,
    moves_a_line,
    posts_lines,
    manages_fixtures,
    shapes_the_tree,
    grades,
    takes_back,
    lets_time_pass,
    works,
    works,
    voids,
    voids_a_leg,
    *[places_pairs] * 4,
    *[places] * 16,
)


def season(seed: int, deeds: int) -> BookStage:
    """A book to which a number of things have been done by chance."""
    book, pick = set_up(), ByChance(seed)
    for _ in range(deeds):
        pick.one(DEEDS)(book, pick)
    book.settles()
    return book
