"""Composer: what the groups of a stream are sent, step by step, with the state as it is in that very step.

Rule: position first, then data. A frame says from which position to which it goes, and holds everything between that its
audience may see, read at its last position. Whoever loses authority gets no frame that ends above the event that took it.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from runline.domain.audience import audience_at, reader_of
from runline.domain.house import House
from runline.domain.messages import HOUSE, Rejected
from runline.domain.state import State
from runline.domain.times import time_text
from runline.domain.topics import require_topics
from runline.engine.ports import Happened
from runline.engine.requests import not_signed_in
from runline.engine.watching import Reach, Resume, Source
from runline.live.facts import fact_of, house_fact_of
from runline.live.frames import Group, Moment, frame
from runline.live.groups import Groups
from runline.live.limits import ARRIVALS_NS, FRAMES_AT_ONCE, FRAMES_OF_ONE, IMAGE_SCAN_EVENTS, PIECE_EVENTS
from runline.live.ring import Ring
from runline.live.seats import Seat
from runline.sharing.spending import Spending


class Outgoing(msgspec.Struct):
    """What one step has made, to be let out when its position is durable. owned: of which stream, as it was owned then.

    frames: for which group, for which of its seats alone (they begin; None: for all), what, and where it ends. cuts, refusals:
    who is cut or not let in, and why.
    """

    owned: Any
    durable: Any = None
    frames: list[tuple[Group, list[Seat] | None, bytes, Reach]] = []
    cuts: list[tuple[Seat, str]] = []
    refusals: list[tuple[Seat, Rejected]] = []


class Composer(Groups):
    """Puts together what the groups of a stream are sent.

    own, house: the rings of the stream's last events and of the house's.
    """

    own: Ring
    house: Ring

    def __init__(self, source: Source, stream: str, spending: Spending) -> None:
        super().__init__()
        self.source = source
        self.stream = stream
        self.spending = spending
        self.numbers = count(1)
        self.read: Reach = (0, 0)
        """Up to where it is noted what events mean."""
        self.arrived_ns = 0
        """What letting seats in has cost in this flush."""

    @property
    def log(self) -> bytes:
        """What tells the stream's log from any other."""
        return f"{self.source.store.log_id} {self.stream}".encode()

    def step(self, state: State, outgoing: Outgoing, until_ns: int) -> bool:
        """Do a part of a flush with the state as it is; returns whether there is more to do."""
        house = state if isinstance(state, House) else self.source.view
        moment = Moment(state, house, self.cache, self.source.clock.now_ns(), self.source.clock.host_ns)
        if not self.note(moment, until_ns):
            return True
        while True:
            while self.due:
                group = next(iter(self.due))
                began_ns, arrives = self.source.clock.host_ns(), group.arrival is not None
                complete = self.compose(group, moment, outgoing, until_ns)
                now_ns = self.source.clock.host_ns()
                if arrives:
                    self.arrived_ns += now_ns - began_ns
                if not complete or now_ns >= until_ns:
                    return bool(self.due or self.lets_in)
            if not self.lets_in:
                return False
            began_ns = self.source.clock.host_ns()
            self.let_in(moment, outgoing, until_ns)
            now_ns = self.source.clock.host_ns()
            self.arrived_ns += now_ns - began_ns
            if now_ns >= until_ns:
                return bool(self.due or self.lets_in)

    @property
    def lets_in(self) -> bool:
        """Whether this flush lets more seats in. The others wait for the next: who is in already waits for no crowd."""
        return bool(self.waiting) and self.arrived_ns < ARRIVALS_NS

    def let_in(self, moment: Moment, outgoing: Outgoing, until_ns: int) -> None:
        """Let some seats in: few that need a frame of their own, and of one user fewer still."""
        begun: dict[str, int] = {}
        for seat in list(self.waiting):
            user = seat.name
            if begun.get(user, 0) >= FRAMES_OF_ONE:
                continue
            del self.waiting[seat]
            if self.welcome(seat, moment, outgoing):
                begun[user] = begun.get(user, 0) + 1
            if sum(begun.values()) >= FRAMES_AT_ONCE or self.source.clock.host_ns() >= until_ns:
                return

    def note(self, moment: Moment, until_ns: int) -> bool:
        """Note what has happened up to the state as it is; false if the time was not enough for that."""
        state, house = moment.state, moment.house
        to: Reach = (house.seq, state.seq)
        if self.read == (0, 0) or not (self.groups or self.arriving):
            self.read = to
        for number, (is_house, happened) in enumerate(self.happened(self.read, to), 1):
            make = house_fact_of if is_house else fact_of
            self.spread(make(state, house, happened, self.following))
            seen = happened[0]
            self.read = (seen, self.read[1]) if is_house else (seen if self.stream == HOUSE else self.read[0], seen)
            if number % PIECE_EVENTS == 0 and self.source.clock.host_ns() >= until_ns:
                return self.read == to
        self.read = to
        return True

    def happened(self, after: Reach, to: Reach) -> Iterator[tuple[bool, Happened]]:
        """(whether it is the house's, the event) between two places: the house's first, those that are not durable at the end."""
        if self.stream != HOUSE:
            for one in self.house.since(after[0]):
                if one[0] <= to[0]:
                    yield True, one
        last = after[1]
        for one in self.own.since(after[1]):
            if one[0] <= to[1]:
                last = one[0]
                yield False, one
        if last < to[1]:
            for one in self.source.require(self.stream).undurable():
                if last < one[0] <= to[1]:
                    yield False, one

    def welcome(self, seat: Seat, moment: Moment, outgoing: Outgoing) -> bool:
        """Let a seat in: with what it has missed if that can be proved, else with an image. Returns whether it is the first
        that needs this frame."""
        state = moment.state
        try:
            if not seat.name:
                raise not_signed_in()
            user = reader_of(state, seat.name, seat.session, moment.now_ns)
            audience = audience_at(state, user, seat.node)
            require_topics(seat.topics, state, audience)
        except Rejected as rejected:
            outgoing.refusals.append((seat, rejected))
            return False
        arrival = (audience, seat.topics, seat.resume)
        group = self.arriving.get(arrival)
        first = group is None
        if group is None:
            group = Group(next(self.numbers), audience, seat.topics, state.vocabulary, self.log, self.read)
            self.arriving[arrival] = group
            group.arrival = arrival
            self.register(group)
            self.begin(group, seat.resume)
        group.take(seat)
        self.owe(group)
        return first

    def begin(self, group: Group, resume: Resume | None) -> None:
        """Begin a group's first frame: what it has missed, or an image."""
        if resume is None or resume.log != group.log or not self.holds((resume.house, resume.position)):
            self.begin_image(group)
            return
        group.composed = (resume.house, resume.position)
        coming = group.upcoming()
        coming.found, coming.until = group.composed, self.read

    def begin_image(self, group: Group) -> None:
        """Begin a group's frame as an image."""
        spent_ns = group.next.spent_ns if group.next is not None else 0
        coming = group.begin_image()
        coming.spent_ns = spent_ns
        if group.events:
            house, position = self.read
            first = max(position - IMAGE_SCAN_EVENTS, 0)
            coming.missed.extend(self.happened((house, first), self.read))

    def holds(self, after: Reach) -> bool:
        """Whether all events since a place are at hand."""
        house, position = self.read
        if not 0 <= self.own.after <= after[1] <= position:
            return False
        return self.stream == HOUSE or 0 <= self.house.after <= after[0] <= house

    def find(self, group: Group, until_ns: int) -> bool:
        """Find what a group has missed until there is no more (true) or the time is over (false). If it is not sure that
        nothing is missing, or what they may see has changed, they get an image."""
        coming = group.upcoming()
        if coming.found is None:
            return True
        if not self.holds(coming.found):
            self.begin_image(group)
            return True
        for number, (is_house, one) in enumerate(self.happened(coming.found, coming.until), 1):
            if not is_house and one[4].changes_sight:
                self.begin_image(group)
                return True
            coming.missed.append((is_house, one))
            coming.found = (one[0], coming.found[1]) if is_house else (coming.until[0], one[0])
            if number % PIECE_EVENTS == 0 and self.source.clock.host_ns() >= until_ns:
                return False
        coming.found = None
        return True

    def compose(self, group: Group, moment: Moment, outgoing: Outgoing, until_ns: int) -> bool:
        """Go on with a group's next frame; true if it is complete."""
        if group.doubtful:
            self.judge(group, moment, outgoing)
            if not group.seats:
                return True
        began_ns = self.source.clock.host_ns()
        complete = self.find(group, until_ns) and group.catch_up(moment, until_ns) and group.read(moment, until_ns)
        group.upcoming().spent_ns += self.source.clock.host_ns() - began_ns
        if not complete:
            return False
        home = self.groups.get((group.audience, group.topics))
        # They go on together from here: both must have come here.
        together = home is None or home is group or home.next is None or self.compose(home, moment, outgoing, until_ns)
        if not together:
            return False
        self.finish(group, moment, outgoing)
        if home is not group:
            self.settle(group)
        return True

    def judge(self, group: Group, moment: Moment, outgoing: Outgoing) -> None:
        """Take out every seat whose session, permissions or place have changed."""
        group.doubtful = False
        judged: dict[tuple[str, str], Rejected | None] = {}
        for seat in list(group.seats):
            key = (seat.session, seat.node)
            if key not in judged:
                judged[key] = self.loss_of(seat, group, moment)
            rejected = judged[key]
            if rejected is None:
                continue
            self.part(seat)
            if group.arrival is not None:
                outgoing.refusals.append((seat, rejected))
            else:
                outgoing.cuts.append((seat, "signed_out" if rejected.code == "signed_out" else "revoked"))

    def loss_of(self, seat: Seat, group: Group, moment: Moment) -> Rejected | None:
        """Why a seat may not go on with its group; None if it may."""
        try:
            user = reader_of(moment.state, seat.name, seat.session, moment.now_ns)
            if audience_at(moment.state, user, seat.node) != group.audience:
                raise Rejected("not_permitted", "This user sees other things now.")
        except Rejected as rejected:
            return rejected
        return None

    def finish(self, group: Group, moment: Moment, outgoing: Outgoing) -> None:
        """Make the frame of a group whose next one is complete."""
        coming, group.next = group.next, None
        assert coming is not None
        self.due.pop(group, None)
        self.later.pop(group, None)
        self.done[group] = None
        body = group.body(coming, moment.house)
        to, at_ns = self.read, moment.state.at_ns
        at = b'"at_ns":%d,"at":"%b"' % (at_ns, time_text(at_ns).encode())
        if coming.after is None:
            kind, head = b"image", b'"position":%d,"house":%d,%b' % (to[1], to[0], at)
        else:
            kind = b"delta"
            house, position = coming.after
            head = b'"from":%d,"to":%d,"house_from":%d,"house":%d,%b' % (position, to[1], house, to[0], at)
        home = self.groups.get((group.audience, group.topics), group)
        first = group.arrival is not None
        if not body and not first:
            return
        begin = list(group.seats) if first else None
        outgoing.frames.append((home, begin, frame(group.log, kind, head, body, to), to))
        group.composed = to
        if first:
            users = dict.fromkeys(seat.user for seat in group.seats)
            for user in users:
                self.spending.charge(user, coming.spent_ns // len(users))
