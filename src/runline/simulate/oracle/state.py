"""State: what the model keeps of a stream. Everything is a plain dict, list or value; what can be worked out is never kept.

`moved` has the position at which each thing last changed, for those who say at which position they have looked at it.
"""

from dataclasses import dataclass, field
from typing import Any

ROOT = "root"
HOUSE = "house"

Score = dict[str, Any]
Timer = tuple[str, str]


@dataclass
class Role:
    """permissions: in the order in which all permissions stand. narrowed: (node, role) of whoever took some out of it."""

    node: str
    permissions: tuple[str, ...]
    narrowed: tuple[str, str] = ("", "")


@dataclass
class User:
    """player: the account number, "" for staff. revoked, lowered: (node, role) of whoever has done so."""

    name: str
    node: str
    role: str
    player: str = ""
    active: bool = True
    revoked: tuple[str, str] = ("", "")
    lowered: tuple[str, str] = ("", "")


@dataclass
class Session:
    """idle_until_ns moves with what is done in it; ends_ns does not."""

    user: str
    kind: str
    started_ns: int
    idle_ns: int
    whole_ns: int
    idle_until_ns: int
    ends_ns: int


@dataclass
class Layer:
    """A suspension. node: where whoever set it stands. seq, since_ns: when it was set, or taken over; reason: why. took_over:
    whether there was one before."""

    node: str
    seq: int
    since_ns: int
    reason: str
    took_over: bool = False


