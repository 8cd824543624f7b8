"""Facts: what an event means to those who watch.

Rule: of an event it is found out once whom it concerns (`Fact`); a group of seats only looks at what concerns it.
"""

from collections.abc import Container, Sequence

import msgspec

from runline.domain.audience import EVERYONE, Audience, concerns, sees
from runline.domain.book import Book
from runline.domain.held import LineHeld
from runline.domain.house import House
from runline.domain.messages import HOUSE, Event, event_json
from runline.domain.permissions import Permission
from runline.domain.placed import Selection
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn
from runline.domain.state import State
from runline.domain.tickets import Ticket, WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.times import time_text
from runline.domain.told import told_to_a_book
from runline.domain.topics import Changed
from runline.domain.words import in_words
from runline.engine.ports import Happened

LINE_EVENTS = (LinePosted, LineHeld, LineRefused, LineWithdrawn)
"""What the house's line does."""

LOCKED_LINE = "locked_line"
"""The notification that the house's line has moved, or is gone, where the book has locked its own: for who may move lines."""

CLOSING_EVENTS = (WagerVoided, WagerReversed, WagerSettled)
"""What their ticket is about is not in them."""

encode = msgspec.json.Encoder().encode


class Fact(msgspec.Struct):
    """An event, and whom and what it concerns, as the state is now. The same for all audiences.

    state, view: the stream's, and the house's. house: whether it is the house's, told to a book. node: whose subtree it concerns,
    or EVERYONE. player: the player whom it concerns, or "". changes: what it changes of the rows that are followed, each with
    their kind's name. kind: of notification, or "". entry, notice: how it is told, once it was.
    """

    state: State
    view: House
    happened: Happened
    house: bool
    node: str = ""
    player: str = ""
    changes: list[tuple[str, Changed]] = []
    kind: str = ""
    entry: bytes = b""
    notice: bytes = b""

    @property
    def event(self) -> Event:
        """The event."""
        return self.happened[4]


def fact_of(state: State, house: House, happened: Happened, topics: Container[str]) -> Fact:
    """What an event of a stream is about. topics: those that are followed; of others nothing is found out."""
    event = happened[4]
    fact = Fact(state, house, happened, False, *concerns(state.access, event))
    if "notifications" in topics:
        fact.kind = notification(state, event)
    fact.changes = changed(fact, topics)
    return fact


def ticket_of(fact: Fact) -> bytes:
    """What the ticket says that an event is about, as a field of its entry; b"" for none."""
    state, event = fact.state, fact.event
    if isinstance(event, WagerPlaced):
        return ticket_text(fact.view, event.risk_minor, event.win_minor, (event,))
    if isinstance(event, CLOSING_EVENTS) and isinstance(state, Book):
        stake = state.risk.stake_closed_at(fact.happened[0])
        if stake is not None:
            return ticket_text(
                fact.view, stake.risk_minor, stake.win_minor, stake.legs, standing_of(state, fact.view, stake)
            )
    return b""


def ticket_text(house: House, risk_minor: int, win_minor: int, legs: Sequence[Selection], more: bytes = b"") -> bytes:
    """See `ticket_of`. more: further fields of it."""
    games = house.catalog.fixtures
    words = "; ".join([in_words(games.get(leg.market.partition(":")[0]), leg).selection for leg in legs])
    return b',"ticket":{"risk_minor":%d,"win_minor":%d,"selection":%b%b}' % (risk_minor, win_minor, encode(words), more)


class LegTold(msgspec.Struct):
    """What a leg is about, with the line and the price at which it was taken."""

    market: str
    side: str
    line_quarters: int | None
    price: str


def standing_of(book: Book, house: House, ticket: Ticket) -> bytes:
    """Where a ticket stands, which the event that placed it has said: by this it is found among others. The agent is the one at
    which its player stands now."""
    game = house.catalog.fixtures.get(ticket.fixture)
    legs = [LegTold(leg.market, leg.side, leg.line_quarters, leg.price) for leg in ticket.legs]
    return b',"agent":%b,"sport":%b,"channel":%b,"legs":%b' % (
        encode(book.tree.players[ticket.player].agent), encode(game.sport if game else ""), encode(ticket.channel), encode(legs),
    )  # fmt: skip


