"""Spans: every forgotten time lies in one, and what lies in none was never forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from runline.engine.limits import SPAN_GAP_MS, SPANS_MAX
from runline.engine.spans import Spans

FAR = 10 * SPAN_GAP_MS
MOMENTS = st.lists(st.integers(0, 40 * SPAN_GAP_MS), max_size=60)


@given(MOMENTS)
def test_what_was_forgotten_lies_in_a_span(moments):
    spans = Spans()
    for moment in moments:
        spans.add(moment, moment)
    assert all(moment in spans for moment in moments)
    assert spans.begins == sorted(spans.begins)
    for end, begin in zip(spans.ends, spans.begins[1:], strict=False):
        assert begin - end > SPAN_GAP_MS
    last = max(moments, default=-1)
    assert (spans.last, last + 1 in spans) == (last, False)


@given(MOMENTS)
def test_what_is_far_from_everything_forgotten_lies_in_none(moments):
    spans = Spans()
    for moment in moments:
        spans.add(moment, moment)
    for moment in range(-FAR, 50 * SPAN_GAP_MS, 700):
        if all(abs(moment - one) > SPAN_GAP_MS for one in moments):
            assert moment not in spans


def test_there_are_no_more_than_the_bound_and_the_latest_stay_apart():
    spans = Spans()
    for number in range(SPANS_MAX + 20):
        spans.add(number * FAR, number * FAR)
    assert len(spans.begins) == len(spans.ends) == SPANS_MAX
    assert 15 * FAR + 5 in spans
    assert (SPANS_MAX + 18) * FAR + 5 not in spans


def test_spans_that_meet_become_one():
    spans = Spans()
    spans.add(0, 10)
    spans.add(FAR, FAR + 10)
    assert 5_000 not in spans
    spans.add(8, FAR + 2)
    assert (spans.begins, spans.ends) == ([0], [FAR + 10])