@dataclass
class Stream:
    """What the house and a book have in common."""

    name: str
    seq: int = 0
    at_ns: int = 0
    moved: dict[tuple[str, Any], int] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    named_owner: str = ""
    passwords: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    layers: dict[tuple[str, str], Layer] = field(default_factory=dict)
    timers: dict[Timer, int] = field(default_factory=dict)
    aside: dict[int, tuple[str, str, str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return "house" if self.name == HOUSE else "book"

    def touch(self, what: str, key: Any) -> None:
        """Something changes by the event that is being taken."""
        self.moved[what, key] = self.seq

    def when_moved(self, what: str, key: Any) -> int:
        """The position at which something changed last, 0 if it never did."""
        return self.moved.get((what, key), 0)

    def set_timer(self, kind: str, subject: str, due_ns: int) -> None:
        """Time will cause something; what was set aside of it is forgotten."""
        self.no_longer_aside(("timer", kind, subject))
        self.timers[kind, subject] = due_ns

    def end_timer(self, kind: str, subject: str) -> None:
        """Time will cause nothing."""
        self.no_longer_aside(("timer", kind, subject))
        self.timers.pop((kind, subject), None)

    def no_longer_aside(self, duty: tuple[str, str, str]) -> None:
        """What was set aside is owed again, or not at all any more."""
        for number in [number for number, known in self.aside.items() if known == duty]:
            del self.aside[number]
            self.touch("aside", number)


@dataclass
class Game:
    """A fixture."""

    name: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int
    status: str = "scheduled"


@dataclass
class Market:
    """The house's line. off: why it is off the board, "" while it is on it. seq: of its last change."""

    name: str
    game: str
    kind: str
    period: str
    line: int | None = None
    prices: tuple[str, ...] = ()
    off: str = ""
    entered_ns: int = 0
    source: str = ""
    seq: int = 0


@dataclass
class Held:
    """A line that waits for a person."""

    market: str
    game: str
    kind: str
    period: str
    line: int | None
    prices: tuple[str, ...]
    entered_ns: int
    reasons: tuple[str, ...]
    source: str
    seq: int
    at_ns: int


@dataclass
class Known:
    """What is known of how a game ended. confirmed_seq: of the confirmation that stands. times: how many there were."""

    revision: int = 0
    entered: Score | None = None
    confirmed: Score | None = None
    confirmed_seq: int = 0
    times: int = 0


@dataclass
class Window:
    """What was told of wagers that will be void, or are: told, ended, stands."""

    number: int
    start_ns: int
    ends_ns: int
    markets: tuple[str, ...]
    voids_ns: int
    status: str = "told"
    score: Score | None = None
    seq: int = 0


@dataclass
class Feed:
    """A feed that is watched."""

    silent_after_ms: int
    heard_ns: int
    silent: bool = False
    watched_seq: int = 0


@dataclass
class House(Stream):
    """The house.

    of_game: the markets of each game. rulings: (position, league, market, period, rule or None), in order. starts: (until
    position, start) of each game that was moved. postponed: since when, and why. archived: (league, sport, what is known) of
    games that have left. opened: (owner, position) of each book. wishes: (what, which node, position) that is wanted of the
    nodes, and not told to them, by what it is about. told: what books settle by, by position; newest: where it stands for each
    game.
    """

    leagues: dict[str, str] = field(default_factory=dict)
    games: dict[str, Game] = field(default_factory=dict)
    markets: dict[str, Market] = field(default_factory=dict)
    of_game: dict[str, list[Market]] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    results: dict[str, Known] = field(default_factory=dict)
    archived: dict[str, tuple[str, str, Known]] = field(default_factory=dict)
    guard: dict[tuple[str, str, str, str], tuple[int, str]] = field(default_factory=dict)
    repeated: dict[tuple[str, str], int] = field(default_factory=dict)
    rulings: list[tuple[int, str, str, str, dict[str, Any] | None]] = field(default_factory=list)
    zones: dict[tuple[str, str], str] = field(default_factory=dict)
    starts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    postponed: dict[str, tuple[int, str]] = field(default_factory=dict)
    windows: dict[str, list[Window]] = field(default_factory=dict)
    feeds: dict[str, Feed] = field(default_factory=dict)
    slow: dict[str, int] = field(default_factory=dict)
    opened: dict[str, tuple[str, int]] = field(default_factory=dict)
    wishes: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)


@dataclass
class Player:
    """A player's account."""

    agent: str
    credit: int
    temporary: int = 0
    until_ns: int = 0
    balance: int = 0
    stake_max: int | None = None
    win_max: int | None = None
    active: bool = True


@dataclass
class Leg:
    """A selection as it was taken. ended: how it has ended, None while it is open."""

    game: str
    market: str
    side: str
    line: int | None
    price: str
    ended: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """open, graded or void."""
        if self.ended is None:
            return "open"
        return "void" if self.ended.get("voided") else "graded"


@dataclass
class Ticket:
    """A wager that was accepted. turned: at which positions of its book it was closed, opened again, closed, and so on."""

    number: int
    player: str
    risk: int
    win: int
    house_seq: int
    legs: list[Leg]
    kind: str = "straight"
    status: str = "open"
    result: str | None = None
    returned: int | None = None
    settlement: int = 0
    turned: list[int] = field(default_factory=list)

    def was_closed(self, seq: int) -> bool:
        """Whether it was closed at a position of its book."""
        return sum(turn <= seq for turn in self.turned) % 2 == 1


@dataclass
class Job:
    """A result that is being settled. moved_seq: where it began, or its last slice ended. queue: the tickets that were open as
    the stage began."""

    number: int
    game: str
    stage: str
    sport: str
    league: str
    house_seq: int
    score: Score | None
    moved_seq: int = 0
    cursor: int = 0
    done: int = 0
    queue: list[int] = field(default_factory=list)


@dataclass
class Departure:
    """How a book departs from the house's line."""

    mode: str = "follow"
    offset_quarters: int = 0
    offset_cents: int = 0
    line_quarters: int | None = None
    prices: tuple[str, ...] = ()


@dataclass
class Entry:
    """An entry of the ledger: money goes from debit to credit."""

    at_ns: int
    kind: str
    debit: str
    credit: str
    amount_minor: int
    player: str
    wager: int
    balance_before_minor: int
    balance_after_minor: int
    description: str


@dataclass
class Book(Stream):
    """A book.

    parents: of each agent, "" of the root. large_from: the risk from which on a wager is large, of nodes that have had one of
    their own. accounts: the book's own, from its side. open: the tickets that are. of_game: all tickets on a game. of_player: the
    open ones of a player.
    """

    rounding: dict[str, Any] = field(default_factory=dict)
    stake_min: int = 0
    stake_max: int = 0
    win_max: int = 0
    locks_stay_open: bool = False
    large_from: dict[str, int | None] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    lines: dict[str, Departure] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    open: dict[int, Ticket] = field(default_factory=dict)
    of_game: dict[str, list[Ticket]] = field(default_factory=dict)
    of_player: dict[str, dict[int, Ticket]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    taken_seq: int = 0
