"""Rotation numbers: a game that is not over has two of them, its own."""

import pytest

from runline.domain.bounds import ROTATION_MAX
from runline.domain.messages import Rejected
from runline.domain.rotations import Rotations


def refused(rotations, rotation, fixture):
    """Why a game cannot have a number: the code and its details; None if it can."""
    try:
        rotations.require_free(rotation, fixture)
    except Rejected as rejected:
        return rejected.code, rejected.details
    return None


def test_a_game_has_its_own_two_numbers_and_no_other():
    rotations = Rotations([(951, "G1"), (961, "G2")])
    assert rotations.games == {951: ("G1",), 952: ("G1",), 961: ("G2",), 962: ("G2",)}
    assert list(rotations) == [951, 952, 961, 962]
    rotations.take(3, "G0")
    assert list(rotations) == [3, 4, 951, 952, 961, 962]
    assert list(Rotations()) == []


def test_a_number_that_is_given_back_is_free_but_for_who_has_it_too():
    rotations = Rotations([(951, "G2"), (951, "G1"), (952, "G3")])
    assert rotations.games == {951: ("G1", "G2"), 952: ("G1", "G2", "G3"), 953: ("G3",)}
    rotations.free(951, "G2")
    assert rotations.games == {951: ("G1",), 952: ("G1", "G3"), 953: ("G3",)}
    rotations.free(951, "G1")
    assert rotations.games == {952: ("G3",), 953: ("G3",)}
    rotations.free(951, "G1")
    assert rotations.games == {952: ("G3",), 953: ("G3",)}


@pytest.mark.parametrize(("rotation", "taken"), [(950, 951), (951, 951), (952, 952)])
def test_a_number_that_another_game_has_is_refused_and_who_has_it_is_said(rotation, taken):
    rotations = Rotations([(951, "G1")])
    assert refused(rotations, rotation, "G2") == ("rotation_taken", {"rotation": taken, "fixture": "G1"})
    assert refused(rotations, rotation, "G1") is None


def test_numbers_beside_those_of_another_game_are_free():
    rotations = Rotations([(951, "G1")])
    assert refused(rotations, 949, "G2") is None
    assert refused(rotations, 953, "G2") is None


@pytest.mark.parametrize("rotation", [1, ROTATION_MAX])
def test_the_smallest_and_the_largest_number_are_some(rotation):
    assert refused(Rotations(), rotation, "G1") is None


@pytest.mark.parametrize("rotation", [0, -1, ROTATION_MAX + 1, 7.0, True, "7"])
def test_what_is_no_rotation_number_is_refused_with_the_largest(rotation):
    assert refused(Rotations(), rotation, "G1") == ("rotation_invalid", {"most": ROTATION_MAX})
