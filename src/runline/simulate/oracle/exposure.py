"""Exposure: what a book loses by how a game ends. Every outcome is tried: for a market about a number each margin, or sum, from
below all lines to above them; beyond them nothing changes any more."""

from math import ceil
from typing import Any

from runline.simulate.oracle.grading import by_points
from runline.simulate.oracle.prices import SIDES
from runline.simulate.oracle.state import ROOT, Book, Leg
from runline.simulate.oracle.tree import is_below

WAGER = tuple[str, "int | None", int, int]
"""(side, line, risk, win)."""

KEEPS = {"won": (1, 0), "half_won": (1, 0), "push": (0, 0), "half_lost": (0, 1), "lost": (0, 1)}


def open_legs(book: Book, node: str, market: str) -> list[tuple[Leg, int, int]]:
    """The open legs on a market of a node's players: each with its ticket's risk and win."""
    return [
        (leg, ticket.risk, ticket.win)
        for ticket in book.open.values()
        if node == ROOT or is_below(book, node, book.players[ticket.player].agent)
        for leg in ticket.legs
        if leg.market == market and leg.ended is None
    ]


def result_at(leg: Leg, number: int) -> str:
    """How a leg on a margin (of the home side) or a sum ends."""
    assert leg.line is not None
    if leg.side in ("over", "under"):
        beyond = 4 * number - leg.line
        return by_points(beyond if leg.side == "over" else -beyond)
    return by_points(4 * (number if leg.side == "home" else -number) + leg.line)


def lost_by(result: str, risk: int, win: int) -> int:
    """Twice what a book loses by one wager."""
    return {"won": 2 * win, "half_won": win, "push": 0, "half_lost": -risk, "lost": -2 * risk}[result]


def exposure(book: Book, node: str, market: str) -> dict[str, Any]:
    """The worst and the best case, and of each side the most that is lost where wagers on it win (without any: where all others
    lose), in minor units."""
    kind = market.rsplit(":", 1)[1]
    legs = open_legs(book, node, market)
    if not legs:
        return {"worst": 0, "best": 0, "sides": dict.fromkeys(SIDES[kind], 0)}
    if kind not in ("spread", "total"):
        return by_winner(kind, legs)
    points = [leg.line // 4 for leg, _, _ in legs if leg.line is not None]
    reach = max(abs(point) for point in points) + 2
    numbers = range(0 if kind == "total" else -reach, reach + 1)
    costs = {
        number: ceil(sum(lost_by(result_at(leg, number), risk, win) for leg, risk, win in legs) / 2)
        for number in numbers
    }
    sides = {}
    for side in SIDES[kind]:
        own = [leg for leg, _, _ in legs if leg.side == side]
        where = [
            cost for number, cost in costs.items() if any(result_at(leg, number) in ("won", "half_won") for leg in own)
        ]
        rises = side in ("home", "over")
        sides[side] = max(where) if where else costs[numbers[-1] if rises else numbers[0]]
    return {"worst": max(costs.values()), "best": min(costs.values()), "sides": sides}


def by_winner(kind: str, legs: list[tuple[Leg, int, int]]) -> dict[str, Any]:
    """Of a market about the winner. Where a draw is no side of it, it gives the money back."""
    sides = {side: sum(win if leg.side == side else -risk for leg, risk, win in legs) for side in SIDES[kind]}
    cases = [*sides.values(), *([] if "draw" in sides else [0])]
    return {"worst": max(cases), "best": min(cases), "sides": sides}
