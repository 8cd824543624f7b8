"""Preview: what a command would move, without moving it."""

from collections.abc import Iterable
from itertools import islice

import msgspec

from runline.domain.accounts import TransactionEntered
from runline.domain.book import Book
from runline.domain.bounds import ROLES_ENDED_LOOKED_MAX, ROLES_ENDED_MAX
from runline.domain.grading import SIDES
from runline.domain.hierarchy import AgentMoved
from runline.domain.legs import LegGraded, LegReversed, LegVoided
from runline.domain.messages import Event
from runline.domain.placed import TicketPlaced
from runline.domain.risk import Selection
from runline.domain.tickets import WagerReversed, WagerSettled, WagerVoided


class Moves(msgspec.Struct):
    """Changes, amounts in minor units.

    balance, pending: by player. exposure: by MARKET/SIDE, what the book loses if that side wins (less what it keeps).
    roles_ended: the role that counts no more, by user (ROLES_ENDED_MAX of them).
    """

    balance: dict[str, int] = {}
    pending: dict[str, int] = {}
    exposure: dict[str, int] = {}
    roles_ended: dict[str, str] = {}


def moves(book: Book, events: list[Event]) -> Moves:
    """What these events, decided in this state and not applied, would move. A rule beside `evolve`, tested against it."""
    total = Moves()
    for event in events:
        if isinstance(event, TransactionEntered):
            add(total.balance, event.player, event.change_minor)
        elif isinstance(event, TicketPlaced):
            player, risk_minor, win_minor, selections = event.taken()
            add(total.pending, player, risk_minor)
            stand(total, selections, risk_minor, win_minor)
        elif isinstance(event, WagerSettled | WagerVoided | WagerReversed):
            ticket = book.tickets.by_number[event.wager]
            sign = 1 if isinstance(event, WagerReversed) else -1
            legs = ticket.legs_at(event.opened if isinstance(event, WagerReversed) else event.stood)
            add(total.pending, ticket.player, sign * ticket.risk_minor)
            stand(total, legs, sign * ticket.risk_minor, sign * ticket.win_minor)
            if isinstance(event, WagerSettled):
                add(total.balance, ticket.player, event.returned_minor - ticket.risk_minor)
            elif isinstance(event, WagerReversed):
                add(total.balance, ticket.player, event.change_minor)
        elif isinstance(event, LegGraded | LegVoided | LegReversed):
            ticket = book.tickets.by_number[event.wager]
            sign = 1 if isinstance(event, LegReversed) else -1
            stand(total, ticket.legs_at((event.leg,)), sign * ticket.risk_minor, sign * ticket.win_minor)
        elif isinstance(event, AgentMoved):
            total.roles_ended = roles_ended(book, event)
    return total


def roles_ended(book: Book, moved: AgentMoved) -> dict[str, str]:
    """Whose roles a move ends: those that are kept above the agent and not above its new place."""
    ended: dict[str, str] = {}
    if not book.tree.extents[moved.agent].held.get("users"):
        return ended
    left = [node for node in book.tree.chain(moved.before) if not book.tree.below(node, moved.after)]
    looked = 0
    for name in sorted(role for node in left for role in book.access.kept.get(node, ())):
        for node, users in book.access.holders.get(name, {}).items():
            if looked == ROLES_ENDED_LOOKED_MAX:
                return ended
            looked += 1
            if users and book.tree.below(moved.agent, node):
                for user in islice(users, ROLES_ENDED_MAX - len(ended)):
                    ended[user] = name
    return ended


def add(sums: dict[str, int], key: str, change: int) -> None:
    sums[key] = sums.get(key, 0) + change
    if not sums[key]:
        del sums[key]


def stand(total: Moves, legs: Iterable[Selection], risk_minor: int, win_minor: int) -> None:
    """The exposure of each leg's side grows by what it wins; that of every other side falls by what this one risks."""
    for leg in legs:
        add(total.exposure, f"{leg.market}/{leg.side}", win_minor)
        for other in SIDES[leg.market.rsplit(":", 1)[1]]:
            if other != leg.side:
                add(total.exposure, f"{leg.market}/{other}", -risk_minor)
