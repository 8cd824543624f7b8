"""Preview: what a command would move, as far as whoever asks may see it."""

from collections import Counter
from typing import Any

from runline.simulate.oracle.answers import Event
from runline.simulate.oracle.exposure import Taken, case_of, exposure
from runline.simulate.oracle.people import may
from runline.simulate.oracle.state import ROOT, Book, Leg
from runline.simulate.oracle.tree import is_below, upwards


def moves(book: Book, actor: str, events: tuple[Event, ...]) -> dict[str, Any]:
    """What events would move that have not happened: balances and pending risk by player, the worst case of markets (as of the
    asker's part of the book) and how far it moves, and whose roles a move of an agent would end."""
    user = book.users.get(actor)
    node = ROOT if user is None else user.node
    sees = user is None or (not user.player and "figures_view" in may(book, user))
    balance: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    comes: dict[str, list[Taken]] = {}
    goes: dict[str, list[Taken]] = {}
    ended: dict[str, str] = {}
    for name, fields in events:
        if name == "TransactionEntered":
            balance[fields["player"]] += fields["change_minor"]
        elif "risk_minor" in fields:
            pending[fields["player"]] += fields["risk_minor"]
            if sees and is_below(book, node, book.players[fields["player"]].agent):
                for leg in legs_placed(fields):
                    comes.setdefault(leg.market, []).append((leg, fields["risk_minor"], fields["win_minor"]))
        elif name in ("WagerSettled", "WagerVoided", "WagerReversed"):
            ticket = book.tickets[fields["wager"]]
            back = name == "WagerReversed"
            pending[ticket.player] += ticket.risk if back else -ticket.risk
            if name != "WagerVoided":
                change = fields["change_minor"] if back else fields["returned_minor"] - ticket.risk
                balance[ticket.player] += change
            if sees and is_below(book, node, book.players[ticket.player].agent):
                for number in fields["opened" if back else "stood"]:
                    leg = ticket.legs[number - 1]
                    (comes if back else goes).setdefault(leg.market, []).append((leg, ticket.risk, ticket.win))
        elif name in ("LegGraded", "LegVoided", "LegReversed"):
            ticket = book.tickets[fields["wager"]]
            if sees and is_below(book, node, book.players[ticket.player].agent):
                leg = ticket.legs[fields["leg"] - 1]
                moved = comes if name == "LegReversed" else goes
                moved.setdefault(leg.market, []).append((leg, ticket.risk, ticket.win))
        elif name == "AgentMoved":
            ended = roles_ended(book, fields["agent"], fields["after"])
    worst, change = {}, {}
    for market in {**comes, **goes}:
        before = open_in(book, node, market)
        after = without([*before, *comes.get(market, [])], goes.get(market, []))
        if places(before) != places(after):
            worst[market] = case_of(market, after, "worst")
            difference = worst[market]["exposure_minor"] - exposure(market, before)["worst"]
            if difference:
                change[market] = difference
    return {
        "balance": {number: amount for number, amount in balance.items() if amount},
        "pending": {number: amount for number, amount in pending.items() if amount},
        "exposure": change,
        "worst": worst,
        "roles_ended": ended,
    }


def legs_placed(fields: dict[str, Any]) -> list[Leg]:
    """The legs of a ticket that is placed: that of a straight stands in the event itself."""
    if "legs" in fields:
        return [Leg(*leg[:5]) for leg in fields["legs"]]
    return [Leg(fields["fixture"], fields["market"], fields["side"], fields["line_quarters"], fields["price"])]


def open_in(book: Book, node: str, market: str) -> list[Taken]:
    """The open legs on a market of a node's players."""
    return [
        (leg, ticket.risk, ticket.win)
        for ticket in book.of_game.get(market.rsplit(":", 2)[0], ())
        if ticket.status == "open" and is_below(book, node, book.players[ticket.player].agent)
        for leg in ticket.legs
        if leg.market == market and leg.ended is None
    ]


def without(legs: list[Taken], gone: list[Taken]) -> list[Taken]:
    """What is left of some legs."""
    left = list(legs)
    for one in gone:
        left.remove(one)
    return left


def places(legs: list[Taken]) -> Counter[Any]:
    """What stands on each side at each line."""
    found: Counter[Any] = Counter()
    for leg, risk, win in legs:
        for what, amount in (("risk", risk), ("win", win), ("wagers", 1)):
            found[leg.side, leg.line, what] += amount
    return found


def roles_ended(book: Book, agent: str, parent: str) -> dict[str, str]:
    """The roles that count no more once an agent has another parent, by user."""
    above = [*upwards(book, parent)]
    return {
        user.name: user.role
        for user in book.users.values()
        if not user.player
        and is_below(book, agent, user.node)
        and is_below(book, book.roles[user.role].node, user.node)
        and not is_below(book, agent, book.roles[user.role].node)
        and book.roles[user.role].node not in above
    }
