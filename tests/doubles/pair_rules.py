"""Pair rules: what the oracle has to know of pairs, the kind of ticket of the tests that has two legs."""

from fractions import Fraction
from typing import Any

from runline.simulate.oracle.answers import Event
from runline.simulate.oracle.lines import a_market, offered
from runline.simulate.oracle.model import NOUNS
from runline.simulate.oracle.money import rounded
from runline.simulate.oracle.odds import price
from runline.simulate.oracle.rules import GROUNDS, RULES, TAKES, Asked, Moment, Rule, happens
from runline.simulate.oracle.state import Book, Leg, Ticket
from runline.simulate.oracle.tickets import PAYS, Ending, opens
from runline.simulate.oracle.tree import a_player


def place_pair(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    a_player(book, moment.user, asked.player)
    legs = []
    for name, side in asked.selections:
        market = a_market(moment.house, name)
        line, text = offered(book, market, side)
        legs.append((market.game, name, side, line, text, None))
    pays = Fraction(asked.risk_minor)
    for leg in legs:
        pays *= 1 + price(leg[4]).profit
    win = rounded(pays, book.rounding) - asked.risk_minor
    fields = {"player": asked.player, "legs": tuple(legs), "risk_minor": asked.risk_minor, "win_minor": win}
    return [happens("PairPlaced", **fields, house_seq=moment.house.seq)]


def pair_placed(book: Book, at: Asked) -> None:
    legs = [Leg(*leg[:5]) for leg in at.legs]
    ticket = Ticket(book.seq, at.player, at.risk_minor, at.win_minor, at.house_seq, legs, "pair")
    book.tickets[ticket.number] = ticket
    for game in dict.fromkeys(leg.game for leg in legs):
        book.of_game.setdefault(game, []).append(ticket)
    opens(book, ticket)
    book.touch("ticket", ticket.number)


def paid(book: Book, ticket: Ticket, endings: list[Ending]) -> tuple[str, int]:
    """Both legs must win; one that is void or pushed pays nothing and costs nothing."""
    results = [ending["result"] for ending in endings]
    if "lost" in results:
        return "lost", 0
    back = Fraction(ticket.risk)
    for leg, result in zip(ticket.legs, results, strict=True):
        back *= 1 + (price(leg.price).profit if result == "won" else 0)
    return "won" if "won" in results else "push", rounded(back, book.rounding)


assert NOUNS, "all rules are entered"

PAYS["pair"] = paid

PAIRS: dict[str, Any] = {
    "rules": {**RULES, "PlacePair": Rule(place_pair, "wager_place", "engine", ("book",), False, (), ())},
    "takes": {**TAKES, "PairPlaced": pair_placed},
    "grounds": {**GROUNDS, "PlacePair": lambda book, asked: book.seq},
}
"""What a model of pairs is made with."""
