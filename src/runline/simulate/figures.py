"""Figures: what Runline says of a stream's money and authority, in the shape in which the oracle says it."""

from collections.abc import Iterable
from typing import Any

from runline.domain.accounts import available_minor
from runline.domain.book import Book
from runline.domain.nodes import ROOT
from runline.domain.risk import AgentSums
from runline.domain.tickets import Ticket


def figures(state: Any, tickets: Iterable[Ticket]) -> dict[str, Any]:
    """All balances, pending amounts, exposures, permissions and sessions; and what became of some tickets."""
    found: dict[str, Any] = {
        "permissions": {
            name: tuple(one for one in state.access.roles[user.role].permissions if one in state.access.held_by(user))
            if user.active
            else ()
            for name, user in state.access.users.items()
        },
        "sessions": {
            name: (one.user, one.kind, one.idle_until_ns, one.ends_ns) for name, one in state.sessions.by_name.items()
        },
    }
    return {**found, **figures_of(state, tickets)} if isinstance(state, Book) else found


def figures_of(book: Book, tickets: Iterable[Ticket]) -> dict[str, Any]:
    """A book's money."""
    players, markets = book.tree.players, sorted(book.risk.stands(ROOT))
    exposure: dict[str, Any] = {}
    for node in book.tree.agents:
        cases = {market: book.risk.exposure(market, node) for market in markets}
        exposure[node] = {
            market: {"worst": one.worst.exposure_minor, "best": one.best.exposure_minor, "sides": one.sides}
            for market, one in cases.items()
        }
    sums_of = {node: book.risk.sums.get(node, AgentSums()) for node in book.tree.agents}
    return {
        "balances": {number: player.balance_minor for number, player in players.items()},
        "pending": {number: book.risk.pending.get(number, 0) for number in players},
        "available": {number: available_minor(book, player, book.at_ns) for number, player in players.items()},
        "accounts": {name: account.balance_minor for name, account in book.ledger.accounts.items()},
        "nodes": {
            node: {
                "balance": sums.balance_minor,
                "pending": sums.pending_minor,
                "open": sums.open_wagers,
                "players": sums.players,
            }
            for node, sums in sums_of.items()
        },
        "exposure": exposure,
        "tickets": {
            row.number: {
                "status": row.status,
                "result": row.result,
                "returned_minor": row.returned_minor,
                "risk_minor": row.risk_minor,
                "win_minor": row.win_minor,
                "settlement": row.settlement,
            }
            for row in tickets
        },
    }
