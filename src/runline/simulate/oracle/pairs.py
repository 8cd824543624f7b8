"""Pairs: a kind of ticket of simulations and tests alone. It has two legs, and both must win."""

from fractions import Fraction

from runline.simulate.oracle.accounts import AMOUNT_MOST
from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.lines import a_market, offered
from runline.simulate.oracle.money import rounded
from runline.simulate.oracle.odds import price
from runline.simulate.oracle.rules import Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Book, Leg, Ticket
from runline.simulate.oracle.tickets import PAYS, Ending, opens
from runline.simulate.oracle.tree import a_player


@command("PlacePair", needs="wager_place")
def place_pair(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    a_player(book, moment.user, asked.player)
    legs = []
    for name, side in asked.selections:
        market = a_market(moment.house, name)
        refuse_unless(moment.house.games[market.game].status not in ("final", "cancelled"), "market_closed")
        line, text = offered(book, market, side)
        legs.append((market.game, name, side, line, text, None))
    refuse_unless(0 < asked.risk_minor <= AMOUNT_MOST, "stake_invalid")
    pays = Fraction(asked.risk_minor)
    for leg in legs:
        pays *= 1 + price(leg[4]).profit
    win = rounded(pays, book.rounding) - asked.risk_minor
    refuse_unless(win > 0, "stake_invalid")
    fields = {"player": asked.player, "legs": tuple(legs), "risk_minor": asked.risk_minor, "win_minor": win}
    return [happens("PairPlaced", **fields, house_seq=moment.house.seq)]


@event("PairPlaced")
def pair_placed(book: Book, at: Asked) -> None:
    legs = [Leg(*leg[:5]) for leg in at.legs]
    ticket = Ticket(book.seq, at.player, at.risk_minor, at.win_minor, at.house_seq, legs, "pair")
    book.tickets[ticket.number] = ticket
    for game in dict.fromkeys(leg.game for leg in legs):
        book.of_game.setdefault(game, []).append(ticket)
    opens(book, ticket)
    book.touch("ticket", ticket.number)


@ground("PlacePair")
def pair_ground(book: Book, asked: Asked) -> int:
    return book.seq


def paid(book: Book, ticket: Ticket, endings: list[Ending]) -> tuple[str, int]:
    """Both legs must win; one that is void or pushed pays nothing and costs nothing, and of a half the other half is pushed."""
    back = Fraction(ticket.risk)
    for leg, ending in zip(ticket.legs, endings, strict=True):
        profit = price(leg.price).profit
        gains = {"won": profit, "half_won": profit / 2, "half_lost": Fraction(-1, 2), "lost": Fraction(-1)}
        back *= 1 + gains.get(ending["result"], Fraction(0))
    returned = rounded(back, book.rounding)
    return "push" if returned == ticket.risk else "won" if returned > ticket.risk else "lost", returned


PAYS["pair"] = paid
