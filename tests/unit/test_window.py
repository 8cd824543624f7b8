"""Window: an id is judged by its content as long as it is known, and is stale once it cannot be known any more."""

import pytest

from runline.domain.execution import Seen
from runline.domain.messages import Rejected
from runline.engine.ids import id_bytes, uuid7
from runline.engine.limits import AHEAD_MS_MAX, EARLY_MS, WINDOW_MS
from runline.engine.spans import Spans
from runline.engine.window import Window

NOW_MS = 1_467_374_400_000
NOW_NS = NOW_MS * 1_000_000


def command(at_ms, number=0):
    return id_bytes(uuid7(at_ms * 1_000_000, lambda size: number.to_bytes(size, "big")))


@pytest.fixture
def small(monkeypatch):
    """A window that remembers three commands."""
    monkeypatch.setattr("runline.engine.window.WINDOW_COMMANDS_MAX", 3)
    return Window()


def known(window):
    """Everything that a window remembers."""
    return [seen for part in window.parts for seen in part.values()]


def refusal(window, id_, now_ns=NOW_NS):
    with pytest.raises(Rejected) as refused:
        window.look(id_, now_ns)
    return refused.value.code


def test_a_new_id_is_unknown_and_welcome():
    assert Window().look(command(NOW_MS), NOW_NS) is None


def test_a_known_id_is_known_by_its_content_and_its_events():
    window = Window()
    window.remember(command(NOW_MS), b"digest", 7, 2, NOW_MS)
    assert window.look(command(NOW_MS), NOW_NS) == Seen(b"digest", 7, 2)
    assert window.look(command(NOW_MS, 1), NOW_NS) is None


def test_an_id_older_than_a_day_is_stale():
    window = Window()
    assert window.look(command(NOW_MS - WINDOW_MS), NOW_NS) is None
    assert refusal(window, command(NOW_MS - WINDOW_MS - 1)) == "stale_command"


def test_an_id_that_is_known_is_not_stale_however_old_it_is():
    window = Window()
    window.remember(command(NOW_MS), b"digest", 7, 1, NOW_MS)
    assert window.look(command(NOW_MS), NOW_NS + 2 * WINDOW_MS * 1_000_000) == Seen(b"digest", 7, 1)


def test_an_id_of_a_later_time_is_refused_beyond_the_drift_of_a_clock():
    window = Window()
    assert window.look(command(NOW_MS + AHEAD_MS_MAX), NOW_NS) is None
    assert refusal(window, command(NOW_MS + AHEAD_MS_MAX + 1)) == "command_ahead"


def test_beyond_its_bound_it_forgets_the_oldest_and_refuses_whatever_was_made_with_it(small):
    for number in range(4):
        small.remember(command(NOW_MS + number), b"digest", number + 1, 1, NOW_MS)
    assert len(known(small)) == len(small.order) == 3
    assert refusal(small, command(NOW_MS)) == "stale_command"
    assert refusal(small, command(NOW_MS, 9)) == "stale_command"
    assert small.look(command(NOW_MS - 1), NOW_NS) is None
    assert small.look(command(NOW_MS + 1), NOW_NS) == Seen(b"digest", 2, 1)
    assert small.look(command(NOW_MS + 9), NOW_NS) is None


def test_what_was_made_between_those_that_are_forgotten_is_stale(small):
    late = NOW_MS + 9
    for number, at_ms in enumerate([NOW_MS + 5, NOW_MS + 1, NOW_MS + 2, NOW_MS + 3, NOW_MS + 4]):
        small.remember(command(at_ms), b"digest", number + 1, 1, late)
    assert refusal(small, command(NOW_MS + 4, 1)) == "stale_command"
    assert small.look(command(NOW_MS + 4), NOW_NS) is not None
    assert small.look(command(NOW_MS + 6), NOW_NS) is None


# Ids of a later time


def test_an_id_that_is_ahead_makes_none_of_the_present_stale_when_it_is_forgotten(small):
    ahead = command(NOW_MS + AHEAD_MS_MAX - 100)
    small.remember(ahead, b"digest", 1, 1, NOW_MS)
    for number in range(10):
        small.remember(command(NOW_MS + number), b"digest", number + 2, 1, NOW_MS + number)
        assert small.look(command(NOW_MS + number, 1), NOW_NS + number * 1_000_000) is None
    assert small.look(ahead, NOW_NS) == Seen(b"digest", 1, 1)


