"""History: the queries that are read from a snapshot of what is stored."""

from typing import Generic, Literal

import msgspec

from runline.domain.ledger import Movement
from runline.domain.permissions import Permission, StreamKind
from runline.domain.queries.declared import Asked, Query, R
from runline.domain.times import time_of
from runline.domain.words import Told


class Window(Asked[R], Generic[R], frozen=True, kw_only=True):
    """What every query of history takes that is in the order of time.

    since: only what is of that time or later, in ISO 8601 (2026-09-13T17:00:00Z, or with another zone) or in UTC nanoseconds.
    until: only what is of an earlier time than that, written likewise.
    """

    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in (self.since, self.until):
            if text:
                time_of(text)


class LegRow(Told, frozen=True):
    """A selection of a ticket.

    status: `open`, `graded`, or `void` (by hand, alone or with its ticket). result: how it ended. counts_at: the price at which
    it counts instead of its own; share: the part of the stake that has won in a dead heat, (numerator, denominator); None where
    no rule has changed that.
    """

    status: str
    result: str | None
    counts_at: str | None
    share: tuple[int, int] | None


class WagerRow(msgspec.Struct):
    """A ticket, in minor units. What is of one leg is here of the first.

    kind: `straight` has one leg. rotation: the side's own number, 0 if not known. period_name, market_name: as its sport calls
    them. selection: all its legs in words. status: `open`, `settled`, `void`.
    void_reason: why it is void: what whoever voided it said, or what became of the game; "" if it is not.
    """

    number: int
    player: str
    agent: str
    kind: str
    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    league: str
    away: str
    home: str
    start_ns: int
    rotation: int
    period_name: str
    market_name: str
    selection: str
    legs: list[LegRow]
    risk_minor: int
    win_minor: int
    writer: str
    channel: str
    placed_ns: int
    status: str
    result: str | None
    returned_minor: int | None
    closed_ns: int | None
    void_reason: str


class WagersAsked(Window[WagerRow], frozen=True, kw_only=True):
    """Tickets that have all that is asked for, the newest first unless another order is.

    A page may be short, even empty, and have a `next`: the rows down to there were looked through, and it goes on.

    status: only those that are open, settled or void. player: only that account's.
    agent: only of players who stand at that agent now, or below.
    fixture: only on that game. market: only on that market. side: only on that side. (Of a ticket's legs the first counts.)
    least_minor: only those that risk so much or more. most_minor: only those that risk so much or less; 0 for no bound.
    sort: by when it was placed, or by what is risked. By the latter 10,000 tickets are sorted at most: more are refused
    (`too_many`), to be narrowed, by a window for one.
    order: descending (the newest, the largest first) or ascending.
    """

    status: Literal["", "open", "settled", "void"] = ""
    player: str = ""
    agent: str = ""
    fixture: str = ""
    market: str = ""
    side: Literal["", "away", "home", "draw", "over", "under"] = ""
    least_minor: int = 0
    most_minor: int = 0
    sort: Literal["placed", "risk"] = "placed"
    order: Literal["descending", "ascending"] = "descending"


class LedgerAsked(Window[Movement], frozen=True, kw_only=True):
    """Movements that have all that is asked for, the newest first unless another order is. A page may be short and have a `next`
    all the same.

    player: only theirs. agent: only of players who stand at that agent now, or below.
    order: descending (the newest first) or ascending.
    """

    player: str = ""
    agent: str = ""
    order: Literal["descending", "ascending"] = "descending"


class LogRow(msgspec.Struct):
    """An entry of the activity log."""

    seq: int
    at_ns: int
    actor: str
    session: str
    command: str
    event: msgspec.Raw


class LogAsked(Window[LogRow], frozen=True, kw_only=True):
    """Entries that have all that is asked for, newest first.

    Within the window they are looked through one by one, 20,000 for a page: it may be short, even empty, and have a `next`.

    type: only events of that type. actor: only what they did. player: only what concerns that account.
    """

    type: str = ""
    actor: str = ""
    player: str = ""


class TraceRow(msgspec.Struct):
    """The way of a command, for each of its events: the host's times, UTC nanoseconds.

    node: the process that decided it. sealed_ns: when its batch was handed over to the store. durable_ns: when that was known to
    be durable; None until the next batch has noted it.
    """

    seq: int
    type: str
    actor: str
    node: str
    received_ns: int
    queued_ns: int
    decided_ns: int
    sealed_ns: int | None
    durable_ns: int | None


class TraceAsked(Asked[TraceRow], frozen=True, kw_only=True):
    """command: its id."""

    command: str = ""


class RefusalRow(msgspec.Struct):
    """Refusals of one kind (who, which command, which code) within a minute: how many, and the first of them.

    actor: "" for somebody whom the stream does not know, and for all once there are too many kinds. command: its type. first_id:
    the first one's command id, "" without one. details: the values that help.
    """

    first_ns: int
    last_ns: int
    actor: str
    command: str
    code: str
    count: int
    first_id: str
    message: str
    details: msgspec.Raw


class RefusalsAsked(Window[RefusalRow], frozen=True, kw_only=True):
    """Refusals that have all that is asked for, newest first. All that are kept are looked through, which are few thousands.

    actor: only of that user. command: only of commands of that type. code: only with that code.
    """

    actor: str = ""
    command: str = ""
    code: str = ""


def stored(
    name: str,
    about: str,
    needs: Permission,
    asked: type[Asked[R]],
    row: type[R],
    *,
    players: bool = False,
    streams: tuple[StreamKind, ...] = ("house", "book"),
) -> Query:
    """A query that is read from a snapshot."""
    return Query(name, about, needs, players, streams, asked, row, True, None)


DECLARED = (
    stored(
        "wagers",
        "Tickets of my subtree (or my own), newest first.",
        Permission.TICKER_VIEW,
        WagersAsked,
        WagerRow,
        players=True,
        streams=("book",),
    ),
    stored(
        "ledger",
        "Movements of money of my subtree, newest first.",
        Permission.FIGURES_VIEW,
        LedgerAsked,
        Movement,
        players=True,
        streams=("book",),
    ),
    stored("log", "The activity log: what concerns my subtree, newest first.", Permission.LOG_VIEW, LogAsked, LogRow),
    stored(
        "refusals",
        "What was refused to users of my subtree, newest first.",
        Permission.LOG_VIEW,
        RefusalsAsked,
        RefusalRow,
    ),
    stored("trace", "The way of one command, from the door to the disk.", Permission.LOG_VIEW, TraceAsked, TraceRow),
)
