"""History: the queries that are read from a snapshot of what is stored."""

from typing import Literal

import msgspec

from runline.domain.ledger import Movement
from runline.domain.permissions import Permission, StreamKind
from runline.domain.queries.declared import Asked, Query
from runline.domain.words import Told


class WagersAsked(Asked, frozen=True, kw_only=True):
    """status: open, settled or void. player, fixture: only theirs. Newest first.

    A page may be short, even empty, and have a `next`: the rows down to there were looked through, and it goes on.
    """

    status: Literal["", "open", "settled", "void"] = ""
    player: str = ""
    fixture: str = ""


class LegRow(Told, frozen=True):
    """A selection of a ticket.

    status: open, graded, or void (by hand, alone or with its ticket). result: how it ended. counts_at: the price at which it
    counts instead of its own; share: the part of the stake that has won in a dead heat, (numerator, denominator); None where
    no rule has changed that.
    """

    status: str
    result: str | None
    counts_at: str | None
    share: tuple[int, int] | None


class WagerRow(msgspec.Struct):
    """A ticket, in minor units.

    kind: `straight`: one leg. market to market_name: of its first leg (see there).
    selection: all its legs in words.
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


class LedgerAsked(Asked, frozen=True, kw_only=True):
    """player: only theirs. Newest first. A page may be short and have a `next` all the same."""

    player: str = ""


class LogAsked(Asked, frozen=True, kw_only=True):
    """type: only events of that type. actor: only what they did. Newest first.

    A page may be short, even empty, and have a `next`.
    """

    type: str = ""
    actor: str = ""


class LogRow(msgspec.Struct):
    """An entry of the activity log."""

    seq: int
    at_ns: int
    actor: str
    session: str
    command: str
    event: msgspec.Raw


class TraceAsked(Asked, frozen=True, kw_only=True):
    """command: its id."""

    command: str = ""


class TraceRow(msgspec.Struct):
    """The way of a command, for each of its events: the host's times, UTC nanoseconds.

    sealed_ns: when its batch was handed over to the store. durable_ns: when that was known to be durable; None until the next
    batch has noted it.
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


class RefusalRow(msgspec.Struct):
    """Refusals of one kind (who, which command, which code) within a minute: how many, and the first of them.

    actor: "" for somebody whom the stream does not know, and for all once there are too many kinds. first_id: the first one's
    command id, "" without one. details: the values that help.
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


def stored(
    name: str,
    about: str,
    needs: Permission,
    asked: type[Asked],
    row: type,
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
        "refusals", "What was refused to users of my subtree, newest first.", Permission.LOG_VIEW, Asked, RefusalRow
    ),
    stored("trace", "The way of one command, from the door to the disk.", Permission.LOG_VIEW, TraceAsked, TraceRow),
)
