"""Watch: silence is a fact that time causes, slowness one that the monitor finds."""

import pytest
from tests.doubles.stage import NOON_NS, SECOND_NS

from runline.domain.bounds import FEED_SILENT_MS_MAX, FEEDS_MAX
from runline.domain.messages import ENGINE, GATEWAY
from runline.domain.permissions import FEED_MAY, Permission
from runline.domain.roles import SetRole
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
