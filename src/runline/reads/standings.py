"""Standings: pages of accounts and of markets in the order of a figure. All there are are looked at for each page."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from runline.domain.catalog import Fixture
from runline.domain.hierarchy import Player
from runline.domain.messages import Rejected
from runline.domain.outcomes import Place, Stand
from runline.domain.queries.declared import Asked, Page
from runline.domain.queries.standings import Account, AccountsAsked, MarketRisk, RiskAsked
from runline.domain.risk import legs_standing
from runline.domain.shown import account_of, exposure_by
from runline.domain.tickets import Ticket
from runline.engine.ports import Wanted
from runline.reads.limits import ACCOUNTS_MAX, OPEN_TICKETS_MAX, WHOLE_TICKETS_MAX
from runline.reads.seen import SeenSnapshot
from runline.reads.windows import signed_number_of

T = TypeVar("T")

Within = frozenset[str] | None
"""The nodes of a part of the tree; None for all of it."""


def too_many(what: str, most: int) -> Rejected:
    """The refusal of what would take too long."""
    return Rejected("too_many", f"There are too many {what} to be sorted.", most=most)


def open_tickets(seen: SeenSnapshot, within: Within, fields: dict[str, str], *beside: str) -> Iterator[tuple[Any, ...]]:
    """The open tickets of a part of the tree: their numbers, with these fields. Raises Rejected `too_many`."""
    wanted = Wanted({"status": "open", **fields}, agents=within, ascending=True)
    count = 0
    while True:
        found = seen.snapshot.find(Ticket, wanted, OPEN_TICKETS_MAX, *beside)
        count += len(found.numbers)
        if count > OPEN_TICKETS_MAX or (found.goes_on and count == OPEN_TICKETS_MAX):
            raise too_many("open tickets", OPEN_TICKETS_MAX)
        yield from found.numbers
        if not found.goes_on:
            return
        wanted = Wanted(wanted.fields, agents=within, above=found.goes_on, ascending=True)


def sorted_page(
    rows: list[T], asked: Asked[Any], key: Callable[[T], tuple[int, str]], *, descending: bool, by_name: bool = False
) -> Page:
    """A page of rows in the order of a number, and of a name where that is the same: from its beginning on, unless it is by the
    name that they are to be in order."""
    backwards = descending and by_name
    sign = -1 if descending else 1
    keys = sorted((((sign * number, name), at) for at, (number, name) in enumerate(map(key, rows))), reverse=backwards)
    if asked.after:
        text, _, name = asked.after.partition(":")
        number = signed_number_of(text)
        last = sign * (number or 0), name
        keys = [one for one in keys if number is not None and (one[0] < last if backwards else one[0] > last)]
    chosen = [rows[at] for _, at in keys[: asked.limit]]
    more = "{}:{}".format(*key(chosen[-1])) if len(keys) > asked.limit else ""
    return Page(chosen, more)


def accounts_page(seen: SeenSnapshot, asked: AccountsAsked) -> Page:
    """Accounts in the order of a figure. Raises Rejected."""
    within, _ = seen.part_of(asked.agent, "")
    walked = list(
        islice(seen.snapshot.named(Player, "", {"agent": within} if within is not None else {}), ACCOUNTS_MAX + 1)
    )
    if len(walked) > ACCOUNTS_MAX:
        raise too_many("accounts", ACCOUNTS_MAX)
    pending: dict[str, list[int]] = {}
    for _, number, risk_minor in open_tickets(seen, within, {}, "player", "risk_minor"):
        sums = pending.setdefault(number, [0, 0])
        sums[0] += risk_minor
        sums[1] += 1
    rows = []
    for player in walked:
        if player is not None and asked.active in ("", "yes" if player.active else "no"):
            risk_minor, count = pending.get(player.number, (0, 0))
            values = [*account_of(player, risk_minor, seen.now_ns), count]
            rows.append(Account(*values))
    key, descending = ACCOUNT_KEYS[asked.sort], asked.order == "descending"
    return sorted_page(rows, asked, key, descending=descending, by_name=asked.sort == "player")


ACCOUNT_KEYS: dict[str, Callable[[Account], tuple[int, str]]] = {
    "balance": lambda row: (row.balance_minor, row.player),
    "pending": lambda row: (row.pending_minor, row.player),
    "available": lambda row: (row.available_minor, row.player),
    "credit": lambda row: (row.credit_limit_minor, row.player),
    "player": lambda row: (0, row.player),
}


def risk_page(seen: SeenSnapshot, asked: RiskAsked) -> Page:
    """Markets in the order of what they can cost. Raises Rejected."""
    within, fields = seen.part_of(asked.node, asked.player)
    if asked.fixture:
        fields["fixture"] = asked.fixture
    columns = ("market", "side", "line_quarters", "risk_minor", "win_minor", "more")
    stands: dict[str, dict[Place, Stand]] = {}
    games: dict[str, Fixture | None] = {}
    several: list[int] = []

    def count(market: str, side: str, line_quarters: int | None, risk_minor: int, win_minor: int) -> None:
        stand = stands.setdefault(market, {}).setdefault((side, line_quarters), Stand())
        stand.risk_minor += risk_minor
        stand.win_minor += win_minor
        stand.wagers += 1

    for number, *taken, more in open_tickets(seen, within, fields, *columns):
        if more is None:
            count(*taken)
        else:
            several.append(number)
            if len(several) > WHOLE_TICKETS_MAX:
                raise too_many("open tickets of several games", WHOLE_TICKETS_MAX)
    for ticket in seen.snapshot.rows(Ticket, several):
        for leg in legs_standing(ticket):
            count(leg.market, leg.side, leg.line_quarters, ticket.risk_minor, ticket.win_minor)

    def row(market: str) -> MarketRisk | None:
        fixture = market.rsplit(":", 2)[0]
        if fixture not in games:
            games[fixture] = seen.house.row(Fixture, fixture)
        game = games[fixture]
        about = (
            (game.league, game.sport, game.rotation, game.away, game.home, game.start_ns, game.status)
            if game is not None
            else ("", "", 0, "", "", 0, "")
        )
        wanted = (asked.league in ("", about[0]), asked.sport in ("", about[1]), asked.fixture in ("", fixture))
        values = [*exposure_by(market, stands[market]), fixture, *about]
        return MarketRisk(*values) if all(wanted) else None

    rows = [one for one in map(row, stands) if one is not None]
    return sorted_page(rows, asked, MARKET_KEYS[asked.sort], descending=asked.order == "descending")


MARKET_KEYS: dict[str, Callable[[MarketRisk], tuple[int, str]]] = {
    "worst": lambda row: (row.worst.exposure_minor, row.market),
    "risk": lambda row: (sum(row.risk_minor.values()), row.market),
    "wagers": lambda row: (row.wagers, row.market),
    "start": lambda row: (row.start_ns, row.market),
}
