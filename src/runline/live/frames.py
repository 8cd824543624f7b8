"""Frames: what a group of seats is to be sent next, put together in pieces.

Rule: a frame is what holds at its last position, however many pieces it took: what has changed meanwhile is noted here and read
once more, and a frame is complete when it has everything up to the position at which the state stands in that very step.
"""

from collections import deque
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any

import msgspec

from runline.domain.audience import Audience
from runline.domain.house import House
from runline.domain.state import State
from runline.domain.topics import TopicRows
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Happened
from runline.engine.watching import Reach
from runline.live.cache import Cache
from runline.live.facts import Fact, fact_of, house_fact_of, standing, told
from runline.live.limits import IMAGE_EVENTS, PIECE_EVENTS, PIECE_ROWS
from runline.live.seats import Seat, SeatLink


class Moment(msgspec.Struct):
    """What is read in one step: the state of the stream and the durable house view; cache: rows that were made already.
    host_ns: the time, for measuring how long the step is."""

    state: State
    house: House
    cache: Cache
    now_ns: int
    host_ns: Callable[[], int]


class NextFrame:
    """What is being put together for one frame.

    after: where a delta begins; None for an image. missed: (whether it is the house's, the event) before those that are noted
    now, not looked at yet. early: what of them is to be told. found, until: up to where they were found, and are to be; found
    is None once all are.
    """

    __slots__ = (
        "after", "dirty", "early", "events", "found", "missed", "pages", "rows", "spent_ns", "until", "whole",
    )  # fmt: skip

    def __init__(self, after: Reach | None) -> None:
        self.after = after
        self.missed: deque[tuple[bool, Happened]] = deque()
        self.found: Reach | None = None
        self.until: Reach = (0, 0)
        self.early: dict[str, list[bytes]] = {}
        self.events: dict[str, list[bytes]] = {}
        self.dirty: dict[str, dict[str, None]] = {}
        self.pages: dict[str, Any] = {}
        """The kinds whose rows are being read from the beginning, and the places up to which they have been."""
        self.whole: dict[str, None] = {}
        self.rows: dict[str, dict[str, bytes]] = {}
        self.spent_ns = 0

    def anew(self, kind: str) -> None:
        """Read all rows of a kind, whatever was read before."""
        self.whole[kind] = None
        self.pages[kind] = None
        self.rows.pop(kind, None)

    def change(self, kind: str, key: str) -> None:
        """A row has changed."""
        keys = self.dirty.get(kind)
        if keys is None:
            keys = self.dirty[kind] = {}
        keys[key] = None


