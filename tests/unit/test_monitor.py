"""Monitor: the last seconds count, and each change is reported until it is accepted."""

import asyncio

from runline.domain.messages import Rejected
from runline.engine.probes import Histogram, Measures
from runline.engine.requests import Accepted, Refused
from runline.monitor.health import SLOW_MS, HealthMonitor
from runline.monitor.recent import WINDOW_S, Recent, Since


class House:
    """Takes reports, or refuses them."""

    def __init__(self):
        self.accepts = True
        self.reports = []

    def report(self, command, sink):
        self.reports.append((command.measure, command.slow))
        sink.answer(0, Accepted(1, []) if self.accepts else Refused(1, "unavailable", "", {}))


class Owner:
    """Says what was measured where the streams are, unless it cannot be reached."""

    def __init__(self):
        self.measures = Measures(Histogram(), Histogram())
        self.away = False

    async def ask(self):
        if self.away:
            raise Rejected("unavailable", "It is away.")
        return self.measures


def monitor_of(house):
    owner = Owner()
    monitor = HealthMonitor(owner.ask, Histogram(), house.report)
    asyncio.run(monitor.measure())
    return owner.measures.commit, monitor


def test_what_was_counted_before_the_window_counts_no_more():
    source = Histogram()
    recent = Recent(source)
    source.add(10**9)
    recent.mark()
    assert recent.histogram().count == 1
    for _ in range(WINDOW_S):
        recent.mark()
    assert recent.histogram().count == 0
    assert recent.histogram().percentile_ms(99) == 0


def test_slowness_is_reported_once_and_so_is_its_end():
    house = House()
    commit, monitor = monitor_of(house)
    monitor.look()
    house.reports.clear()
    commit.add(2 * SLOW_MS["commit"] * 10**6)
    monitor.look()
    monitor.look()
    assert house.reports == [("commit", True)]
    for _ in range(WINDOW_S):
        monitor.look()
    assert house.reports == [("commit", True), ("commit", False)]


def test_what_is_a_little_faster_than_too_slow_is_still_slow():
    house = House()
    commit, monitor = monitor_of(house)
    commit.add(2 * SLOW_MS["commit"] * 10**6)
    monitor.look()
    for _ in range(2 * WINDOW_S):
        commit.add(3 * SLOW_MS["commit"] // 4 * 10**6)
        monitor.look()
    assert monitor.said["commit"]


def test_a_report_is_repeated_until_it_is_accepted():
    house = House()
    commit, monitor = monitor_of(house)
    house.accepts = False
    commit.add(10**9)
    for _ in range(3):
        monitor.look()
    assert house.reports.count(("commit", True)) == 3
    house.accepts = True
    monitor.look()
    monitor.look()
    assert house.reports.count(("commit", True)) == 4


def test_while_nobody_answers_what_was_measured_last_grows_old():
    house, owner = House(), Owner()
    monitor = HealthMonitor(owner.ask, Histogram(), house.report)
    asyncio.run(monitor.measure())
    owner.measures.commit.add(10**9)
    asyncio.run(monitor.measure())
    owner.away = True
    for _ in range(WINDOW_S + 1):
        asyncio.run(monitor.measure())
        monitor.look()
    assert [slow for measure, slow in house.reports if measure == "commit"] == [True, False]


def test_what_was_counted_before_the_first_look_is_not_recent():
    house, owner = House(), Owner()
    monitor = HealthMonitor(owner.ask, Histogram(), house.report)
    owner.measures.commit.add(10**9)
    asyncio.run(monitor.measure())
    assert monitor.percentile_ms("commit", 99) == 0


def test_an_owner_that_begins_anew_counts_from_nothing():
    house, owner = House(), Owner()
    monitor = HealthMonitor(owner.ask, Histogram(), house.report)
    for _ in range(3):
        owner.measures.commit.add(10**9)
    asyncio.run(monitor.measure())
    monitor.look()
    owner.measures = Measures(Histogram(), Histogram())
    owner.measures.commit.add(10**6)
    asyncio.run(monitor.measure())
    counted = monitor.recent["commit"].histogram()
    assert (counted.count, min(counted.buckets)) == (1, 0)


def test_what_another_process_has_measured_is_counted_once_and_with_its_own():
    there, here = Histogram(), Histogram()
    since = Since(there)
    for took_ns in (5_000, 10**9):
        there.add(took_ns)
        since.take().add_to(here)
    since.take().add_to(here)
    assert here == there


def test_a_monitor_that_is_not_to_report_reports_nothing_and_knows_the_later_of_two_loops():
    owner = Owner()
    monitor = HealthMonitor(owner.ask, Histogram(), None)
    asyncio.run(monitor.measure())
    owner.measures.loop.add(3 * 10**9)
    asyncio.run(monitor.measure())
    assert monitor.percentile_ms("loop", 99) > 2_900
    monitor.look()
    monitor.loop.add(9 * 10**9)
    assert monitor.percentile_ms("loop", 99) > 8_900
    assert monitor.said == {}
