"""Watch: which feeds must be heard of, and where Runline is slower than it should be.

Rule: a feed is heard of when it says so, changed lines or not. Silence is a fact that time causes; it ends when the feed is
heard again. What a silent feed has posted is closed, by one layer over all of it; each market opens with the feed's next line
for it, and what a person has closed stays closed. That something is slow is a fact once, when it begins, and once when it is
over.
"""

from typing import TYPE_CHECKING, Literal

from runline.domain.bounds import FEED_SILENT_MS_MAX, FEED_SILENT_MS_MIN, FEEDS_MAX
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State
from runline.domain.suspension import Suspended

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House

Measure = Literal["commit", "answer", "delivery", "loop"]
"""commit: sealed to durable. answer: received to answered. delivery: durable to written to the screens. loop: how late the
process is for what it has planned."""


class Feed(Row, table="feeds"):
    """A feed that must be heard of.

    name: its user in the house. silent_after_ms: how long it may say nothing. heard_ns: when it was heard last.
    watched_seq: the position at which how it is watched last changed.
    """

    name: str
    silent_after_ms: int
    heard_ns: int
    silent: bool = False
    watched_seq: int = 0
    changed_seq: int = 0


class Slowness(Row, table="slownesses"):
    """Something that is slower than it should be. value_ms, most_ms: when it began."""

    measure: str
    value_ms: int
    most_ms: int
    since_ns: int
    changed_seq: int = 0


class Watch(Part, named="watch", streams=("house",), keeps={Feed: "feeds", Slowness: "slownesses"}):
    """What the house watches."""

    __slots__ = ("feeds", "slownesses", "timers")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.timers = state.timers
        self.feeds: dict[str, Feed] = {}
        self.slownesses: dict[str, Slowness] = {}

    def heard(self, name: str) -> None:
        """Note that a feed is heard of now, and when it would be silent."""
        now_ns = self.state.at_ns
        feed = self.state.touch(self.feeds[name])
        feed.heard_ns, feed.silent = now_ns, False
        self.timers.schedule("feed", name, now_ns + feed.silent_after_ms * 1_000_000)


class WatchFeed(Command, needs=Permission.SETTINGS_CHANGE, streams=("house",)):
    """Watch a feed, which then has to send KeepFeed: once it has said nothing for too long, what it has posted is suspended. Or
    watch it no more; what is suspended then stays so until the feed's next lines, or `Reopen` of its `silence`.

    feed: its user. silent_after_ms: how long it may say nothing, 1 s to 1 h; 0 to watch it no more.
    """

    feed: str
    silent_after_ms: int
    reason: Reason


class FeedWatched(Event):
    """A feed is watched, or no more (`after_ms` 0). It counts as heard of now."""

    feed: str
    before_ms: int
    after_ms: int
    reason: str


class KeepFeed(Command, needs=Permission.LINES_POST, streams=("house",)):
    """Say that the feed that sends this is alive, lines or no lines. Send it three times in the time allowed to be silent."""


class FeedHeard(Event):
    """A watched feed has said that it is alive."""

    feed: str


class NoteSilence(Command, streams=("house",)):
    """A feed may have been silent for too long (the engine sends it when the timer is due)."""

    feed: str


class FeedSilent(Event, shown_to=Permission.BOARD_VIEW, notice="feed_silent", told_to_books=True):
    """A feed has said nothing for as long as it may: its lines may be old, and are suspended (`Suspended`, scope `silence`)."""

    feed: str
    heard_ns: int


class FeedReturned(Event, shown_to=Permission.BOARD_VIEW, notice="feed_silent", told_to_books=True):
    """A feed that was silent is heard of again. Each of its markets opens with its next line."""

    feed: str
    heard_ns: int


class NoteHealth(Command, sender="gateway", streams=("house",)):
    """Runline's monitor has found something too slow, or as fast as it should be again."""

    measure: Measure
    slow: bool
    value_ms: int
    most_ms: int


class HealthDegraded(Event, shown_to=Permission.FIGURES_VIEW, notice="degraded_health", told_to_books=True):
    """Something takes longer than it should. value_ms: the 99th percentile of the last seconds."""

    measure: Measure
    value_ms: int
    most_ms: int