class Group:
    """Seats that see the same: one audience, the same topics.

    number: by which those at the other ends of the links know it. log: tells the ids of its frames from those of any other log,
    audience and topics. composed: where the last frame that was made for them ends, and the next one begins.
    """

    def __init__(
        self,
        number: int,
        audience: Audience,
        topics: tuple[str, ...],
        vocabulary: Vocabulary,
        log: bytes,
        composed: Reach,
    ) -> None:
        self.number = number
        self.audience = audience
        self.topics = topics
        shown = (audience.node, audience.player, sorted(audience.permissions), topics)
        self.log = blake2b(log + repr(shown).encode(), digest_size=8).hexdigest()
        self.events = tuple(name for name in topics if vocabulary.topics[name].events)
        self.kinds = {name: rows for name, rows in vocabulary.topic_rows.items() if rows.topic in topics}
        self.seats: dict[Seat, None] = {}
        self.links: dict[SeatLink, int] = {}
        """How many of the seats each link has."""
        self.composed = composed
        self.next: NextFrame | None = None
        self.arrival: Any = None
        """By what seats find it that begin alike, until it has had its first frame."""
        self.doubtful = False
        """Whether something has happened that may change what its seats may see."""

    def take(self, seat: Seat) -> None:
        """Take a seat in."""
        seat.group = self
        self.seats[seat] = None
        self.links[seat.link] = self.links.get(seat.link, 0) + 1

    def let_go(self, seat: Seat) -> None:
        """A seat leaves."""
        seat.group = None
        del self.seats[seat]
        self.links[seat.link] -= 1
        if not self.links[seat.link]:
            del self.links[seat.link]

    def upcoming(self) -> NextFrame:
        """The next frame: what is to be told comes into it."""
        if self.next is None:
            self.next = NextFrame(self.composed)
        return self.next

    def begin_image(self) -> NextFrame:
        """Begin with an image."""
        coming = self.next = NextFrame(None)
        for kind in self.kinds:
            coming.anew(kind)
        return coming

    def tell(self, fact: Fact) -> None:
        """Note what an event means for these seats."""
        coming = self.upcoming()
        self.tell_event(fact, coming.events)
        if self.kinds:
            self.tell_rows(fact, coming)

    def tell_event(self, fact: Fact, events: dict[str, list[bytes]]) -> None:
        """Note an event in the topics in which every one counts."""
        for topic, text in told(fact, self.events, self.audience) if self.events else ():
            events.setdefault(topic, []).append(text)

    def tell_rows(self, fact: Fact, coming: NextFrame) -> None:
        """Note which rows an event changes for these seats."""
        for rows, changed in fact.changes:
            if rows not in self.kinds or not changed.reaches(self.audience, fact.state.tree):
                continue
            for key in changed.keys:
                coming.change(rows, key)
            if changed.whole:
                # A frame says of a topic, not of a kind of its rows, that these are all.
                for name, kind in self.kinds.items():
                    if kind.topic == self.kinds[rows].topic:
                        coming.anew(name)
            elif changed.walked and rows in coming.pages:
                coming.anew(rows)

    def catch_up(self, moment: Moment, until_ns: int) -> bool:
        """Look at what was missed until there is no more (true) or the time is over (false). For an image these are the last
        events, and it is enough to find IMAGE_EVENTS of them; its rows are read as they are."""
        coming = self.next
        assert coming is not None
        looked = 0
        while coming.missed:
            is_house, one = coming.missed.popleft() if coming.after is not None else coming.missed.pop()
            make = house_fact_of if is_house else fact_of
            fact = make(moment.state, moment.house, one, self.topics)
            self.tell_event(fact, coming.early)
            if coming.after is None:
                if all(len(coming.early.get(topic, ())) >= IMAGE_EVENTS for topic in self.events):
                    coming.missed.clear()
            elif self.kinds:
                self.tell_rows(fact, coming)
            looked += 1
            if looked % PIECE_EVENTS == 0 and moment.host_ns() >= until_ns:
                return not coming.missed
        return True

    def read(self, moment: Moment, until_ns: int) -> bool:
        """Read rows until there are no more (true) or the time is over (false)."""
        coming = self.next
        assert coming is not None
        made = 0
        for name, kind in self.kinds.items():
            keys = coming.dirty.get(name)
            if not keys and name not in coming.pages:
                continue
            rows = coming.rows.setdefault(name, {})
            flavour = kind.flavour(moment.state, self.audience)
            while keys:
                self.make(moment, kind, flavour, keys.popitem()[0], rows)
                made += 1
                if made % PIECE_ROWS == 0 and moment.host_ns() >= until_ns:
                    return False
            if name not in coming.pages:
                continue
            for key, place in kind.keys(moment.state, moment.house, self.audience, coming.pages[name]):
                coming.pages[name] = place
                if key and key not in rows:
                    self.make(moment, kind, flavour, key, rows)
                made += 1
                if made % PIECE_ROWS == 0 and moment.host_ns() >= until_ns:
                    return False
            del coming.pages[name]
        return True

    def make(self, moment: Moment, kind: TopicRows, flavour: Hashable, key: str, rows: dict[str, bytes]) -> None:
        """Make a row, or take it from where it was made for others."""
        state, house, audience = moment.state, moment.house, self.audience
        if not kind.shown(state, house, audience, key):
            rows.pop(key, None)
            return
        text = moment.cache.find(kind.name, flavour, key)
        if text is None:
            row = kind.row(state, house, audience, key, moment.now_ns)
            text = moment.cache.keep(kind.name, flavour, key, row)
        rows[key] = text

    def body(self, coming: NextFrame, house: House) -> bytes:
        """What each topic has to say by a frame that is complete; b"" for nothing."""
        image = coming.after is None
        parts: list[bytes] = []
        for topic in self.topics:
            if topic in self.events:
                early = coming.early.get(topic, [])
                events = (early[::-1] if image else early) + coming.events.get(topic, [])
                if image:
                    more = b',"standing":%b' % standing(house, self.audience) if topic == "notifications" else b""
                    parts.append(b'"%b":{"events":[%b]%b}' % (topic.encode(), b",".join(events[-IMAGE_EVENTS:]), more))
                elif events:
                    parts.append(b'"%b":{"events":[%b]}' % (topic.encode(), b",".join(events)))
                continue
            kinds = [kind for kind in self.kinds.values() if kind.topic == topic]
            whole = any(kind.name in coming.whole for kind in kinds)
            found = [(kind.under, list(coming.rows.get(kind.name, {}).values())) for kind in kinds]
            if whole or any(rows for _, rows in found):
                shown = b",".join(b'"%b":[%b]' % (under.encode(), b",".join(rows)) for under, rows in found)
                parts.append(b'"%b":{"whole":%b,%b}' % (topic.encode(), b"true" if whole else b"false", shown))
        return b",".join(parts)


def frame(log: str, kind: bytes, head: bytes, body: bytes, place: Reach) -> bytes:
    """A server-sent event that moves a position."""
    return b'id: %b:%d:%d\nevent: %b\ndata: {%b,"topics":{%b}}\n\n' % (log.encode(), *place, kind, head, body)