def test_an_id_that_was_ahead_is_forgotten_in_its_turn_once_its_time_has_come(small):
    ahead_ms = NOW_MS + EARLY_MS + 1
    ahead = command(ahead_ms)
    small.remember(ahead, b"digest", 1, 1, NOW_MS)
    for number in range(3):
        small.remember(command(ahead_ms + number, 1), b"digest", number + 2, 1, ahead_ms + number)
    assert small.look(ahead, NOW_NS) is not None
    small.remember(command(ahead_ms + 3, 1), b"digest", 5, 1, ahead_ms + 3)
    assert refusal(small, ahead, (ahead_ms + 3) * 1_000_000) == "stale_command"
    assert small.look(command(ahead_ms + 3, 2), (ahead_ms + 3) * 1_000_000) is None


def test_whoever_sends_only_ids_that_are_ahead_takes_no_more_memory(small):
    for number in range(20):
        small.remember(command(NOW_MS + AHEAD_MS_MAX, number), b"digest", number + 1, 1, NOW_MS)
    assert len(known(small)) == 3
    assert small.look(command(NOW_MS, 50), NOW_NS) is None
    forgotten = [number for number in range(20) if command(NOW_MS + AHEAD_MS_MAX, number) not in small.early]
    assert {refusal(small, command(NOW_MS + AHEAD_MS_MAX, number)) for number in forgotten} == {"stale_command"}


DAY_MS = 25 * 3_600_000


def test_what_was_executed_while_the_clock_was_a_day_ahead_makes_nothing_of_the_present_stale(small):
    day = NOW_MS + DAY_MS
    for number in range(10):
        small.remember(command(day + number), b"digest", number + 1, 1, day + number)
    for number in range(10):
        at_ms = NOW_MS + number
        assert small.look(command(at_ms), at_ms * 1_000_000) is None
        small.remember(command(at_ms), b"digest", number + 11, 1, at_ms)
    # None of them is ever executed twice: also when that day has come.
    assert {refusal(small, command(day + number), day * 1_000_000) for number in range(10)} == {"stale_command"}
    assert small.look(command(day + 10), (day + 10) * 1_000_000) is None


# After a restart


def test_it_is_rebuilt_from_the_log_with_the_events_of_each_command_together():
    window = Window()
    one, two = command(NOW_MS), command(NOW_MS + 1)
    window.load([(one, b"d1", 1), (two, b"d2", 2), (two, b"d2", 3), (two, b"d2", 4)], NOW_MS)
    assert window.look(one, NOW_NS) == Seen(b"d1", 1, 1)
    assert window.look(two, NOW_NS) == Seen(b"d2", 2, 3)


def test_a_log_that_is_read_from_its_beginning_makes_nothing_stale():
    window = Window()
    window.load([(command(NOW_MS), b"d1", 1)], NOW_MS)
    assert window.look(command(NOW_MS - 1), NOW_NS) is None


def test_what_may_have_happened_before_the_tail_that_was_read_is_stale():
    window = Window()
    cut, whole = command(NOW_MS), command(NOW_MS + AHEAD_MS_MAX + 1)
    spans = Spans()
    spans.add(0, NOW_MS + AHEAD_MS_MAX)
    window.load([(cut, b"d1", 11), (cut, b"d1", 12), (whole, b"d2", 13)], NOW_MS, spans)
    assert refusal(window, cut) == "stale_command"
    assert refusal(window, command(NOW_MS + AHEAD_MS_MAX, 5)) == "stale_command"
    assert window.look(whole, NOW_NS) == Seen(b"d2", 13, 1)
    assert window.look(command(NOW_MS + AHEAD_MS_MAX + 1, 5), NOW_NS + 10**9) is None


def test_a_tail_that_is_longer_than_the_window_is_forgotten_as_it_would_have_been(small):
    small.load([(command(NOW_MS + number), b"d", number + 1) for number in range(5)], NOW_MS + 9)
    assert sorted(seen.first for seen in known(small)) == [3, 4, 5]
    assert refusal(small, command(NOW_MS + 1)) == "stale_command"


def test_an_empty_log_knows_nothing():
    window = Window()
    window.load([], NOW_MS)
    assert window.look(command(NOW_MS), NOW_NS) is None
