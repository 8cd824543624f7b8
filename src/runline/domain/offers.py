"""Offers: the games on the board with their lines as a stream offers them, live.

Rule: what closes or opens much concerns the games that are on the board.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from runline.domain.accounts import PlayerLimitsSet
from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.lines import LineMoved
from runline.domain.messages import Event
from runline.domain.permissions import Permission
from runline.domain.settings import LocksSet
from runline.domain.shown import board_fixture, closed_to, sees_departures
from runline.domain.state import State
from runline.domain.suspension import Reopened, Suspended
from runline.domain.topics import Changed, Key, Topic, TopicRows, changes

if TYPE_CHECKING:
    from runline.domain.house import House


def games(state: State, house: "House", audience: Audience, place: Any) -> Iterator[Key]:
    """The games on the board."""
    return ((name, (rotation, name)) for rotation, name in house.catalog.board_of("scheduled").after(place or (-1, "")))


def game(state: State, house: "House", audience: Audience, key: str, now_ns: int) -> Any:
    """A game with its lines."""
    return board_fixture(state, house, house.catalog.fixtures[key], audience, now_ns)


def is_known(state: State, house: "House", audience: Audience, key: str) -> bool:
    """Whether there is such a game."""
    return key in house.catalog.fixtures


def closing(state: State, audience: Audience) -> tuple[Hashable, bool, bool] | None:
    """What closes the board to an audience alone, whether they see how the book departs from the house, and whether they are
    told whose feed has closed it."""
    if not isinstance(state, Book):
        return None
    return closed_to(state, audience), sees_departures(audience), not audience.player


@changes("lines", Suspended, Reopened)
def a_layer_closes(state: State, house: "House", event: Suspended | Reopened, seq: int) -> Iterable[Changed]:
    """A layer over an agent or a player is over all that they see."""
    if event.scope == "agent":
        return (Changed(whole=True, below=event.subject),)
    if event.scope == "player":
        return (Changed(whole=True, player=event.subject),)
    return (Changed(tuple(covered(house, event.scope, event.subject)), everyone=True),)


@changes("lines", PlayerLimitsSet)
def an_account_closes(state: State, house: "House", event: PlayerLimitsSet, seq: int) -> Iterable[Changed]:
    """To a player whose account takes no wagers, the whole board is closed."""
    return (Changed(whole=True, player=event.player),) if event.before.active != event.after.active else ()


@changes("lines", LineMoved)
def a_book_departs(state: State, house: "House", event: LineMoved, seq: int) -> Iterable[Changed]:
    return (Changed((event.market.partition(":")[0],), everyone=True),)


@changes("lines", LocksSet)
def locked_lines_stay_or_go(book: Book, house: "House", event: LocksSet, seq: int) -> Iterable[Changed]:
    """The games with lines that the book has locked: whether those are offered while the house has the market off the board."""
    locked = (name.partition(":")[0] for name, own in book.lines.by_market.items() if own.mode == "lock")
    return (Changed(tuple(dict.fromkeys(locked)), everyone=True),)


@changes("lines")
def the_board_moves(state: State, house: "House", event: Event, seq: int) -> Iterable[Changed]:
    """Whatever everyone who sees the board may see of a game."""
    if type(event).shown_to is not Permission.BOARD_VIEW or isinstance(event, Suspended | Reopened | LineMoved):
        return ()
    fixture = getattr(event, "fixture", "") or getattr(event, "market", "").partition(":")[0]
    return (Changed((fixture,), everyone=True),) if fixture else ()


def covered(house: "House", scope: str, subject: str) -> Iterable[str]:
    """The games that a layer of suspension covers, of those on the board."""
    if scope == "fixture":
        return (subject,)
    if scope in ("market", "selection"):
        return (subject.partition(":")[0],)
    if scope == "league":
        return (name for _, name in house.catalog.board_of("scheduled", subject))
    scheduled = (name for _, name in house.catalog.board_of("scheduled"))
    if scope == "sport":
        return (name for name in scheduled if house.catalog.fixtures[name].sport == subject)
    if scope in ("feed", "silence"):
        return (name for name in scheduled if any(one.source == subject for one in house.catalog.markets_on(name)))
    if scope == "kind":
        return (
            name
            for name in scheduled
            if any(one.endswith(f":{subject}") for one in house.catalog.markets_of.get(name, ()))
        )
    return scheduled


DECLARED = (
    Topic(
        "lines",
        "Games with their lines as this stream offers them, by `fixture`.",
        Permission.BOARD_VIEW,
        players=True,
        house=True,
        events=False,
    ),
    TopicRows("lines", "lines", games, game, is_known, closing, streams=("house", "book"), by_house=True),
)
