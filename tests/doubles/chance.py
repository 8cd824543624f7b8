"""Chance: who chooses by a seed, among what there is on a stage, what was, what almost is, and what never was."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from tests.doubles.beside import ComparedBook, ComparedHouse
from tests.doubles.stage import HOUR_NS, SECOND_NS

from runline.domain.grading import SIDES
from runline.domain.nodes import ROOT
from runline.domain.tickets import Ticket

T = TypeVar("T")

REASONS = ("asked", "rain", "a mistake", "news") * 4 + ("x" * 500,) + ("", "  ", "two\nlines", "x" * 501)
STRANGE = ("", "nobody", "-", ".a", "a b", "x" * 64, "x" * 65, "root", "owner", "engine", "gateway", "house")
AMOUNTS = (1, 100, 250, 10_00, 33_33, 100_00, 777_77, 10_000_00)
ODD = (0, -1, 10**12, 10**12 + 1, 10**13, 10**13 + 1, 2**70, -(10**12))
PRICES = ("-110", "+100", "-105", "+120", "-145", "+250", "-300", "+1500", "1.91", "2.50", "10/11", "6/4", "EV", "-100")
NO_PRICES = (
    "",
    "abc",
    "+99",
    "100",
    "0/1",
    "1/0",
    "1.",
    "1.00001",
    "-1000001",
    "\N{MINUS SIGN}110",
    "+00110",
    "x" * 17,
)
KINDS = tuple(SIDES)
PERIODS = ("game", "1h", "2h", "q1", "q2", "q3", "q4")
LEAGUES = {"MLB": "baseball", "NFL": "football", "NCAAB": "basketball", "NHL": "hockey", "EPL": "soccer"}
SCOPES = ("all", "feed", "silence", "sport", "league", "fixture", "market", "selection", "kind", "agent", "player")
HASHES = ("$argon2id$one", "$argon2id$two", "$argon2id$" + "x" * 300, "plain")


class Chance:
    """Who chooses. Of what it makes, most is of what there is."""

    def __init__(self, house: ComparedHouse, seed: int, *, gentle: bool = False) -> None:
        self.house = house
        self.gentle = gentle
        """Whether most people mean well, so that much is wagered and settled."""
        self.pairs = False
        self.books: list[ComparedBook] = []
        self.book: ComparedBook
        """The one that is meant."""
        self.random = Random(seed)
        self.sessions = 0

    def one(self, of: Sequence[T]) -> T:
        return self.random.choice(of)

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def odd(self, one_in: int) -> bool:
        """Whether something is out of the common: once in so many times, much less among gentle people."""
        return self.chance(12 * one_in if self.gentle else one_in)

    def between(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def known(self, names: Any, often: int = 12) -> str:
        """One of some names, or now and then another one."""
        found = list(names)
        return self.one(STRANGE) if not found or self.odd(often) else self.one(found[-12:])

    def reason(self) -> str:
        return self.one(REASONS if self.odd(2) else REASONS[:4])

    def amount(self) -> int:
        return (
            self.one(ODD) if self.odd(8) else self.one(AMOUNTS[:6] if self.gentle else AMOUNTS) * self.one((1, 1, 1, 3))
        )

    # Who and what there is

    @property
    def now_ns(self) -> int:
        return self.house.clock_ns

    def game(self, *statuses: str) -> str:
        """One of the last games of some statuses; now and then another one, or one that is archived."""
        catalog = self.house.state.catalog
        near_ns = self.now_ns - 60 * HOUR_NS
        fits = [name for name, one in catalog.fixtures.items() if one.status in statuses and one.start_ns > near_ns]
        if fits and not self.chance(12):
            return self.one(fits[-6:])
        return self.known(list(catalog.fixtures) + list(catalog.archived)[-1:])

    def league(self) -> str:
        return self.known(LEAGUES, 20)

    def market(self) -> str:
        names = list(self.house.state.catalog.markets)
        if names and not self.odd(12):
            return self.one(names[-20:])
        return f"{self.game()}:{self.one(PERIODS)}:{self.one(KINDS)}"

    def stage(self, in_house: bool) -> Any:
        return self.house if in_house else self.book

    def user(self, in_house: bool) -> str:
        return self.known(self.stage(in_house).state.access.users)

    def other(self, in_house: bool) -> str:
        """Somebody to whom something is done: seldom the owner, without whom little goes on."""
        owner = self.stage(in_house).owner
        users = [name for name in self.stage(in_house).state.access.users if name != owner]
        return owner if self.odd(40) else self.known(users)

    def signed_in(self, in_house: bool) -> str:
        """Somebody who is signed in, but for the owner."""
        sessions = self.stage(in_house).state.sessions.by_name.values()
        owner = self.stage(in_house).owner
        return self.known(dict.fromkeys(one.user for one in sessions if one.user != owner))

    def role(self, in_house: bool) -> str:
        return self.known([*self.stage(in_house).state.access.roles, f"r{self.between(1, 6)}"])

    def node(self) -> str:
        return self.known([*self.book.state.tree.agents, ROOT])

    def deepest(self) -> str:
        """The agent that stands lowest in the book's tree."""
        tree = self.book.state.tree
        return max(tree.agents, key=lambda name: len(tree.chain(name)))

    def rotation(self) -> int:
        """A rotation number, often that of a game that is over."""
        over = [
            one.rotation for one in self.house.state.catalog.fixtures.values() if one.status in ("final", "cancelled")
        ]
        if over and self.chance(4):
            return self.one(over[-8:])
        return self.one((0, -1, 2**31)) if self.chance(25) else self.between(1, 400) * self.one((1, 2))

    def player(self) -> str:
        return self.known(self.book.state.tree.players)

    def time_ns(self) -> int:
        far = (-HOUR_NS, -1, 0, 1, SECOND_NS, HOUR_NS, 6 * HOUR_NS, 30 * HOUR_NS, 80 * HOUR_NS)
        return self.one((0, -1, 2**62, 2**63)) if self.odd(25) else self.now_ns + self.one(far)

    def prices(self, kind: str, price: Callable[[], str]) -> dict[str, str]:
        prices = {side: price() for side in SIDES[kind]}
        if self.odd(25):
            prices[self.one(("away", "home", "draw", "over", "under"))] = self.one(NO_PRICES)
        return prices

    def line(self, kind: str) -> dict[str, Any]:
        quarters = {"spread": self.between(-12, 12), "total": self.between(24, 44)}.get(kind)
        if self.odd(25):
            quarters = self.one((None, -1, 0, 4_000, 4_001, -4_001))
        center = self.between(-3, 3)
        even = (f"{-110 + 10 * center}", f"{-110 - 10 * center}", "+250")
        prices = dict(zip(SIDES[kind], even, strict=False))
        if self.chance(4):
            prices = self.prices(kind, lambda: self.one(PRICES))
        return {"line_quarters": quarters, "prices": prices}

    def market_line(self) -> dict[str, Any]:
        kind = self.one(KINDS)
        period = self.one(PERIODS) if self.chance(6) else self.one(("game", "game", "1h"))
        return {"kind": kind, "period": period, **self.line(kind)}

    def lines_of(self, game: str) -> list[dict[str, Any]]:
        """The lines of a game as they stand."""
        markets = self.house.state.catalog.markets
        return [
            {
                "kind": one.kind,
                "period": one.period,
                "line_quarters": one.line_quarters,
                "prices": dict(zip(SIDES[one.kind], one.prices, strict=True)),
            }
            for one in markets.values()
            if one.fixture == game
        ]

    def changed(self, line: dict[str, Any]) -> dict[str, Any]:
        """A line as it is sent next: mostly as it stands, or moved a little, or turned round."""
        quarters, prices = line["line_quarters"], line["prices"]
        if self.chance(4) and quarters is not None:
            quarters += self.one((-8, -1, 1, 2, 6, 8, 12, -12, 28, -28, 40))
        if self.chance(8) and line["kind"] == "spread" and quarters is not None:
            quarters = -quarters
        if self.chance(5):
            prices = dict(zip(prices, reversed(prices.values()), strict=True))
        if self.chance(8):
            prices = {side: self.one(PRICES) for side in prices}
        return {**line, "line_quarters": quarters, "prices": prices}

    def score(self, game: str) -> dict[str, Any]:
        """How a game ended, or stands."""
        fixtures = self.house.state.catalog.fixtures
        return self.score_of(fixtures[game].sport if game in fixtures else "football")

    def score_of(self, sport: str) -> dict[str, Any]:
        """A score of a sport, which may contradict itself."""
        count = {"baseball": 9, "hockey": 3, "soccer": 2}.get(sport, 4)
        score: dict[str, Any] = {"final": not self.chance(4)}
        periods: list[list[int]] = []
        if self.chance(2):
            whole = count + (1 if sport == "baseball" and self.chance(3) else 0)
            known = whole if score["final"] and not self.chance(6) else self.between(0, count + 1)
            periods = [[self.between(0, 3), self.between(0, 3)] for _ in range(known)]
            score["periods"] = periods
        overtime = [[self.between(0, 2), self.between(0, 2)]] if self.chance(5) else []
        if overtime:
            score["overtime"] = overtime
        parts = [*periods, *overtime]
        if periods and score["final"]:
            home, away = sum(one[0] for one in parts), sum(one[1] for one in parts)
        else:
            home, away = self.between(0, 6), self.between(0, 6)
        score |= {"home": home + (1 if self.chance(20) else 0), "away": away}
        if self.chance(6):
            score["length"] = self.one((0, 5, 8, 9, 10, 14, 17, 18, 35, 43, 54, 55, 60, 90, 10_001, -1))
        if self.chance(12):
            score["scheduled"] = self.one((2, 4, 7, 9, 3, 1))
        if self.chance(12):
            score["level_after_regulation"] = True
        return score

    def rule(self) -> dict[str, Any] | None:
        if self.chance(3):
            return None
        hours = self.one((1, 12, 40, 0, 31 * 24 + 1))
        window = self.one((None, {"by": "hours", "hours": hours}, {"by": "date", "known_stands": self.chance(2)}))
        return {
            "overtime": self.chance(2),
            "official": self.one((None, 9, 30, 0, 10_001)),
            "less_if_home_leads": self.one((0, 1, 2, -1)),
            "decided_stands": self.chance(2),
            "window": window,
        }

    def wager(self) -> dict[str, Any]:
        catalog = self.house.state.catalog
        open_still = [
            one
            for one in catalog.markets.values()
            if not one.off_board
            and catalog.fixtures[one.fixture].status == "scheduled"
            and self.now_ns < catalog.fixtures[one.fixture].start_ns
        ]
        market = self.market() if self.odd(8) or not open_still else self.one(open_still[-20:]).name
        side, line, price = self.one(("away", "home", "over", "under", "draw")), None, self.one(PRICES)
        known = catalog.markets.get(market)
        if known is not None and not self.odd(20):
            side = self.one(SIDES[known.kind])
            if known.prices:
                price = known.prices[SIDES[known.kind].index(side)]
            line = known.line_quarters
            if known.kind == "spread" and side == "away" and line is not None:
                line = -line
        if self.chance(12) and line is not None:
            line += self.one((-2, 2))
        if self.odd(6):
            price = self.one(PRICES + NO_PRICES)
        if self.odd(10):
            line = self.one((None, 0, 4, -6, 30, 34))
        return {
            "player": self.player(),
            "market": market,
            "side": side,
            "line_quarters": line,
            "price": price,
            "amount_minor": self.amount(),
            "basis": self.one(("base", "risk", "to_win")),
            "odds_change": self.one(("exact", "accept_better", "accept_any")),
            "partial": self.chance(3),
            "channel": self.one(("api", "web", "phone", "clerk")) if self.chance(12) else None,
        }

    def subject(self, in_house: bool, scope: str) -> str:
        if self.odd(12):
            return self.one((*STRANGE, "x" * 256, "x" * 257, "\n"))
        found: dict[str, Callable[[], str]] = {
            "all": lambda: "",
            "feed": lambda: self.user(True),
            "silence": lambda: self.user(True),
            "sport": lambda: self.one(tuple(LEAGUES.values())),
            "league": self.league,
            "fixture": self.game,
            "market": self.market,
            "selection": lambda: f"{self.market()}/{self.one(('away', 'home', 'over', 'under', 'draw'))}",
            "kind": lambda: self.one(KINDS),
            "agent": self.node,
            "player": self.player,
        }
        return found[scope]()

    def layer(self, in_house: bool) -> dict[str, Any]:
        layers = list(self.stage(in_house).state.suspensions.layers)
        if layers and not self.chance(12 if self.gentle else 3):
            scope, subject = self.one(layers)
            return {"scope": scope, "subject": subject}
        scope = self.one(SCOPES)
        return {"scope": scope, "subject": self.subject(in_house, scope)}

    def layer_seq(self, in_house: bool, layer: dict[str, Any]) -> dict[str, Any]:
        known = self.stage(in_house).state.suspensions.layers.get((layer["scope"], layer["subject"]))
        return {"layer_seq": self.between(0, 50) if known is None or self.chance(4) else known.layer_seq}

    def held(self) -> dict[str, Any]:
        held = list(self.house.state.held_lines.by_market.values())
        if not held or self.chance(8):
            return {"market": self.market(), "held_seq": self.between(0, 50)}
        line = self.one(held)
        return {"market": line.market, "held_seq": line.held_seq}

    def session(self, in_house: bool) -> str:
        return self.known(self.stage(in_house).state.sessions.by_name)

    def credential(self, in_house: bool) -> tuple[str, int]:
        credentials = self.stage(in_house).state.credentials.by_user
        user = self.known(credentials)
        seq = credentials[user].password_seq if user in credentials else 0
        return user, seq - (1 if self.chance(10) else 0)

    def wager_number(self) -> int:
        numbers = list(self.book.tables.get(Ticket, {}))
        return self.one((0, -1, 10**6, 3)) if not numbers or self.chance(12) else self.one(numbers[-30:])
