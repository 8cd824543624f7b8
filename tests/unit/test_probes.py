"""Probes: percentiles from buckets, beside the exact ones."""

from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runline.engine.probes import Histogram, Probes

PERCENTS = (0.1, 1, 25, 50, 75, 90, 99, 99.9, 100)


def filled(durations):
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    return histogram


def exact_ns(durations, percent):
    return sorted(durations)[max(ceil(len(durations) * percent / 100), 1) - 1]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10**12) | st.integers(0, 20_000), min_size=1, max_size=200))
def test_a_percentile_is_never_below_the_exact_one_and_at_most_an_eighth_and_two_microseconds_above(durations):
    histogram = filled(durations)
    for percent in PERCENTS:
        exact = exact_ns(durations, percent)
        found_ns = histogram.percentile_ms(percent) * 1e6
        assert exact - 1 <= found_ns <= exact * 1.125 + 2_048


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=100))
def test_percentiles_rise_and_end_at_the_longest(durations):
    histogram = filled(durations)
    found = [histogram.percentile_ms(percent) for percent in PERCENTS]
    assert found == sorted(found)
    assert found[-1] == max(durations) / 1e6
    assert (histogram.count, histogram.max_ns) == (len(durations), max(durations))


def test_nothing_counted_is_nothing():
    assert Histogram().percentile_ms(99) == 0.0


@pytest.mark.parametrize("duration_ns", [-(10**9), 0, 1, 1_023, 10**18, 2**80])
def test_what_is_out_of_all_bounds_is_counted_too(duration_ns):
    histogram = filled([duration_ns, 5_000])
    assert histogram.count == sum(histogram.buckets) == 2


def test_refusals_are_counted_by_code_and_for_each_engine_by_itself():
    one, other = Probes(), Probes()
    for code in ("busy", "busy", "stale_command"):
        one.refuse(code)
    assert one.refused == {"busy": 2, "stale_command": 1}
    assert other.refused == {}
    one.answer.add(1_000_000)
    assert other.answer.count == 0
