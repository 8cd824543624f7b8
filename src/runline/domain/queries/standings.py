"""Standings: accounts and markets of a part of the tree, sorted over all of them."""

from typing import Literal

from runline.domain.queries.declared import Asked
from runline.domain.shown import Exposure, PlayerFigures


class Account(PlayerFigures):
    """A player's account, and how many tickets are open on it."""

    open_wagers: int


class AccountsAsked(Asked[Account], frozen=True, kw_only=True):
    """Accounts in the order of one of their figures, the largest first unless another order is.

    Of a book of more than 100,000 accounts, or 200,000 open tickets, they are not sorted (`too_many`): `players` has them.

    agent: only players who stand at that agent now, or below. active: only accounts that take wagers, or that take none.
    sort: by the account number, or by a figure; accounts of which it is the same come by their numbers.
    order: descending (the largest first) or ascending.
    """

    agent: str = ""
    active: Literal["", "yes", "no"] = ""
    sort: Literal["balance", "pending", "available", "credit", "player"] = "balance"
    order: Literal["descending", "ascending"] = "descending"


class MarketRisk(Exposure):
    """What a market with open wagers can cost, and what it is about.

    league, sport, away, home, start_ns, rotation, status: of its game; "" and 0 if that is not known here.
    """

    fixture: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int
    status: str


class RiskAsked(Asked[MarketRisk], frozen=True, kw_only=True):
    """Every market with open wagers of a node's players in the order of what it can cost, the most first unless another is asked.

    Of more than 200,000 open tickets they are not sorted (`too_many`): `exposure` has them by market.

    node: an agent of my subtree, "" for my own. player: only by that one's wagers. sport, league, fixture: only of that.
    sort: by the worst case, by what stands on all sides together, by how many tickets, or by the start of the game.
    order: descending (the most, the latest first) or ascending.
    """

    node: str = ""
    player: str = ""
    sport: str = ""
    league: str = ""
    fixture: str = ""
    sort: Literal["worst", "risk", "wagers", "start"] = "worst"
    order: Literal["descending", "ascending"] = "descending"
