"""The oracle: a model that was written from the rules says of every command what the domain says, by chance and in both
directions."""

import pytest
from tests.doubles.anything import season
from tests.doubles.beside import Differs, compared_stage, shapes
from tests.doubles.made import MADE
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import game

from runline.domain.fixtures import RenumberFixture
from runline.simulate.oracle.rules import RULES, TAKES

NOT_PREDICTED: frozenset[str] = frozenset()
"""Commands of which the model says nothing: none."""

MADE_OTHERWISE = {"TakeResult"}
"""What no generator makes, since what happens in the house makes it."""


def test_the_model_knows_every_command_that_is_declared_and_no_other():
    assert set(VOCABULARY.commands) - set(RULES) == NOT_PREDICTED
    assert set(RULES) <= set(VOCABULARY.commands)
    assert set(shapes(VOCABULARY)) == set(VOCABULARY.commands)


def test_the_model_knows_every_event_that_is_declared():
    assert set(VOCABULARY.events) == set(TAKES)


def test_every_command_that_is_declared_is_sent():
    assert set(VOCABULARY.commands) == set(MADE) | MADE_OTHERWISE


@pytest.mark.parametrize("seed", range(3))
def test_the_domain_does_to_hostile_people_what_the_model_says(seed):
    ends = season(seed, 1_500, gentle=False).beside.ends
    assert {name for name, _ in ends} == set(MADE) | MADE_OTHERWISE
    assert len({end for _, end in ends}) > 100


@pytest.mark.parametrize("seed", range(3, 6))
def test_the_domain_does_where_much_is_wagered_what_the_model_says(seed):
    ends = season(seed, 1_500, gentle=True).beside.ends
    assert ends["PlaceWager", "WagerPlaced"] > 20


def test_the_domain_does_with_tickets_of_several_legs_what_the_model_says():
    ends = season(6, 2_500, gentle=True, pairs=True).beside.ends
    assert ends["PlacePair", "PairPlaced"] > 100
    told = " ".join(end for _, end in ends)
    assert all(one in told for one in ("LegGraded", "LegReversed", "LegVoided", "WagerReversed"))


def test_what_differs_is_told():
    house = compared_stage()
    house.given(game("G1"))
    del house.beside.model.house.games["G1"]
    with pytest.raises(Differs, match="unknown_fixture"):
        house.when(RenumberFixture("G1", 7, "given"))
