"""Money: pages of tickets and of movements of money, and their sums."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from runline.domain.catalog import Fixture
from runline.domain.ledger import LedgerEntry, Movement
from runline.domain.messages import Rejected
from runline.domain.nodes import ROOT
from runline.domain.queries.declared import Page
from runline.domain.queries.pages import page_of
from runline.domain.queries.wagers import LedgerAsked, WagersAsked, WagersPicked, WagerTotal, WagerTotalsAsked
from runline.domain.state import R, Row
from runline.domain.tickets import Ticket
from runline.engine.ports import Wanted
from runline.reads.limits import SORTED_ROWS_MAX, TOTAL_ROWS_MAX
from runline.reads.seen import SeenSnapshot, outside
from runline.reads.tickets import wager_rows
from runline.reads.windows import number_of, span

MOVEMENT_VALUES = attrgetter(*Movement.__struct_fields__)


def movement(entry: LedgerEntry) -> Movement:
    """A movement as its reader sees it."""
    return Movement(*MOVEMENT_VALUES(entry))


def wanted_of(seen: SeenSnapshot, asked: WagersPicked[Any] | LedgerAsked, *, ascending: bool, **fields: str) -> Wanted:
    """Rows of the asker's subtree or account with these values: each belongs to its player, wherever they stood then.

    Raises Rejected `not_permitted`, `unknown_agent`.
    """
    if seen.audience.player:
        if asked.player not in ("", seen.audience.player):
            raise outside()
        fields["player"] = seen.audience.player
    elif asked.player and not seen.below("", seen.node_of_player(asked.player) or ROOT):
        raise outside()
    agents = seen.within if not fields["player"] else None
    if asked.agent:
        agents = seen.subtree_of(asked.agent)
    wanted = {field: value for field, value in fields.items() if value}
    return Wanted(wanted, agents=agents, ascending=ascending)


def time_at(seen: SeenSnapshot, row_type: type[Row], field: str) -> Callable[[int], int | None]:
    """What says the time of the row that has the highest number up to one."""

    def time(number: int) -> int | None:
        found = seen.snapshot.find(row_type, Wanted({}, below=number + 1), 1, field).numbers
        return found[0][1] if found else None

    return time


def wagers_wanted(seen: SeenSnapshot, asked: WagersPicked[Any], *, ascending: bool, paged: bool) -> Wanted:
    """The tickets that are asked for. paged: whether `after` names a number.

    Raises Rejected `not_permitted`, `unknown_agent`.
    """
    wanted = wanted_of(
        seen,
        asked,
        ascending=ascending,
        player=asked.player,
        fixture=asked.fixture or asked.market.partition(":")[0],
        market=asked.market,
        side=asked.side,
        status=asked.status,
        kind=asked.kind,
        channel=asked.channel,
    )
    position = seen.snapshot.position
    time = time_at(seen, Ticket, "placed_ns")
    above, below = span(position, asked, time, ascending=ascending, paged=paged)
    if asked.number:
        number = min(max(asked.number, 0), position + 1)
        above, below = max(above, number - 1), min(below, number + 1)
    return msgspec.structs.replace(
        wanted,
        least={"risk_minor": asked.least_minor} if asked.least_minor else {},
        most={"risk_minor": asked.most_minor} if asked.most_minor else {},
        game={field: value for field, value in (("sport", asked.sport), ("league", asked.league)) if value},
        above=above,
        below=below,
    )


def wagers_page(seen: SeenSnapshot, asked: WagersAsked) -> Page:
    """Tickets, in the order that is asked for."""
    by_risk = asked.sort == "risk"
    wanted = wagers_wanted(seen, asked, ascending=asked.order == "ascending", paged=not by_risk)
    if by_risk:
        return sorted_page(seen, wanted, asked)
    return rows_page(seen, Ticket, wanted, wager_rows(seen), asked.limit)


def totals_page(seen: SeenSnapshot, asked: WagerTotalsAsked) -> Page:
    """The sums of the tickets that are asked for, in groups, of which the one that risks most comes first.

    Raises Rejected `too_many`.
    """
    wanted = wagers_wanted(seen, asked, ascending=False, paged=False)
    of_game = asked.by if asked.by in ("sport", "league") else ""
    column = ("fixture" if of_game else asked.by) or "kind"
    found = seen.snapshot.find(Ticket, wanted, TOTAL_ROWS_MAX, "risk_minor", "win_minor", "returned_minor", column)
    if found.goes_on:
        sentence = "These are too many to be summed up. Narrow them: by time, a player, a game."
        raise Rejected("too_many", sentence, most=TOTAL_ROWS_MAX)
    totals: dict[str, WagerTotal] = {} if asked.by else {"": WagerTotal("")}
    for _, risk_minor, win_minor, returned_minor, value in found.numbers:
        key = value if asked.by else ""
        if (total := totals.get(key)) is None:
            total = totals[key] = WagerTotal(key)
        total.add(1, risk_minor, win_minor, returned_minor or 0)
    if of_game:
        totals = by_game(seen, totals, of_game)
    groups = sorted(((-total.risk_minor, key), total) for key, total in totals.items())
    if asked.after:
        text, _, key = asked.after.partition(":")
        risk = number_of(text)
        groups = [group for group in groups if risk is not None and group[0] > (-risk, key)]
    return page_of((group[1] for group in groups), asked, lambda total: f"{total.risk_minor}:{total.key}")


def by_game(seen: SeenSnapshot, totals: dict[str, WagerTotal], field: str) -> dict[str, WagerTotal]:
    """Sums by game as those by sport or league, "" where the game is not known here."""
    found: dict[str, WagerTotal] = {}
    for fixture, total in totals.items():
        game = seen.house.row(Fixture, fixture)
        key = getattr(game, field) if game is not None else ""
        found.setdefault(key, WagerTotal(key)).add(
            total.wagers, total.risk_minor, total.win_minor, total.returned_minor
        )
    return found


def ledger_page(seen: SeenSnapshot, asked: LedgerAsked) -> Page:
    """Movements, in the order that is asked for."""
    wanted = wanted_of(seen, asked, ascending=asked.order == "ascending", player=asked.player)
    above, below = span(seen.snapshot.position, asked, time_at(seen, LedgerEntry, "at_ns"), ascending=wanted.ascending)
    wanted = msgspec.structs.replace(wanted, above=above, below=below)
    return rows_page(seen, LedgerEntry, wanted, movement, asked.limit)


def rows_page(seen: SeenSnapshot, row_type: type[R], wanted: Wanted, shown: Callable[[R], Any], limit: int) -> Page:
    """Rows in the order of their numbers."""
    found = seen.snapshot.find(row_type, wanted, limit)
    rows = seen.snapshot.rows(row_type, [number for (number,) in found.numbers])
    return Page([shown(row) for row in rows], str(found.goes_on or ""))


def sorted_page(seen: SeenSnapshot, wanted: Wanted, asked: WagersAsked) -> Page:
    """Tickets by what is risked, and by number where that is the same: all that are wanted are sorted for each page.

    Raises Rejected `too_many`.
    """
    found = seen.snapshot.find(Ticket, wanted, SORTED_ROWS_MAX, "risk_minor")
    if found.goes_on:
        sentence = "These are too many to be sorted. Narrow them: by time, a player, a game."
        raise Rejected("too_many", sentence, most=SORTED_ROWS_MAX)
    keys = sorted(((risk, number) for number, risk in found.numbers), reverse=not wanted.ascending)
    if asked.after:
        risk, number = map(number_of, asked.after.partition(":")[::2])
        if risk is None or number is None:
            return Page([])
        last = risk, number
        keys = [key for key in keys if (key > last if wanted.ascending else key < last)]
    chosen = keys[: asked.limit]
    rows = seen.snapshot.rows(Ticket, [number for _, number in chosen])
    more = f"{chosen[-1][0]}:{chosen[-1][1]}" if len(keys) > asked.limit else ""
    return Page(list(map(wager_rows(seen), rows)), more)
