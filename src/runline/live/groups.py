"""Groups: who watches a stream, and to whom something is due.

Rule: an event is noted with the groups that it concerns, which are found by node, player and topic; nobody else costs anything.
"""

from collections.abc import Iterator

from runline.domain.audience import EVERYONE, Audience, left
from runline.domain.messages import Event
from runline.domain.nodes import ROOT
from runline.engine.watching import Resume
from runline.live.cache import Cache
from runline.live.facts import Fact
from runline.live.frames import Group
from runline.live.seats import Seat

Arrival = tuple[Audience, tuple[str, ...], Resume | None]
"""Seats that begin alike: what they see, and where they come from."""

NOBODY: dict[Group, None] = {}
"""Where no group is found."""


class Groups:
    """The seats of one stream, in groups that see the same."""

    def __init__(self) -> None:
        self.seats: dict[Seat, None] = {}
        self.waiting: dict[Seat, None] = {}
        """Seats that want to be let in."""
        self.groups: dict[tuple[Audience, tuple[str, ...]], Group] = {}
        self.arriving: dict[Arrival, Group] = {}
        self.due: dict[Group, None] = {}
        """Groups that are to be sent something."""
        self.done: dict[Group, None] = {}
        """Those that have had their frame in this flush."""
        self.later: dict[Group, None] = {}
        """Those of them that are to be sent something with the next one."""
        self.following: dict[str, dict[Group, None]] = {}
        self.at: dict[str, dict[Group, None]] = {}
        self.of_player: dict[str, dict[Group, None]] = {}
        self.of_user: dict[str, dict[Seat, None]] = {}
        self.cache = Cache()

    # Who comes and goes

    def leave(self, seat: Seat) -> None:
        """A seat is empty."""
        self.seats.pop(seat, None)
        self.waiting.pop(seat, None)
        theirs = self.of_user.get(seat.name, {})
        theirs.pop(seat, None)
        if not theirs:
            self.of_user.pop(seat.name, None)
        self.part(seat)

    def part(self, seat: Seat) -> None:
        """Take a seat out of its group; a group without seats is forgotten."""
        group = seat.group
        if group is not None:
            group.let_go(seat)
            if not group.seats:
                self.forget(group)

    def register(self, group: Group) -> None:
        """Note by what a group is found."""
        for index, key in self.found_at(group):
            index.setdefault(key, {})[group] = None

    def found_at(self, group: Group) -> Iterator[tuple[dict[str, dict[Group, None]], str]]:
        """Where a group is found."""
        for topic in group.topics:
            yield self.following, topic
        if group.audience.player:
            yield self.of_player, group.audience.player
        else:
            yield self.at, group.audience.node

    def forget(self, group: Group) -> None:
        """A group is no more."""
        for known in (self.due, self.later, self.done):
            known.pop(group, None)
        group.next = None
        for index, at in self.found_at(group):
            found = index.get(at)
            if found is not None:
                found.pop(group, None)
                if not found:
                    del index[at]
                    # Nobody finds out any more what changes of a topic that nobody follows.
                    self.cache.rows.clear()
        key = (group.audience, group.topics)
        if self.groups.get(key) is group:
            del self.groups[key]
        if group.arrival is not None:
            self.arriving.pop(group.arrival, None)

    def settle(self, group: Group) -> None:
        """A group has had its first frame: from here on it sees what others like it see."""
        if group.arrival is not None:
            del self.arriving[group.arrival]
            group.arrival = None
        home = self.groups.setdefault((group.audience, group.topics), group)
        if home is group:
            return
        for seat in list(group.seats):
            group.let_go(seat)
            home.take(seat)
        self.forget(group)

    # What is due

    def spread(self, fact: Fact) -> None:
        """Note an event with the groups that it concerns."""
        self.forget_rows(fact)
        for group in self.concerned(fact):
            group.tell(fact)
            self.owe(group)
        if not fact.house and fact.event.changes_sight:
            self.doubt(fact.event)

    def concerned(self, fact: Fact) -> dict[Group, None]:
        """The groups that an event concerns."""
        tree = fact.state.tree
        groups: dict[Group, None] = {}
        for rows, changed in fact.changes:
            if changed.everyone or changed.below:
                groups.update(self.following.get(fact.state.vocabulary.topic_rows[rows].topic, NOBODY))
            for node in changed.nodes:
                groups.update(self.at.get(node, NOBODY))
            groups.update(self.of_player.get(changed.player, NOBODY))
        if fact.node == EVERYONE:
            groups.update(self.following.get("notifications", NOBODY) if fact.kind else NOBODY)
            groups.update(NOBODY if fact.house else self.following.get("log", NOBODY))
        else:
            for concerned in filter(None, (fact.node, left(fact.event))):
                for node in tree.chain(concerned) if tree.known(concerned) else (ROOT,):
                    groups.update(self.at.get(node, NOBODY))
        if fact.player in self.of_player:
            groups.update(self.of_player[fact.player])
        return groups

    def owe(self, group: Group) -> None:
        """Something is due to a group: with this flush, or with the next one if it has had its frame."""
        (self.later if group in self.done else self.due)[group] = None

    def forget_rows(self, fact: Fact) -> None:
        """Forget the rows that an event has changed."""
        for rows, changed in fact.changes:
            if changed.whole:
                self.cache.forget_all(rows)
            else:
                self.cache.forget(rows, changed.keys)

    def doubt(self, event: Event) -> None:
        """An event may change what somebody sees: whoever it is about is judged before anything else is sent to them."""
        # (A player's user is called as the account.)
        user = getattr(event, "user", "") or getattr(event, "player", "")
        for seat in self.of_user.get(user, {}) if user else self.seats:
            group = seat.group
            if group is not None and not group.doubtful:
                group.doubtful = True
                group.upcoming()
                self.owe(group)
