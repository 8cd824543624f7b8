"""Pair: a kind of ticket with two legs, on one game or on two, of which both must win.

Rule: it is a noun of simulations and tests and of nothing that is sold, so that all that is made for several legs is used.
"""

from collections.abc import Sequence
from fractions import Fraction

from runline.domain.book import Book
from runline.domain.bounds import STAKE_MINOR_MAX
from runline.domain.context import Context
from runline.domain.grading import Result
from runline.domain.legs import Ending, Leg
from runline.domain.lines import house_market
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds, pays
from runline.domain.money import Minor, Rounding
from runline.domain.odds import parse_price
from runline.domain.permissions import Permission
from runline.domain.placed import TakenOn, TicketPlaced
from runline.domain.tickets import Ticket


class PlacePair(Command, needs=Permission.WAGER_PLACE, lane="wagers"):
    """Place a pair at the lines that stand. selections: (market, side) of each leg."""

    player: str
    selections: tuple[tuple[str, str], tuple[str, str]]
    risk_minor: int


class PairPlaced(TicketPlaced, Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A ticket with two legs is written."""

    player: str
    legs: tuple[Leg, Leg]
    risk_minor: int
    win_minor: int
    house_seq: int = 0

    def taken(self) -> TakenOn:
        return TakenOn(self.player, self.risk_minor, self.win_minor, self.legs)


@decides(PlacePair)
def place_pair(book: Book, command: PlacePair, context: Context) -> PairPlaced:
    player = book.tree.player_within(context.user, command.player)
    first, second = (leg_of(book, *selection, context) for selection in command.selections)
    pays_in_all = pays_per_unit(first.price, Ending("won")) * pays_per_unit(second.price, Ending("won"))
    win_minor = rounded(command.risk_minor * pays_in_all, book.settings.current.rounding) - command.risk_minor
    if not 0 < command.risk_minor <= STAKE_MINOR_MAX or win_minor <= 0:
        raise Rejected("stake_invalid", "A pair wins something.")
    return PairPlaced(player.number, (first, second), command.risk_minor, win_minor, context.view().seq)


@grounds(PlacePair)
def pair_ground(book: Book, command: PlacePair) -> int:
    """Whatever happens in the book."""
    return book.seq


def leg_of(book: Book, name: str, side: str, context: Context) -> Leg:
    house = context.view()
    market = house_market(house, name)
    if house.catalog.fixtures[market.fixture].status in ("final", "cancelled"):
        raise Rejected("market_closed", "This game is over.", market=name)
    return Leg(market.fixture, name, side, *book.lines.side(market, side))


@evolves(PairPlaced)
def pair_placed(book: Book, event: PairPlaced) -> None:
    first, second = event.legs
    ticket = Ticket(
        book.seq,
        event.player,
        book.tree.players[event.player].agent,
        "pair",
        first.fixture,
        first.market,
        first.side,
        first.line_quarters,
        first.price,
        event.risk_minor,
        event.win_minor,
        "risk",
        event.house_seq,
        "owner",
        "clerk",
        book.at_ns,
        more=(second,),
    )
    book.tickets.add(ticket)
    book.risk.opened(ticket)


@pays("pair")
def pair(ticket: Ticket, endings: Sequence[Ending], rounding: Rounding) -> tuple[Result, Minor]:
    """The stake goes through both legs, one after the other. A leg that is neither won nor lost leaves it as it is."""
    in_all = Fraction(1)
    for leg, ended in zip(ticket.legs, endings, strict=True):
        in_all *= pays_per_unit(leg.price, ended)
    if not in_all:
        return "lost", 0
    back = rounded(ticket.risk_minor * in_all, rounding)
    if back == ticket.risk_minor:
        return "push", back
    return "won" if back > ticket.risk_minor else "lost", back


def pays_per_unit(price: str, ended: Ending) -> Fraction:
    """What comes back of one unit on a leg."""
    at = parse_price(ended.price or price)
    won = 1 + Fraction(at.numerator, at.denominator)
    if ended.result == "won":
        return won * Fraction(*(ended.share or (1, 1)))
    if ended.result == "half_won":
        return (1 + won) / 2
    return {"lost": Fraction(0), "half_lost": Fraction(1, 2)}.get(ended.result, Fraction(1))


def rounded(amount: Fraction, rounding: Rounding) -> Minor:
    return rounding.round(amount.numerator, amount.denominator)
