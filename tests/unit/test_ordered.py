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
    assert not NO_KEYS
    assert list(NO_KEYS.after("")) == []
