"""Knowing: what there is to send something about, as people see it, by the name of a field.

Rule: a field that means the same everywhere is named alike everywhere, so that its name says what may stand there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.permissions import permissions_of
from runline.domain.times import time_text
from runline.simulate.decisions import Decisions

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS

RECENT = 12
"""Of what there is much, people know the newest."""

REASONS = ("as agreed", "mistake", "rain", "asked by phone", "  ", "ünïcode ✓", "x" * 300)
AMOUNTS = (10_00, 1_00, 2_50, 50_00, 33_33, 100_00, 20_00, 5_00)
ODD_AMOUNTS = (777_77, 2_500_00, 10_000_00, 0, -1, 1, 10**12, 10**12 + 1, 10**18, 2**70)
AMERICAN = ("-110", "+100", "-105", "+120", "-145", "+250", "-300", "+102", "EV")
PRICES = (*AMERICAN, "1.91", "2.50", "10/11", "7/2", "0", "+99", "nonsense")
ZONES = ("America/New_York", "UTC", "Europe/London", "America/Los_Angeles", "Nowhere/Land")
NODES = ("n1", "n2", "n3", "")
TEAMS = ("Visitors", "Home", "Bears", "Lions", "Crickets", "Owls", "Bears ", "")
SPAN = (MINUTE_NS, 5 * MINUTE_NS, 20 * MINUTE_NS, HOUR_NS, 26 * HOUR_NS, -MINUTE_NS, SECOND_NS)

Fields = dict[str, Any]


class Known:
    """What there is, as whoever makes something sees it: the state of a stream, the house's view, the time."""

    def __init__(self, state: Any, view: House, now_ns: int, decisions: Decisions) -> None:
        self.state = state
        self.view = view
        self.now_ns = now_ns
        self.decisions = decisions
        self.book = state if isinstance(state, Book) else None

    def one(self, of: Sequence[Any], otherwise: Any = "nobody") -> Any:
        """One of the newest of some; seldom one that there is not."""
        if not of or self.decisions.rarely(25):
            return otherwise
        return self.decisions.one(of[-RECENT:])

    def key(self, of: Mapping[str, Any], otherwise: str = "nobody") -> str:
        """The name of one of the newest of some."""
        return self.one(list(of), otherwise)  # type: ignore[no-any-return]

    def new(self, prefix: str, of: Mapping[str, Any]) -> str:
        """A name that is not taken, mostly."""
        return f"{prefix}{len(of) + self.decisions.draw(3) - (1 if self.decisions.rarely(8) else 0)}"


Maker = Callable[[Known, str], Any]


def player(known: Known, command: str) -> Any:
    players = known.book.tree.players if known.book else {}
    return known.new("P", players) if command == "CreatePlayer" else known.key(players)


def node(known: Known, command: str) -> Any:
    agents = known.book.tree.agents if known.book else {}
    return known.decisions.one(["root", *list(agents)[-RECENT:], "nowhere"])


def agent(known: Known, command: str) -> Any:
    agents = known.book.tree.agents if known.book else {}
    return known.new("A", agents) if command == "CreateAgent" else known.one(list(agents))


def user(known: Known, command: str) -> Any:
    users = known.state.access.users
    return known.new("u", users) if command == "CreateUser" else known.key(users)


def role(known: Known, command: str) -> Any:
    roles = known.state.access.roles
    if command == "SetRole" and known.decisions.rarely(2):
        return known.new("r", roles)
    return known.key(roles)


def permissions(known: Known, command: str) -> Any:
    every = permissions_of("book" if known.book else "house")
    return [one for one in every if known.decisions.draw(3)]


def fixture(known: Known, command: str) -> Any:
    fixtures = known.view.catalog.fixtures
    return known.new("G", fixtures) if command == "CreateFixture" else known.key(fixtures)


def league(known: Known, command: str) -> Any:
    leagues = known.view.catalog.leagues
    return known.new("L", leagues) if command == "CreateLeague" else known.key(leagues)


def market(known: Known, command: str) -> Any:
    return known.key(known.view.catalog.markets)


def wager(known: Known, command: str) -> Any:
    return known.one(list(known.book.tickets.by_number) if known.book else [], 10**6)


def session(known: Known, command: str) -> Any:
    return known.key(known.state.sessions.by_name)


def book(known: Known, command: str) -> Any:
    books = known.view.books.by_name
    return known.new("b", books) if command == "OpenBook" and known.decisions.rarely(2) else known.key(books)


