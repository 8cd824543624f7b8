"""Exposures: what stands in the markets of a subtree, live."""

from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from runline.domain.audience import Audience
from runline.domain.legs import LegGraded, LegReversed, LegVoided
from runline.domain.moving import AgentMoved, PlayerMoved
from runline.domain.permissions import Permission
from runline.domain.placed import TicketPlaced
from runline.domain.shown import exposure_of
from runline.domain.tickets import WagerReversed, WagerSettled, WagerVoided
from runline.domain.topics import Changed, Key, Topic, TopicRows, changes

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.house import House


def markets(book: "Book", house: "House", audience: Audience, place: Any) -> Iterator[Key]:
    """The markets with open wagers of a subtree."""
    return ((name, name) for name in book.risk.markets(audience.node).after(place or ""))


def market(book: "Book", house: "House", audience: Audience, key: str, now_ns: int) -> Any:
    """A market's exposure."""
    return exposure_of(book, key, audience.node)


def always(book: "Book", house: "House", audience: Audience, key: str) -> bool:
    """Where nothing is open any more there are zeros."""
    return True


def of_node(book: "Book", audience: Audience) -> Hashable:
    """Whose subtree it is."""
    return audience.node


@changes("exposure", TicketPlaced)
def risk_is_taken(book: "Book", house: "House", event: TicketPlaced, seq: int) -> Iterable[Changed]:
    """By a ticket of whatever kind."""
    taken = event.taken()
    moved = tuple(selection.market for selection in taken.selections)
    return (Changed(moved, nodes=book.tree.above_player(taken.player)),)


@changes("exposure", WagerVoided, WagerReversed, WagerSettled, LegGraded, LegReversed, LegVoided)
def risk_moves(
    book: "Book",
    house: "House",
    event: WagerVoided | WagerReversed | WagerSettled | LegGraded | LegReversed | LegVoided,
    seq: int,
) -> Iterable[Changed]:
    """The event does not name the markets of its ticket, and they are not known for ever."""
    stake = book.risk.stake_closed_at(seq)
    moved = tuple(leg.market for leg in stake.legs) if stake is not None else ()
    return (Changed(moved, whole=not moved, nodes=book.tree.above_player(event.player)),)


@changes("exposure", AgentMoved, PlayerMoved)
def a_subtree_moves(book: "Book", house: "House", event: AgentMoved | PlayerMoved, seq: int) -> Iterable[Changed]:
    return (Changed(whole=True, nodes=book.tree.apart(event.before, event.after)),)


DECLARED = (
    Topic(
        "exposure",
        "Exposure by market of my subtree, by `market`. A market without open wagers has zeros.",
        Permission.FIGURES_VIEW,
        players=False,
        house=False,
        events=False,
    ),
    TopicRows("exposure", "exposure", markets, market, always, of_node),
)
