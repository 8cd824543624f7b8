"""Watch: silence is a fact that time causes, slowness one that the monitor finds."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import NOON_NS, SECOND_NS

from runline.domain.bounds import FEED_SILENT_MS_MAX, FEEDS_MAX
from runline.domain.messages import ENGINE, GATEWAY
from runline.domain.nodes import ROOT
from runline.domain.permissions import FEED_MAY, Permission
from runline.domain.roles import SetRole
from runline.domain.suspension import Suspended
from runline.domain.users import CreateUser
from runline.domain.watch import (
    Feed,
    FeedHeard,
    FeedReturned,
    FeedSilent,
    FeedWatched,
    HealthDegraded,
    HealthRestored,
    KeepFeed,
    NoteHealth,
    NoteSilence,
    Slowness,
    WatchFeed,
)


@pytest.fixture
def house(house):
    house.given(
        SetRole("feed", "root", tuple(Permission(value) for value in FEED_MAY), "given"),
        CreateUser("don", "root", "feed"),
    )
    house.given(WatchFeed("don", 20_000, "lines"))
    return house


def silent(house):
    return [feed.silent for feed in house.stored(Feed)]


def test_a_feed_that_says_nothing_is_silent_once_its_time_is_over(house):
    house.time_is(NOON_NS + 19 * SECOND_NS)
    assert silent(house) == [False]
    house.time_is(NOON_NS + 20 * SECOND_NS)
    assert silent(house) == [True]
    assert house.log[-2][3] == FeedSilent("don", NOON_NS)
    house.when(NoteSilence("don"), by=ENGINE)
    house.nothing_happened()


def test_a_feed_that_is_heard_has_its_time_again(house):
    house.time_is(NOON_NS + 15 * SECOND_NS)
    house.when(KeepFeed(), by="don")
    house.happened(FeedHeard, feed="don")
    house.time_is(NOON_NS + 34 * SECOND_NS)
    assert silent(house) == [False]
    house.time_is(NOON_NS + 35 * SECOND_NS)
    assert silent(house) == [True]


def test_a_silent_feed_returns_by_saying_so(house):
    house.time_is(NOON_NS + 60 * SECOND_NS)
    house.when(KeepFeed(), by="don")
    house.happened(FeedReturned, feed="don", heard_ns=NOON_NS)
    house.time_is(NOON_NS + 80 * SECOND_NS)
    assert silent(house) == [True]


def test_a_feed_that_nobody_watches_says_so_in_vain(house):
    house.when(KeepFeed())
    house.nothing_happened()


def test_a_feed_is_watched_no_more(house):
    house.when(WatchFeed("don", 0, "sold"))
    house.happened(FeedWatched, before_ms=20_000, after_ms=0)
    house.time_is(NOON_NS + 60 * SECOND_NS)
    assert house.stored(Feed) == []
    assert not any(isinstance(one[3], FeedSilent) for one in house.log)
    house.when(WatchFeed("don", 0, "again"))
    house.nothing_happened()


def test_another_time_counts_from_now(house):
    house.time_is(NOON_NS + 10 * SECOND_NS)
    house.given(WatchFeed("don", 5_000, "strict"))
    house.time_is(NOON_NS + 15 * SECOND_NS)
    assert silent(house) == [True]


@pytest.mark.parametrize("after_ms", [-1, 999, FEED_SILENT_MS_MAX + 1])
def test_a_time_that_is_none_is_refused(house, after_ms):
    house.when(WatchFeed("don", after_ms, "given"))
    house.rejected("limits_invalid")


def test_only_users_are_watched_and_not_too_many(house, monkeypatch):
    house.when(WatchFeed("nobody", 20_000, "given"))
    house.rejected("unknown_user")
    monkeypatch.setattr("runline.domain.watch.FEEDS_MAX", 1)
    house.when(WatchFeed("platform", 20_000, "given"))
    house.rejected("too_many", most=1)
    assert FEEDS_MAX > 1


def test_slowness_begins_once_and_ends_once(house):
    for slow, kind in ((True, HealthDegraded), (True, None), (False, HealthRestored), (False, None)):
        house.when(NoteHealth("commit", slow, 300, 250), by=GATEWAY)
        if kind is None:
            house.nothing_happened()
        else:
            house.happened(kind, measure="commit", value_ms=300)
        assert bool(house.stored(Slowness)) is slow


def test_only_the_monitor_may_say_how_runline_is(house):
    house.when(NoteHealth("commit", True, 300, 250))
    house.rejected("not_permitted")


def test_watching_says_what_was_and_that_a_feed_is_silent_closes_what_it_has_posted(house):
    house.when(WatchFeed("don", 5_000, "strict"))
    assert house.events == [FeedWatched("don", 20_000, 5_000, "strict")]
    watched_seq = house.state.seq
    house.when(WatchFeed("don", 5_000, "strict"))
    house.nothing_happened()
    assert house.stored(Feed) == [Feed("don", 5_000, NOON_NS, False, watched_seq, watched_seq)]
    assert house.state.timers.by_subject["feed", "don"].due_ns == NOON_NS + 5 * SECOND_NS
    house.clock_ns = NOON_NS + 5 * SECOND_NS - 1
    assert house.execute(NoteSilence("don"), ENGINE) == []
    assert house.execute(NoteSilence("nobody"), ENGINE) == []
    house.clock_ns += 1
    assert house.execute(NoteSilence("don"), ENGINE) == [
        FeedSilent("don", NOON_NS),
        Suspended("silence", "don", ROOT, "The feed is silent."),
    ]
    assert ("feed", "don") not in house.state.timers.by_subject
    house.clock_ns += SECOND_NS
    house.when(KeepFeed(), by="don")
    assert house.events == [FeedReturned("don", NOON_NS)]
    (feed,) = house.stored(Feed)
    assert (feed.heard_ns, feed.silent, feed.watched_seq) == (house.clock_ns, False, watched_seq)
    house.when(WatchFeed("don", 0, "sold"))
    assert house.events == [FeedWatched("don", 5_000, 0, "sold")]
    assert ("feed", "don") not in house.state.timers.by_subject


def test_a_feed_may_be_silent_for_a_second_to_an_hour(house):
    for after_ms in (1_000, FEED_SILENT_MS_MAX):
        house.given(WatchFeed("don", after_ms, "given"))
        assert house.state.watch.feeds["don"].silent_after_ms == after_ms


def test_slowness_is_told_with_what_was_measured(house):
    house.when(NoteHealth("loop", True, 300, 250), by=GATEWAY)
    assert house.events == [HealthDegraded("loop", 300, 250)]
    since_ns = house.state.at_ns
    assert house.stored(Slowness) == [Slowness("loop", 300, 250, since_ns, house.state.seq)]
    house.clock_ns += SECOND_NS
    house.when(NoteHealth("commit", False, 1, 250), by=GATEWAY)
    house.nothing_happened()
    house.when(NoteHealth("loop", False, 200, 250), by=GATEWAY)
    assert house.events == [HealthRestored("loop", 200, since_ns)]
    assert house.stored(Slowness) == []


def test_a_feeds_watch_stands_on_how_it_is_watched_and_not_on_when_it_was_heard(house):
    watched = house.state.seq
    ground = VOCABULARY.grounds[WatchFeed]
    command = WatchFeed("don", 5_000, "strict")
    house.when(KeepFeed(), by="don")
    assert ground(house.state, command) == watched
    house.given(WatchFeed("don", 0, "sold"))
    assert ground(house.state, command) == house.state.seq
    assert VOCABULARY.grounds[KeepFeed](house.state, KeepFeed()) == 0
