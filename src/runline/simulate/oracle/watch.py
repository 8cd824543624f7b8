"""Watch: feeds that must be heard of, what is too slow, and what was set aside."""

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.rules import BOTH, IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.settings import whole_book
from runline.simulate.oracle.state import ROOT, Book, Feed, House, Stream

SILENT_LEAST_MS = 1_000
SILENT_MOST_MS = 3_600_000
MS_NS = 10**6
REASON_LENGTH = 500

SILENT = "The feed is silent."


@command("WatchFeed", needs="settings_change", streams=IN_HOUSE, reasons=REASON)
def watch_feed(house: House, asked: Asked, moment: Moment) -> list[Event]:
    after_ms = asked.silent_after_ms
    possible = after_ms == 0 or SILENT_LEAST_MS <= after_ms <= SILENT_MOST_MS
    refuse_unless(possible, "limits_invalid", least=SILENT_LEAST_MS, most=SILENT_MOST_MS)
    refuse_unless(asked.feed in house.users, "unknown_user", user=asked.feed)
    before_ms = house.feeds[asked.feed].silent_after_ms if asked.feed in house.feeds else 0
    if before_ms == after_ms:
        return []
    if asked.feed not in house.feeds:
        one_more("FEEDS_MAX", len(house.feeds))
    return [happens("FeedWatched", feed=asked.feed, before_ms=before_ms, after_ms=after_ms, reason=asked.reason)]


@event("FeedWatched")
def feed_watched(house: House, at: Asked) -> None:
    house.touch("feed", at.feed)
    if not at.after_ms:
        del house.feeds[at.feed]
        house.end_timer("feed", at.feed)
        return
    feed = house.feeds.setdefault(at.feed, Feed(at.after_ms, house.at_ns))
    feed.silent_after_ms, feed.watched_seq = at.after_ms, house.seq
    heard(house, at.feed)


def heard(house: House, name: str) -> None:
    """A feed is heard of now."""
    feed = house.feeds[name]
    feed.heard_ns, feed.silent = house.at_ns, False
    house.set_timer("feed", name, feed.heard_ns + feed.silent_after_ms * MS_NS)


@ground("WatchFeed")
def watched_ground(house: House, asked: Asked) -> int:
    feed = house.feeds.get(asked.feed)
    return feed.watched_seq if feed else house.when_moved("feed", asked.feed)


@command("KeepFeed", needs="lines_post", streams=IN_HOUSE)
def keep_feed(house: House, asked: Asked, moment: Moment) -> list[Event]:
    name = moment.user.name
    if name not in house.feeds:
        return []
    if house.feeds[name].silent:
        return [happens("FeedReturned", feed=name, heard_ns=house.feeds[name].heard_ns)]
    return [happens("FeedHeard", feed=name)]


@event("FeedHeard", "FeedReturned")
def feed_heard(house: House, at: Asked) -> None:
    heard(house, at.feed)


@ground("KeepFeed")
def heard_ground(house: House, asked: Asked) -> int:
    return 0


@command("NoteSilence", streams=IN_HOUSE)
def note_silence(house: House, asked: Asked, moment: Moment) -> list[Event]:
    feed = house.feeds.get(asked.feed)
    if feed is None or feed.silent or moment.at_ns < feed.heard_ns + feed.silent_after_ms * MS_NS:
        return []
    layer = {"scope": "silence", "subject": asked.feed, "node": ROOT, "reason": SILENT}
    return [happens("FeedSilent", feed=asked.feed, heard_ns=feed.heard_ns), happens("Suspended", **layer)]


@event("FeedSilent")
def feed_silent(house: House, at: Asked) -> None:
    house.feeds[at.feed].silent = True
    house.end_timer("feed", at.feed)


@command("NoteHealth", sender="gateway", streams=IN_HOUSE)
def note_health(house: House, asked: Asked, moment: Moment) -> list[Event]:
    known = asked.measure in house.slow
    if asked.slow == known:
        return []
    fields = {"measure": asked.measure, "value_ms": asked.value_ms}
    if asked.slow:
        return [happens("HealthDegraded", **fields, most_ms=asked.most_ms)]
    return [happens("HealthRestored", **fields, since_ns=house.slow[asked.measure])]


@event("HealthDegraded")
def health_degraded(house: House, at: Asked) -> None:
    house.slow[at.measure] = house.at_ns


@event("HealthRestored")
def health_restored(house: House, at: Asked) -> None:
    del house.slow[at.measure]


def is_owed(stream: Stream, what: str, kind: str, subject: str) -> bool:
    """Whether a stream owes something: a timer that is set, a job that goes on, a result that is not taken."""
    if what == "timer":
        return (kind, subject) in stream.timers
    if what == "job":
        return isinstance(stream, Book) and int(subject) in stream.jobs
    return what == "house" and isinstance(stream, Book) and bool(stream.users) and int(subject) > stream.taken_seq


@command("PutAside", streams=BOTH)
def put_aside(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    duty = (asked.what, asked.kind, asked.subject)
    if duty in stream.aside.values() or not is_owed(stream, *duty):
        return []
    one_more("SET_ASIDE_MAX", len(stream.aside))
    reason = "".join(letter if letter.isprintable() else " " for letter in asked.reason[:REASON_LENGTH])
    return [happens("WorkSetAside", what=asked.what, kind=asked.kind, subject=asked.subject, reason=reason)]


@event("WorkSetAside")
def work_set_aside(stream: Stream, at: Asked) -> None:
    stream.aside[stream.seq] = (at.what, at.kind, at.subject)
    stream.touch("aside", stream.seq)
    if at.what == "house" and isinstance(stream, Book):
        stream.taken_seq = max(stream.taken_seq, int(at.subject))


@command("TryAgain", needs="settings_change", streams=BOTH, reasons=REASON)
def try_again(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    whole_book(moment)
    refuse_unless(asked.number in stream.aside, "unknown_work", number=asked.number)
    what, kind, subject = stream.aside[asked.number]
    about = {"what": what, "kind": kind, "subject": subject}
    events = [happens("WorkTakenUp", number=asked.number, **about, reason=asked.reason)]
    if what == "house":
        # A result that another one has taken the place of by now is not taken any more.
        told = moment.house.told.get(int(subject))
        stands = [known.confirmed_seq for known in moment.house.results.values()]
        stands += [known.confirmed_seq for _, _, known in moment.house.archived.values()]
        if told is not None and int(subject) in stands:
            events.append(happens("ResultTaken", **told))
    return events


@event("WorkTakenUp")
def work_taken_up(stream: Stream, at: Asked) -> None:
    stream.no_longer_aside((at.what, at.kind, at.subject))


@ground("TryAgain")
def aside_ground(stream: Stream, asked: Asked) -> int:
    return stream.when_moved("aside", asked.number)