def house_fact_of(state: State, house: House, happened: Happened, topics: Container[str]) -> Fact:
    """What an event of the house is about, for a book. See `fact_of`."""
    event = happened[4]
    fact = Fact(state, house, happened, True, EVERYONE)
    if event.told_to_books:
        fact.kind = notification(house, event)
    elif isinstance(event, LINE_EVENTS) and isinstance(state, Book) and state.lines.locks(event.market):
        fact.kind = LOCKED_LINE
    fact.changes = changed(fact, topics)
    return fact


def changed(fact: Fact, topics: Container[str]) -> list[tuple[str, Changed]]:
    """What an event changes of the rows of topics, as far as a stream has them."""
    state, (seq, _, _, _, event) = fact.state, fact.happened
    return [
        (rows.name, one)
        for rows, change in state.vocabulary.changes[type(event)]
        if rows.topic in topics and state.kind in rows.streams and (rows.by_house or not fact.house)
        for one in change(state, fact.view, event, seq)
    ]


def notification(state: State, event: Event) -> str:
    """What kind of notification an event is, or ""."""
    return event.notice if event.notice and event.is_notable(state) else ""


def for_books(happened: Happened) -> Happened:
    """An event of the house as books are told of it: not by whom, nor why."""
    seq, at_ns, _, command, event = happened
    return seq, at_ns, "", command, told_to_a_book(event)


def entry_of(fact: Fact) -> bytes:
    """An event as the topics `wagers` and `log` have it; made once for all who see it, if somebody does."""
    if not fact.entry:
        seq, at_ns, actor, command, event = fact.happened
        fact.entry = b'{"seq":%d,"at_ns":%d,"at":"%b","actor":%b,"command":"%b","event":%b%b}' % (
            seq, at_ns, time_text(at_ns).encode(), encode(actor), command.encode(), event_json(event), ticket_of(fact),
        )  # fmt: skip
    return fact.entry


def notice_of(fact: Fact) -> bytes:
    """An event as a notification; made once for all who see it, if somebody does."""
    if not fact.notice:
        seq, at_ns, actor, _, event = for_books(fact.happened) if fact.house else fact.happened
        fact.notice = b'{"stream":"%b","seq":%d,"at_ns":%d,"at":"%b","actor":%b,"kind":"%b","event":%b}' % (
            (HOUSE if fact.house else fact.state.stream).encode(), seq, at_ns, time_text(at_ns).encode(), encode(actor),
            fact.kind.encode(), event_json(event),
        )  # fmt: skip
    return fact.notice


def told(fact: Fact, topics: tuple[str, ...], audience: Audience) -> list[tuple[str, bytes]]:
    """(topic, text) of an event for an audience, in the topics in which every event counts."""
    event = fact.event
    if fact.house:
        needs = Permission.LINE_MOVE if fact.kind == LOCKED_LINE else type(event).shown_to
        if not fact.kind or "notifications" not in topics or not audience.may(needs):
            return []
        return [("notifications", notice_of(fact))]
    if not sees(audience, fact.state.access, event, (fact.node, fact.player)):
        return []
    found = []
    for topic in topics:
        if topic == "log" or topic == event.topic:
            found.append((topic, entry_of(fact)))
        elif topic == "notifications" and fact.kind and event.is_notable_at(fact.state, audience.node):
            found.append((topic, notice_of(fact)))
    return found


def standing(house: House, audience: Audience) -> bytes:
    """What an image of `notifications` also says: the feeds that are silent and what is slow, just now."""
    silent = (
        [feed.name for feed in house.watch.feeds.values() if feed.silent] if audience.may(Permission.BOARD_VIEW) else []
    )
    slow = list(house.watch.slownesses) if audience.may(Permission.FIGURES_VIEW) else []
    return encode({"feeds_silent": silent, "slow": slow})
