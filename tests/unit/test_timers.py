"""Timers: what time will cause, in the order in which it is due, but for what is set aside."""

import pytest

from runline.domain.aside import SetAside
from runline.domain.timers import STALE_DUE_MAX, Timer, Timers

pytestmark = pytest.mark.alone  # The part is moved by hand.


@pytest.fixture
def timers(house) -> Timers:
    found: Timers = house.state.timers
    found.schedule("cutoff", "G2", 30)
    found.schedule("cutoff", "G1", 20)
    found.schedule("feed", "don", 20)
    return found


def planned(timers):
    return [(due_ns, kind, subject) for due_ns, kind, subject in timers.planned()]


def set_aside(timers, number, kind, subject):
    timers.aside.put(SetAside(number, "timer", kind, subject, "why"))


def test_timers_are_due_in_the_order_of_their_times(timers):
    assert timers.due[0] == (20, "cutoff", "G1")
    assert planned(timers) == [(20, "cutoff", "G1"), (20, "feed", "don"), (30, "cutoff", "G2")]
    assert timers.by_subject["feed", "don"] == Timer("feed", "don", 20, timers.state.seq)
    timers.due = []
    timers.derive()
    assert timers.due == planned(timers)


def test_a_timer_that_is_moved_is_one_timer(timers):
    timers.schedule("cutoff", "G1", 40)
    assert planned(timers) == [(20, "feed", "don"), (30, "cutoff", "G2"), (40, "cutoff", "G1")]
    assert (40, "cutoff", "G1") in timers.due
    assert timers.by_subject["cutoff", "G1"] in timers.state.changed.values()


def test_what_is_moved_again_and_again_does_not_pile_up(timers):
    most = 2 * len(timers.by_subject) + STALE_DUE_MAX
    for at_ns in range(100, 100 + most - len(timers.due)):
        timers.schedule("cutoff", "G1", at_ns)
    assert len(timers.due) == most
    timers.schedule("cutoff", "G1", 50)
    assert timers.due == planned(timers) == [(20, "feed", "don"), (30, "cutoff", "G2"), (50, "cutoff", "G1")]


def test_a_timer_that_is_forgotten_is_gone_and_one_that_is_not_there_is_none(timers):
    gone = timers.by_subject["cutoff", "G1"]
    timers.unschedule("cutoff", "G1")
    timers.unschedule("cutoff", "G9")
    assert planned(timers) == [(20, "feed", "don"), (30, "cutoff", "G2")]
    assert list(timers.state.dropped.values()) == [gone]


def test_what_is_set_aside_is_not_planned_until_it_is_moved_or_taken_up(timers):
    assert timers.aside.owes(("timer", "cutoff", "G1"))
    set_aside(timers, 7, "cutoff", "G1")
    set_aside(timers, 8, "cutoff", "G2")
    assert planned(timers) == [(20, "feed", "don")]
    assert not timers.aside.owes(("timer", "cutoff", "G1"))
    timers.schedule("cutoff", "G1", 25)
    timers.unschedule("cutoff", "G2")
    assert timers.aside.numbers == {}
    assert planned(timers) == [(20, "feed", "don"), (25, "cutoff", "G1")]
    assert not timers.aside.owes(("timer", "cutoff", "G2"))
    timers.due = []
    timers.due_again("cutoff", "G1")
    timers.due_again("cutoff", "G2")
    assert timers.due == [(25, "cutoff", "G1")]
