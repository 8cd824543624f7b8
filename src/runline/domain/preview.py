"""Preview: what a command would move, without moving it."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import msgspec

from runline.domain.accounts import TransactionEntered
from runline.domain.book import Book
from runline.domain.bounds import ROLES_ENDED_LOOKED_MAX, ROLES_ENDED_MAX
from runline.domain.legs import LegGraded, LegReversed, LegVoided
from runline.domain.messages import Event
from runline.domain.moving import AgentMoved
from runline.domain.nodes import ROOT
from runline.domain.outcomes import Case, Place, Stand, cases_of
from runline.domain.permissions import Permission
from runline.domain.placed import Selection, TicketPlaced
from runline.domain.state import State
from runline.domain.tickets import WagerReversed, WagerSettled, WagerVoided


class Moves(msgspec.Struct):
    """Changes, amounts in minor units.

    balance, pending: by player. exposure: by market, of what its worst case costs the asker's part of the book; worst: that case
    as it is then, of each market in which anything moves. roles_ended: the role that counts no more, by user (ROLES_ENDED_MAX of
    them).
    """

    balance: dict[str, int] = {}
    pending: dict[str, int] = {}
    exposure: dict[str, int] = {}
    worst: dict[str, Case] = {}
    roles_ended: dict[str, str] = {}


def moves(book: Book, events: list[Event], node: str | None = ROOT) -> Moves:
    """What these events, decided in this state and not applied, would move. A rule beside `evolve`, tested against it.

    node: of whose players exposure is told; None for who may not see any.
    """
    total = Moves()
    stood = Stood(book, node)
    for event in events:
        if isinstance(event, TransactionEntered):
            add(total.balance, event.player, event.change_minor)
        elif isinstance(event, TicketPlaced):
            player, risk_minor, win_minor, selections = event.taken()
            add(total.pending, player, risk_minor)
            stood.moves(player, selections, risk_minor, win_minor, 1)
        elif isinstance(event, WagerSettled | WagerVoided | WagerReversed):
            ticket = book.tickets.by_number[event.wager]
            sign = 1 if isinstance(event, WagerReversed) else -1
            legs = ticket.legs_at(event.opened if isinstance(event, WagerReversed) else event.stood)
            add(total.pending, ticket.player, sign * ticket.risk_minor)
            stood.moves(ticket.player, legs, sign * ticket.risk_minor, sign * ticket.win_minor, sign)
            if isinstance(event, WagerSettled):
                add(total.balance, ticket.player, event.returned_minor - ticket.risk_minor)
            elif isinstance(event, WagerReversed):
                add(total.balance, ticket.player, event.change_minor)
        elif isinstance(event, LegGraded | LegVoided | LegReversed):
            ticket = book.tickets.by_number[event.wager]
            sign = 1 if isinstance(event, LegReversed) else -1
            stood.moves(
                ticket.player, ticket.legs_at((event.leg,)), sign * ticket.risk_minor, sign * ticket.win_minor, sign
            )
        elif isinstance(event, AgentMoved):
            total.roles_ended = roles_ended(book, event)
    for market, stands in stood.after.items():
        left = {place: stand for place, stand in stands.items() if stand.wagers}
        if left == book.risk.stands(stood.node).get(market, {}):
            continue
        total.worst[market] = cases_of(market, left).worst
        change = total.worst[market].exposure_minor - book.risk.exposure(market, stood.node).worst.exposure_minor
        add(total.exposure, market, change)
    return total


def moves_shown_to(actor: str, state: State, events: list[Event]) -> Moves:
    """What these events would move, as far as who asks may see it: exposure with the figures of their own subtree."""
    if not isinstance(state, Book):
        return Moves()
    user = state.access.users.get(actor)
    if user is None:
        return moves(state, events)
    sees = not user.player and Permission.FIGURES_VIEW.value in state.access.held_by(user)
    return moves(state, events, user.node if sees else None)


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


class Stood:
    """What stands in the markets in which tickets come and go, as it is after them."""

    def __init__(self, book: Book, node: str | None) -> None:
        self.book = book
        self.shown = node is not None
        self.node = node or ROOT
        self.after: dict[str, dict[Place, Stand]] = {}

    def moves(self, player: str, legs: Iterable[Selection], risk_minor: int, win_minor: int, wagers: int) -> None:
        """Count a ticket that comes (wagers=1) or goes (wagers=-1, amounts negative)."""
        tree = self.book.tree
        if not self.shown or not tree.below(self.node, tree.players[player].agent):
            return
        for leg in legs:
            market, place = leg.market, (leg.side, leg.line_quarters)
            if market not in self.after:
                standing = self.book.risk.stands(self.node).get(market, {})
                self.after[market] = {place: replace(stand) for place, stand in standing.items()}
            stand = self.after[market].setdefault(place, Stand())
            stand.risk_minor += risk_minor
            stand.win_minor += win_minor
            stand.wagers += wagers
