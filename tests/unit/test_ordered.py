"""Ordered: keys in their order, whatever is added and taken away."""

import random
from bisect import bisect_right

import pytest

from runline.domain.ordered import NO_KEYS, PART_KEYS_MAX, Ordered


@pytest.mark.parametrize("most", [4, PART_KEYS_MAX])
def test_keys_come_in_their_order_behind_any_place(monkeypatch, most):
    monkeypatch.setattr("runline.domain.ordered.PART_KEYS_MAX", most)
    chance = random.Random(7)
    known = set(chance.sample(range(2_000), 300))
    ordered = Ordered(known)
    for _ in range(3_000):
        key = chance.randrange(2_000)
        if chance.random() < 0.5:
            known.add(key)
            ordered.add(key)
        else:
            known.discard(key)
            ordered.discard(key)
    expected = sorted(known)
    assert list(ordered) == expected
    assert len(ordered) == len(expected)
    for place in (-1, 0, 1, 999, 1_000, expected[0], expected[-1], 2_000):
        assert list(ordered.after(place)) == expected[bisect_right(expected, place) :]
    assert all(len(part) <= most for part in ordered.parts)
    for key in expected:
        ordered.discard(key)
    assert (list(ordered), bool(ordered), list(ordered.after(-1))) == ([], False, [])


def test_a_key_is_in_once_and_nothing_has_none():
    ordered = Ordered(["b"])
    ordered.add("a")
    ordered.add("a")
    ordered.discard("c")
    assert list(ordered) == ["a", "b"]
    assert ordered
    assert not NO_KEYS
    assert list(NO_KEYS.after("")) == []


def test_what_is_known_at_once_lies_in_parts_that_are_half_full_and_a_full_part_is_cut_in_halves(monkeypatch):
    monkeypatch.setattr("runline.domain.ordered.PART_KEYS_MAX", 4)
    ordered: Ordered[float] = Ordered([5, 1, 4, 2, 3])
    assert ordered.parts == [[1, 2], [3, 4], [5]]
    ordered.add(6)
    ordered.add(7)
    ordered.add(8)
    assert ordered.parts == [[1, 2], [3, 4], [5, 6, 7, 8]]
    ordered.add(9)
    assert ordered.parts == [[1, 2], [3, 4], [5, 6], [7, 8, 9]]
    ordered.add(2.5)
    assert ordered.parts == [[1, 2], [2.5, 3, 4], [5, 6], [7, 8, 9]]
    ordered.discard(5)
    ordered.discard(6)
    ordered.discard(6)
    assert ordered.parts == [[1, 2], [2.5, 3, 4], [7, 8, 9]]
    ordered.discard(5)
    ordered.discard(10)
    ordered.discard(0)
    assert ordered.parts == [[1, 2], [2.5, 3, 4], [7, 8, 9]]
    assert len(ordered) == 8
