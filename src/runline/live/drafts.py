"""Drafts: what a group of seats is to be sent next, put together in pieces.

Rule: a frame is what holds at its last position, however many pieces it took: what has changed meanwhile is noted here and read
once more, and a draft is complete when it has everything up to the position at which the state stands in that very step.
"""

from collections import deque
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any

import msgspec

from runline.domain.audience import Audience
from runline.domain.house import House
from runline.domain.state import State
from runline.domain.vocabulary import VOCABULARY
from runline.engine.ports import Happened
from runline.engine.watching import Place
from runline.live.facts import Fact, fact_of, house_fact_of, standing, told
from runline.live.limits import IMAGE_EVENTS, PIECE_EVENTS, PIECE_ROWS
from runline.live.rows import KINDS, Cache, Kind, kinds_of
from runline.live.seats import Seat, SeatLink


class Moment(msgspec.Struct):
    """What is read in one step: the state of the stream and the durable house view; cache: rows that were made already.
    host_ns: the time, for measuring how long the step is."""

    state: State
    house: House
    cache: Cache
    now_ns: int
    host_ns: Callable[[], int]


class Draft:
    """What is being put together for one frame.

    after: where a delta begins; None for an image. missed: (whether it is the house's, the event) before those that are noted
    now, not looked at yet. early: what of them is to be told. found, until: up to where they were found, and are to be; found
    is None once all are.
    """

    __slots__ = (
        "after", "dirty", "early", "events", "found", "missed", "pages", "rows", "spent_ns", "until", "whole",
    )  # fmt: skip

    def __init__(self, after: Place | None) -> None:
        self.after = after
        self.missed: deque[tuple[bool, Happened]] = deque()
        self.found: Place | None = None
        self.until: Place = (0, 0)
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

    def __init__(self, number: int, audience: Audience, topics: tuple[str, ...], log: bytes, composed: Place) -> None:
        self.number = number
        self.audience = audience
        self.topics = topics
        shown = (audience.node, audience.player, sorted(audience.permissions), topics)
        self.log = blake2b(log + repr(shown).encode(), digest_size=8).hexdigest()
        self.events = tuple(name for name in topics if VOCABULARY.topics[name].events)
        self.kinds = kinds_of(topics)
        self.seats: dict[Seat, None] = {}
        self.links: dict[SeatLink, int] = {}
        """How many of the seats each link has."""
        self.composed = composed
        self.draft: Draft | None = None
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

    def drafted(self) -> Draft:
        """The draft of the next frame."""
        if self.draft is None:
            self.draft = Draft(self.composed)
        return self.draft

    def begin_image(self) -> Draft:
        """Begin with an image."""
        draft = self.draft = Draft(None)
        for kind in self.kinds:
            draft.anew(kind)
        return draft

    def tell(self, fact: Fact, state: State) -> None:
        """Note what an event means for these seats."""
        draft = self.drafted()
        self.tell_event(fact, state, draft.events)
        if self.kinds:
            self.tell_rows(fact, state, draft)

    def tell_event(self, fact: Fact, state: State, events: dict[str, list[bytes]]) -> None:
        """Note an event in the topics in which every one counts."""
        for topic, text in told(fact, self.events, self.audience, state) if self.events else ():
            events.setdefault(topic, []).append(text)

    def tell_rows(self, fact: Fact, state: State, draft: Draft) -> None:
        """Note which rows an event changes for these seats."""
        audience = self.audience
        if "lines" in self.kinds:
            if fact.fixtures:
                draft.dirty.setdefault("lines", {}).update(fact.fixtures)
            elif fact.closes[0] and self.stands_under(fact.closes, state):
                draft.anew("lines")
        if audience.player:
            if "players" in self.kinds and audience.player == fact.account:
                draft.change("players", fact.account)
            return
        if audience.node in fact.line:
            if "exposure" in self.kinds:
                for market in fact.markets:
                    draft.change("exposure", market)
            if "exposure" in self.kinds and fact.markets_unknown:
                draft.anew("exposure")
            if "agents" in self.kinds:
                draft.change("players", fact.account)
                for agent in fact.line[: fact.line.index(audience.node) + 1]:
                    draft.change("agents", agent)
        if audience.node in fact.apart:
            for kind in ("agents", "players", "exposure"):
                if kind in self.kinds:
                    draft.anew(kind)
        elif audience.node in fact.around and "agents" in self.kinds:
            for agent in fact.agents:
                draft.change("agents", agent)
            if fact.apart:
                # Reading goes along the tree, which is another one now.
                for kind in ("agents", "players"):
                    if kind in draft.pages:
                        draft.anew(kind)

    def catch_up(self, moment: Moment, until_ns: int) -> bool:
        """Look at what was missed until there is no more (true) or the time is over (false). For an image these are the last
        events, and it is enough to find IMAGE_EVENTS of them; its rows are read as they are."""
        draft = self.draft
        assert draft is not None
        looked = 0
        while draft.missed:
            is_house, one = draft.missed.popleft() if draft.after is not None else draft.missed.pop()
            fact = (
                house_fact_of(moment.state, moment.house, one) if is_house else fact_of(moment.state, moment.house, one)
            )
            self.tell_event(fact, moment.state, draft.early)
            if draft.after is None:
                if all(len(draft.early.get(topic, ())) >= IMAGE_EVENTS for topic in self.events):
                    draft.missed.clear()
            elif self.kinds:
                self.tell_rows(fact, moment.state, draft)
            looked += 1
            if looked % PIECE_EVENTS == 0 and moment.host_ns() >= until_ns:
                return not draft.missed
        return True

    def stands_under(self, closes: tuple[str, str], state: State) -> bool:
        """Whether a layer over an agent or a player is over these seats."""
        scope, subject = closes
        if scope == "player":
            return self.audience.player == subject
        return bool(state.tree.below(subject, self.audience.node))

    def read(self, moment: Moment, until_ns: int) -> bool:
        """Read rows until there are no more (true) or the time is over (false)."""
        draft = self.draft
        assert draft is not None
        made = 0
        for name in self.kinds:
            keys = draft.dirty.get(name)
            if not keys and name not in draft.pages:
                continue
            rows = draft.rows.setdefault(name, {})
            flavour = KINDS[name].flavour(moment.state, self.audience)
            while keys:
                self.make(moment, KINDS[name], flavour, keys.popitem()[0], rows)
                made += 1
                if made % PIECE_ROWS == 0 and moment.host_ns() >= until_ns:
                    return False
            if name not in draft.pages:
                continue
            for key, place in KINDS[name].keys(moment.state, moment.house, self.audience, draft.pages[name]):
                draft.pages[name] = place
                if key and key not in rows:
                    self.make(moment, KINDS[name], flavour, key, rows)
                made += 1
                if made % PIECE_ROWS == 0 and moment.host_ns() >= until_ns:
                    return False
            del draft.pages[name]
        return True

    def make(self, moment: Moment, kind: Kind, flavour: Hashable, key: str, rows: dict[str, bytes]) -> None:
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

    def body(self, draft: Draft, house: House) -> bytes:
        """What each topic has to say by a draft that is complete; b"" for nothing."""
        image = draft.after is None
        parts: list[bytes] = []
        for topic in self.topics:
            if topic in self.events:
                early = draft.early.get(topic, [])
                events = (early[::-1] if image else early) + draft.events.get(topic, [])
                if image:
                    more = b',"standing":%b' % standing(house, self.audience) if topic == "notifications" else b""
                    parts.append(b'"%b":{"events":[%b]%b}' % (topic.encode(), b",".join(events[-IMAGE_EVENTS:]), more))
                elif events:
                    parts.append(b'"%b":{"events":[%b]}' % (topic.encode(), b",".join(events)))
                continue
            names = [name for name in self.kinds if KINDS[name].topic == topic]
            whole = any(name in draft.whole for name in names)
            found = [(name, list(draft.rows.get(name, {}).values())) for name in names]
            if whole or any(rows for _, rows in found):
                shown = b",".join(
                    b'"%b":[%b]' % (b"players" if name == "players" else b"rows", b",".join(rows))
                    for name, rows in found
                )
                parts.append(b'"%b":{"whole":%b,%b}' % (topic.encode(), b"true" if whole else b"false", shown))
        return b",".join(parts)


def frame(log: str, kind: bytes, head: bytes, body: bytes, place: Place) -> bytes:
    """A server-sent event that moves a position."""
    return b'id: %b:%d:%d\nevent: %b\ndata: {%b,"topics":{%b}}\n\n' % (log.encode(), *place, kind, head, body)