def number(known: Known, command: str) -> Any:
    """Of a ticket that is asked for, or of what was set aside."""
    if known.book and command.endswith("Asked"):
        return wager(known, command)
    return known.one(list(known.state.aside.by_number), 1)


def held_seq(known: Known, command: str) -> Any:
    held = list(known.view.held_lines.by_market.values())
    return known.one([one.held_seq for one in held], 0)


def layer_seq(known: Known, command: str) -> Any:
    return known.one([one.layer_seq for one in known.state.suspensions.layers.values()], 0)


def subject(known: Known, command: str) -> Any:
    """Something that a scope may be about."""
    makers = (fixture, market, league, player, agent, user)
    found = known.decisions.one(makers)(known, command)
    return found if known.decisions.draw(4) else ""


def start(known: Known, command: str) -> Any:
    return known.now_ns + known.decisions.one(SPAN)


def entered(known: Known, command: str) -> Any:
    return known.now_ns - known.decisions.one((0, 0, 0, SECOND_NS, HOUR_NS, -HOUR_NS))


def amount(known: Known, command: str) -> Any:
    return known.decisions.one(ODD_AMOUNTS if known.decisions.rarely(12) else AMOUNTS)


def least(known: Known, command: str) -> Any:
    if command != "SetLargeWager":
        return amount(known, command)
    return known.decisions.one((None, 0, 1, 10_00, 50_00, 200_00, 1_000_00, -1))


def reason(known: Known, command: str) -> Any:
    return known.decisions.one(REASONS) if known.decisions.rarely(10) else REASONS[0]


def price(known: Known, command: str) -> Any:
    return known.decisions.one(PRICES if known.decisions.rarely(8) else AMERICAN)


def line(known: Known, command: str) -> Any:
    return known.decisions.one((None, -6, 6, 34, 2, -2, 0, 10**6))


def moment(known: Known, command: str) -> Any:
    """A time as people write it."""
    text = time_text(known.now_ns - known.decisions.one((HOUR_NS, 0, 60 * HOUR_NS)))
    return known.decisions.one(
        (text, f"{text[:19]}-03:30", f"{text[:19]}.5Z", "2016-06-31T25:00:00Z", "1500000000000000000")
    )


NAMED: dict[str, Maker] = {
    "player": player, "agent": agent, "parent": node, "node": node, "user": user, "owner": user, "feed": user, "role": role,
    "permissions": permissions, "fixture": fixture, "league": league, "market": market, "wager": wager, "session": session,
    "book": book, "number": number, "held_seq": held_seq, "layer_seq": layer_seq,
    "subject": subject, "start_ns": start, "until_ns": start,
    "entered_ns": entered, "reason": reason, "description": reason, "price": price, "line_quarters": line,
    "stream": lambda known, command: known.one(["house", *list(known.view.books.by_name)]),
    "cluster_node": lambda known, command: known.decisions.one(NODES),
    "zone": lambda known, command: known.decisions.one(ZONES),
    "away": lambda known, command: known.decisions.one(TEAMS),
    "home": lambda known, command: known.decisions.one(TEAMS[1:] if not known.decisions.rarely(4) else TEAMS),
    "rotation": lambda known, command: 101 + 2 * known.decisions.draw(400),
    "revision": lambda known, command: 1 + known.decisions.draw(4),
    "leg": lambda known, command: 1 + known.decisions.draw(3),
    "side": lambda known, command: known.decisions.one(("home", "away", "over", "under", "draw")),
    "offset_quarters": lambda known, command: known.decisions.draw(9) - 4,
    "offset_cents": lambda known, command: known.decisions.one((0, 5, 10, -5, 10_000)),
    "silent_after_ms": lambda known, command: known.decisions.one((30_000, 0, 60_000, 1_000, 1)),
    "limit": lambda known, command: known.decisions.one((10, 1, 2, 3, 50, 0, 1_000)),
    "after": lambda known, command: "", "since": moment, "until": moment,
    "active": lambda known, command: not known.decisions.rarely(8),
    "least_minor": least,
    "credit_limit_minor": lambda known, command: known.decisions.one((50_000_00, 10_000_00, 500_00, 0, -1, 10**12)),
    "stake_min_minor": lambda known, command: known.decisions.one((1_00, 5_00, 0, 10**9)),
    "stake_max_minor": lambda known, command: known.decisions.one((5_000_00, 1_000_00, 10_000_00, 40_00, 0)),
    "win_max_minor": lambda known, command: known.decisions.one((10_000_00, 50_000_00, 100_00, 0)),
}  # fmt: skip
