"""Exposure: what a book loses by how a game ends. Every outcome is tried: for a market about a number each margin, or sum, from
below all lines to above them; beyond them nothing changes any more."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from runline.simulate.oracle.grading import by_points
from runline.simulate.oracle.prices import SIDES
from runline.simulate.oracle.state import Book, Leg
from runline.simulate.oracle.tree import is_below

Taken = tuple[Leg, int, int]
"""A leg with its ticket's risk and win."""


def open_legs(book: Book, node: str, player: str = "") -> dict[str, list[Taken]]:
    """The open legs of a node's players, or of one of them, by market."""
    found: dict[str, list[Taken]] = {}
    for number, tickets in book.of_player.items():
        if player in ("", number) and is_below(book, node, book.players[number].agent):
            for ticket in tickets.values():
                for leg in ticket.legs:
                    if leg.ended is None:
                        found.setdefault(leg.market, []).append((leg, ticket.risk, ticket.win))
    return found


def result_at(leg: Leg, number: int) -> str:
    """How a leg on a margin (of the home side) or a sum ends."""
    assert leg.line is not None
    return result_of(leg.side, leg.line, number)


@cache
def result_of(side: str, line: int, number: int) -> str:
    """How a side of a line ends."""
    if side in ("over", "under"):
        beyond = 4 * number - line
        return by_points(beyond if side == "over" else -beyond)
    return by_points(4 * (number if side == "home" else -number) + line)


def lost_by(result: str, risk: int, win: int) -> int:
    """Twice what a book loses by one wager."""
    return {"won": 2 * win, "half_won": win, "push": 0, "half_lost": -risk, "lost": -2 * risk}[result]


def exposures(book: Book, node: str, markets: Iterable[str]) -> dict[str, Any]:
    """What some markets cost by the wagers of a node's players."""
    legs = open_legs(book, node)
    return {market: exposure(market, legs.get(market, [])) for market in markets}


def exposure(market: str, legs: list[Taken]) -> dict[str, Any]:
    """The worst and the best case, and of each side the most that is lost where wagers on it win (without any: where all others
    lose), in minor units."""
    kind = market.rsplit(":", 1)[1]
    if not legs:
        return {"worst": 0, "best": 0, "sides": dict.fromkeys(SIDES[kind], 0)}
    if kind not in ("spread", "total"):
        return by_winner(kind, legs)
    costs = costs_of(kind, legs)
    numbers = list(costs)
    sides = {}
    for side in SIDES[kind]:
        own = [leg for leg, _, _ in legs if leg.side == side]
        where = [
            cost for number, cost in costs.items() if any(result_at(leg, number) in ("won", "half_won") for leg in own)
        ]
        rises = side in ("home", "over")
        sides[side] = max(where) if where else costs[numbers[-1] if rises else numbers[0]]
    return {"worst": max(costs.values()), "best": min(costs.values()), "sides": sides}


def costs_of(kind: str, legs: list[Taken]) -> dict[int, int]:
    """What is lost by each margin, or sum. Half a minor unit counts against the book."""
    points = [leg.line // 4 for leg, _, _ in legs if leg.line is not None]
    reach = max((abs(point) for point in points), default=0) + 2
    return {
        number: -(-sum(lost_by(result_at(leg, number), risk, win) for leg, risk, win in legs) // 2)
        for number in range(0 if kind == "total" else -reach, reach + 1)
    }


def case_of(market: str, legs: list[Taken], which: str) -> dict[str, Any]:
    """The `worst` or the `best` case, and by which margins or sums from below it is so (None where there is no bound, or no
    number)."""
    kind = market.rsplit(":", 1)[1]
    lost = exposure(market, legs)[which]
    if not legs or kind not in ("spread", "total"):
        return {"exposure_minor": lost, "low": None, "high": None}
    costs = costs_of(kind, legs)
    numbers = list(costs)
    low = high = next(number for number in numbers if costs[number] == lost)
    while costs.get(high + 1) == lost:
        high += 1
    return {
        "exposure_minor": lost,
        "low": low if low > numbers[0] or kind == "total" else None,
        "high": high if high < numbers[-1] else None,
    }


def by_winner(kind: str, legs: list[Taken]) -> dict[str, Any]:
    """Of a market about the winner. Where a draw is no side of it, it gives the money back."""
    sides = {side: sum(win if leg.side == side else -risk for leg, risk, win in legs) for side in SIDES[kind]}
    cases = [*sides.values(), *([] if "draw" in sides else [0])]
    return {"worst": max(cases), "best": min(cases), "sides": sides}
