"""History: the queries that are read from a snapshot of what is stored."""

import msgspec

from runline.domain.ledger import Movement
from runline.domain.permissions import Permission, StreamKind
from runline.domain.queries.bounds import FIND_ROWS_MAX, PAGE_ROWS_MAX, RESULT_BOOKS_MAX
from runline.domain.queries.declared import Asked, Query, R
from runline.domain.queries.finding import FindAsked, Hit
from runline.domain.queries.line_history import LineHistoryAsked, LineRow
from runline.domain.queries.lives import LifeRow, WagerLifeAsked
from runline.domain.queries.standings import Account, AccountsAsked, MarketRisk, RiskAsked
from runline.domain.queries.wagers import LedgerAsked, WagerRow, WagersAsked, WagerTotal, WagerTotalsAsked
from runline.domain.queries.what_if import BookMoney, MarketMoney, ResultMoneyAsked, WhatIfAsked
from runline.domain.queries.windows import Window

OBJECTS: dict[str, tuple[str, ...]] = {
    "player": ("player", "user"),
    "user": ("user", "player", "owner", "writer"),
    "agent": ("agent", "parent", "node", "before", "after"),
    "role": ("role", "before", "after"),
    "wager": ("wager",),
    "fixture": ("fixture",),
    "market": ("market",),
    "league": ("league",),
    "session": ("session",),
    "feed": ("feed", "source"),
    "book": ("book",),
}
"""The kinds of things that events name, each with the fields that name them."""


PERMISSIONS = tuple(permission.value for permission in Permission)
"""The names of all permissions."""


class LogRow(msgspec.Struct):
    """An entry of the activity log.

    role: that its actor held at that moment, "" of engine and gateway. Who stands above the asker, or in another subtree, and has
    done what concerns everyone (a suspension of a game), is told by name alone: role and session are "". permission: by which its
    actor made it happen, "" of engine and gateway, which need none.
    """

    seq: int
    at_ns: int
    actor: str
    role: str
    permission: str
    session: str
    command: str
    event: msgspec.Raw


class LogAsked(Window[LogRow], frozen=True, kw_only=True):
    """Entries that have all that is asked for, newest first.

    Within the window they are looked through one by one, 20,000 for a page: it may be short, even empty, and have a `next`.

    type: only events of that type. actor: only what they did. role: only what was done by who held that role at that moment, and
    stands in the asker's subtree. permission: only what somebody made happen by that permission.
    player: only what concerns that account.
    agent: only what concerns that agent, or whoever stands below now, or has left it.
    object: only what names that thing, by its kind and its id: `player:A1021`, `wager:4711`, `fixture:G1` (its markets too),
    `market:G1:game:total`, `agent:A1`, `user:ann`, `role:clerks`, `session:…`, `league:MLB`, `feed:…`, `book:…`.
    """

    type: str = ""
    actor: str = ""
    role: str = ""
    permission: str = ""
    player: str = ""
    agent: str = ""
    object: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.object and self.object.partition(":")[0] not in OBJECTS:
            raise ValueError(f"an object is KIND:ID, of a kind of {', '.join(OBJECTS)}")
        if self.permission and self.permission not in PERMISSIONS:
            raise ValueError(f"a permission is one of {', '.join(PERMISSIONS)}")


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
    needs: Permission | None,
    asked: type[Asked[R]],
    row: type[R],
    *,
    players: bool = False,
    streams: tuple[StreamKind, ...] = ("house", "book"),
    rows_max: int = PAGE_ROWS_MAX,
) -> Query:
    """A query that is read from a snapshot."""
    return Query(name, about, needs, players, streams, asked, row, True, None, rows_max=rows_max)


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
        "wager_totals",
        "The sums of tickets of my subtree (or my own), in groups, the one that risks most first.",
        Permission.TICKER_VIEW,
        WagerTotalsAsked,
        WagerTotal,
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
    stored(
        "wager_life",
        "What has happened to a ticket of my subtree (or my own), the last first, and why.",
        Permission.TICKER_VIEW,
        WagerLifeAsked,
        LifeRow,
        players=True,
        streams=("book",),
    ),
    stored(
        "what_if",
        "What a final score of a game would make of the open tickets of my subtree's players, by market.",
        Permission.FIGURES_VIEW,
        WhatIfAsked,
        MarketMoney,
        streams=("book",),
    ),
    stored(
        "result_money",
        "What the score that was entered of a game would make of each book's tickets, once it is confirmed: to those who may "
        "confirm it (`result_confirm`), too.",
        Permission.FIGURES_VIEW,
        ResultMoneyAsked,
        BookMoney,
        streams=("house",),
        rows_max=RESULT_BOOKS_MAX,
    ),
    stored(
        "line_history",
        "What has become of a market's line, in the house and in the book, the last first.",
        Permission.LINE_MOVE,
        LineHistoryAsked,
        LineRow,
        streams=("book",),
    ),
    stored(
        "accounts",
        "The accounts of my subtree in the order of a figure, sorted over all of them.",
        Permission.FIGURES_VIEW,
        AccountsAsked,
        Account,
        streams=("book",),
    ),
    stored(
        "risk",
        "Every market with open wagers of my subtree's players, in the order of what it can cost.",
        Permission.FIGURES_VIEW,
        RiskAsked,
        MarketRisk,
        streams=("book",),
    ),
    stored(
        "find",
        "What begins with what was typed, of what I may see: players, agents, users, games, a ticket.",
        None,
        FindAsked,
        Hit,
        rows_max=FIND_ROWS_MAX,
    ),
    stored("trace", "The way of one command, from the door to the disk.", Permission.LOG_VIEW, TraceAsked, TraceRow),
)
