"""Sources: the clock of each source of lines, game by game."""

import pytest
from tests.doubles.plain import VOCABULARY

from runline.domain import sources
from runline.domain.house import House


@pytest.fixture
def clocks():
    return House(VOCABULARY).sources


def test_a_clock_moves_ahead_and_never_back_each_game_and_source_by_itself(clocks):
    clocks.heard("G1", "feed", 0)
    assert clocks.clocks == {("G1", "feed"): 0}
    clocks.heard("G1", "feed", 70)
    clocks.heard("G2", "feed", 50)
    clocks.heard("G1", "other", 60)
    clocks.heard("G1", "feed", 65)
    assert clocks.clocks == {("G1", "feed"): 70, ("G2", "feed"): 50, ("G1", "other"): 60}


def test_beyond_so_many_clocks_the_one_is_forgotten_that_was_heard_longest_ago(clocks, monkeypatch):
    monkeypatch.setattr(sources, "SOURCE_CLOCKS_MAX", 2)
    for fixture, entered_ns in (("G1", 10), ("G2", 10), ("G1", 11), ("G3", 10)):
        clocks.heard(fixture, "feed", entered_ns)
    assert list(clocks.clocks.items()) == [(("G1", "feed"), 11), (("G3", "feed"), 10)]