class HealthRestored(Event, shown_to=Permission.FIGURES_VIEW, notice="degraded_health", told_to_books=True):
    """It is as fast as it should be again."""

    measure: Measure
    value_ms: int
    since_ns: int


@decides(WatchFeed)
def watch_feed(house: "House", command: WatchFeed, context: "Context") -> FeedWatched | tuple[()]:
    name, after_ms = command.feed, command.silent_after_ms
    feed = house.watch.feeds.get(name)
    if after_ms and not FEED_SILENT_MS_MIN <= after_ms <= FEED_SILENT_MS_MAX:
        raise Rejected(
            "limits_invalid", "A feed may be silent for 1 s to 1 h.", least=FEED_SILENT_MS_MIN, most=FEED_SILENT_MS_MAX
        )
    if name not in house.access.users:
        raise Rejected("unknown_user", f"There is no user {name!r}.", user=name)
    before_ms = feed.silent_after_ms if feed else 0
    if before_ms == after_ms:
        return ()
    if feed is None and len(house.watch.feeds) >= FEEDS_MAX:
        raise Rejected("too_many", "As many feeds are watched as can be.", most=FEEDS_MAX)
    return FeedWatched(name, before_ms, after_ms, command.reason)


@evolves(FeedWatched)
def feed_watched(house: "House", event: FeedWatched) -> None:
    if not event.after_ms:
        house.timers.unschedule("feed", event.feed)
        house.drop(house.watch.feeds.pop(event.feed))
        return
    feed = house.watch.feeds.get(event.feed)
    if feed is None:
        feed = house.watch.feeds[event.feed] = Feed(event.feed, event.after_ms, house.at_ns)
    feed.silent_after_ms = event.after_ms
    feed.watched_seq = house.seq
    house.watch.heard(event.feed)


@grounds(WatchFeed)
def watched_ground(house: "House", command: WatchFeed) -> int:
    """How the feed is watched: that it is heard of does not change it."""
    feed = house.watch.feeds.get(command.feed)
    return feed.watched_seq if feed else house.moved_seq(Feed, command.feed)


@grounds(KeepFeed)
def heard_ground(house: "House", command: KeepFeed) -> int:
    """None: to be heard of is about nothing that could have changed."""
    return 0


@decides(KeepFeed)
def keep_feed(house: "House", command: KeepFeed, context: "Context") -> FeedHeard | FeedReturned | tuple[()]:
    feed = house.watch.feeds.get(context.user.name)
    if feed is None:
        return ()
    return FeedReturned(feed.name, feed.heard_ns) if feed.silent else FeedHeard(feed.name)


@evolves(FeedHeard)
@evolves(FeedReturned)
def feed_heard(house: "House", event: FeedHeard | FeedReturned) -> None:
    house.watch.heard(event.feed)


@fires("feed")
def feed_is_due(subject: str) -> Command:
    return NoteSilence(subject)


@decides(NoteSilence)
def note_silence(house: "House", command: NoteSilence, context: "Context") -> list[Event] | tuple[()]:
    feed = house.watch.feeds.get(command.feed)
    if feed is None or feed.silent or context.at_ns < feed.heard_ns + feed.silent_after_ms * 1_000_000:
        return ()
    return [FeedSilent(feed.name, feed.heard_ns), Suspended("silence", feed.name, ROOT, "The feed is silent.")]


@evolves(FeedSilent)
def feed_silent(house: "House", event: FeedSilent) -> None:
    house.touch(house.watch.feeds[event.feed]).silent = True
    house.timers.unschedule("feed", event.feed)


@decides(NoteHealth)
def note_health(house: "House", command: NoteHealth, context: "Context") -> HealthDegraded | HealthRestored | tuple[()]:
    known = house.watch.slownesses.get(command.measure)
    if command.slow and known is None:
        return HealthDegraded(command.measure, command.value_ms, command.most_ms)
    if not command.slow and known is not None:
        return HealthRestored(command.measure, command.value_ms, known.since_ns)
    return ()


@evolves(HealthDegraded)
def health_degraded(house: "House", event: HealthDegraded) -> None:
    slow = Slowness(event.measure, event.value_ms, event.most_ms, house.at_ns)
    house.watch.slownesses[event.measure] = house.touch(slow)


@evolves(HealthRestored)
def health_restored(house: "House", event: HealthRestored) -> None:
    house.drop(house.watch.slownesses.pop(event.measure))
