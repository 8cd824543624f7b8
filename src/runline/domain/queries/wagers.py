"""Wagers: what is asked of tickets and of movements of money, and the rows in which they are shown."""

from typing import Generic, Literal

import msgspec

from runline.domain.grading import Score
from runline.domain.ledger import Movement
from runline.domain.queries.declared import R
from runline.domain.queries.windows import Window
from runline.domain.words import Told


class LegRow(Told, frozen=True):
    """A selection of a ticket.

    status: `open`, `graded`, or `void` (by hand, alone or with its ticket). result: how it ended. score: of its game, as it is
    confirmed now; None while there is none. counts_at: the price at which
    it counts instead of its own; share: the part of the stake that has won in a dead heat, (numerator, denominator); None where
    no rule has changed that.
    """

    status: str
    result: str | None
    score: Score | None
    counts_at: str | None
    share: tuple[int, int] | None


class WagerRow(msgspec.Struct):
    """A ticket, in minor units. What is of one leg is here of the first.

    kind: `straight` has one leg. rotation: the side's own number, 0 if not known. period_name, market_name: as its sport calls
    them. selection: all its legs in words. status: `open`, `settled`, `void`. score: of its game, as it is confirmed now; None
    while there is none.
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
    score: Score | None
    returned_minor: int | None
    closed_ns: int | None
    void_reason: str


class WagersPicked(Window[R], Generic[R], frozen=True, kw_only=True):
    """By what tickets are picked: those that have all that is asked for. Of a ticket's legs the first counts.

    status: only those that are open, settled or void. player: only that account's.
    agent: only of players who stand at that agent now, or below.
    sport: only on a game of that sport. league: only on a game of that league. fixture: only on that game (that of any leg).
    market: only on that market. side: only on that side.
    kind: only of that kind. channel: only those that came so. number: only the ticket of that number.
    least_minor: only those that risk so much or more. most_minor: only those that risk so much or less; 0 for no bound.
    """

    status: Literal["", "open", "settled", "void"] = ""
    player: str = ""
    agent: str = ""
    sport: str = ""
    league: str = ""
    fixture: str = ""
    market: str = ""
    side: Literal["", "away", "home", "draw", "over", "under"] = ""
    kind: str = ""
    channel: Literal["", "api", "web", "phone", "clerk"] = ""
    number: int = 0
    least_minor: int = 0
    most_minor: int = 0


class WagersAsked(WagersPicked[WagerRow], frozen=True, kw_only=True):
    """Tickets that have all that is asked for, the newest first unless another order is.

    A page may be short, even empty, and have a `next`: the rows down to there were looked through, and it goes on.

    sort: by when it was placed, or by what is risked. By the latter 10,000 tickets are sorted at most: more are refused
    (`too_many`), to be narrowed, by a window for one.
    order: descending (the newest, the largest first) or ascending.
    """

    sort: Literal["placed", "risk"] = "placed"
    order: Literal["descending", "ascending"] = "descending"


class WagerTotal(msgspec.Struct):
    """The sums of some tickets.

    key: what all of them have of that by which they are grouped. wagers: how many they are. risk_minor, win_minor: what they risk
    and would win, open or not. returned_minor: what those that are closed have returned, stakes included.
    """

    key: str
    wagers: int = 0
    risk_minor: int = 0
    win_minor: int = 0
    returned_minor: int = 0

    def add(self, wagers: int, risk_minor: int, win_minor: int, returned_minor: int) -> None:
        """Count more tickets."""
        self.wagers += wagers
        self.risk_minor += risk_minor
        self.win_minor += win_minor
        self.returned_minor += returned_minor


class WagerTotalsAsked(WagersPicked[WagerTotal], frozen=True, kw_only=True):
    """The sums of the tickets that have all that is asked for, which are 100,000 at most: more are refused (`too_many`), to be
    narrowed, by a window for one.

    by: what they are grouped by, "" for all in one. (`agent`: where the player stood then; `writer`: who placed it.)
    """

    by: Literal[
        "",
        "status",
        "player",
        "agent",
        "sport",
        "league",
        "fixture",
        "market",
        "side",
        "kind",
        "channel",
        "writer",
    ] = ""


class LedgerAsked(Window[Movement], frozen=True, kw_only=True):
    """Movements that have all that is asked for, the newest first unless another order is. A page may be short and have a `next`
    all the same.

    player: only theirs. agent: only of players who stand at that agent now, or below.
    order: descending (the newest first) or ascending.
    """

    player: str = ""
    agent: str = ""
    order: Literal["descending", "ascending"] = "descending"
