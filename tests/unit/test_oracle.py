"""The oracle: a model that was written from the rules says of every command what the domain says, by chance and in both
directions."""

import sys
from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.doubles.anything import season, set_up
from tests.doubles.beside import Differs, compared_stage
from tests.doubles.made import MADE
from tests.doubles.plain import VOCABULARY
from tests.doubles.pruned import Discreet
from tests.doubles.words import game

from runline.domain import bounds
from runline.domain.fixtures import RenumberFixture
from runline.domain.messages import Rejected
from runline.gateway.door import decoded, public_commands
from runline.simulate.oracle.answers import Refused, difference
from runline.simulate.oracle.bounds import MOST
from runline.simulate.oracle.door import require_body
from runline.simulate.oracle.rules import RULES, TAKES
from runline.simulate.run import simulated_vocabulary
from runline.simulate.told import shapes

NOT_PREDICTED: frozenset[str] = frozenset()
"""Commands of which the model says nothing: none."""

MADE_OTHERWISE = {"TakeResult"}
"""What no generator makes, since what happens in the house makes it."""


def test_the_model_knows_every_command_that_is_declared_and_no_other():
    assert set(VOCABULARY.commands) - set(RULES) == NOT_PREDICTED
    assert set(RULES) == set(simulated_vocabulary().commands)
    assert set(shapes(VOCABULARY)) == set(VOCABULARY.commands)


def test_the_model_knows_every_event_that_is_declared():
    assert set(simulated_vocabulary().events) == set(TAKES)


def test_every_command_that_is_declared_is_sent():
    assert set(VOCABULARY.commands) == set(MADE) | MADE_OTHERWISE


@pytest.mark.parametrize("seed", range(3))
def test_the_domain_does_to_hostile_people_what_the_model_says(seed):
    ends = season(seed, 1_500, gentle=False).beside.ends
    assert {name for name, _ in ends} == set(MADE) | MADE_OTHERWISE
    assert len({end for _, end in ends}) > 100


@pytest.mark.parametrize("seed", range(5, 8))
def test_the_domain_does_where_much_is_wagered_what_the_model_says(seed):
    ends = season(seed, 1_500, gentle=True).beside.ends
    assert ends["PlaceWager", "WagerPlaced"] > 20


def test_the_domain_does_with_tickets_of_several_legs_what_the_model_says():
    ends = season(7, 5_000, gentle=True, pairs=True).beside.ends
    assert ends["PlacePair", "PairPlaced"] > 60
    told = " ".join(end for _, end in ends)
    assert all(one in told for one in ("LegGraded", "LegReversed", "LegVoided", "WagerReversed"))


SMALL = {
    "AGENTS_MAX": 14,
    "ARCHIVED_MAX": 3,
    "BOOKS_MAX": 2,
    "BOOK_LINES_MAX": 4,
    "EARLIER_STARTS_MAX": 2,
    "FEEDS_MAX": 1,
    "FIXTURES_MAX": 9,
    "GUARD_RULES_MAX": 2,
    "HELD_LINES_MAX": 1,
    "LEAGUES_MAX": 4,
    "MARKETS_MAX": 40,
    "MARKETS_PER_POST_MAX": 5,
    "MOVED_WAGERS_MAX": 1,
    "OPEN_WAGERS_MAX": 12,
    "PLAYERS_MAX": 12,
    "ROLES_MAX": 8,
    "ROLES_PER_NODE_MAX": 1,
    "RULINGS_PER_LEAGUE_MAX": 2,
    "SESSIONS_MAX": 3,
    "SESSIONS_PER_USER_MAX": 2,
    "SET_ASIDE_MAX": 2,
    "SETTLE_SLICE_WAGERS": 2,
    "STAFF_MAX": 8,
    "SUSPENSIONS_MAX": 1,
    "SUSPENSIONS_PER_NODE_MAX": 1,
    "WISHES_MAX": 1,
}


def test_the_model_has_the_bounds_of_the_domain():
    assert {name: getattr(bounds, name) for name in MOST} == MOST


@pytest.mark.parametrize("seed", [100, 103, 105])
def test_where_there_is_little_room_the_domain_refuses_what_the_model_refuses(seed, monkeypatch):
    assert set(SMALL) == set(MOST)
    of_domain = [module for name, module in list(sys.modules.items()) if name.startswith("runline.domain")]
    for name, most in SMALL.items():
        monkeypatch.setitem(MOST, name, most)
        for module in of_domain:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, most)
    ends = season(seed, 2_000, gentle=seed % 2 == 1, pairs=seed == 103).beside.ends
    assert len({name for name, end in ends if end == "too_many"}) > 3


def test_what_somebody_below_the_root_is_refused_for_depends_on_nothing_that_is_foreign_to_them(monkeypatch):
    monkeypatch.setattr("tests.doubles.beside.Model", Discreet)
    model = season(8, 1_800, gentle=False).beside.model
    assert isinstance(model, Discreet)
    assert model.looked > 100
    assert model.told == []


def test_what_differs_is_told():
    house = compared_stage()
    house.given(game("G1"))
    del house.beside.model.house.games["G1"]
    with pytest.raises(Differs, match="unknown_fixture"):
        house.when(RenumberFixture("G1", 7, "given"))


WRONG: tuple[Any, ...] = (
    None,
    True,
    1,
    -1,
    2**70,
    1.0,
    1.5,
    "",
    "x",
    "x" * 513,
    [],
    [1, 2],
    ["x"] * 513,
    {},
    {"x": 1},
    [[1, 2]] * 3,
)


def spoiled(fields, by):
    """A body in which something is otherwise: a value anywhere in it, or a field too few or too many."""
    body = msgspec.json.decode(msgspec.json.encode(fields))
    place = body
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return body
        key = by.one(keys)
        if isinstance(place[key], dict | list) and place[key] and by.chance(2):
            place = place[key]
            continue
        what = by.between(0, 9)
        if what == 0:
            del place[key]
        elif what == 1 and isinstance(place, dict):
            place["other"] = by.one(WRONG)
        else:
            place[key] = by.one(WRONG)
        return body


def at_the_door(decide):
    try:
        decide()
    except (Rejected, Refused) as refused:
        refusal = refused.refusal if isinstance(refused, Refused) else refused
        return refusal.code, refusal.details
    return None


def test_the_door_takes_for_a_body_what_the_model_takes_for_one():
    by = set_up(1, gentle=True, pairs=False)
    public = {kind.__name__: kind for kind in public_commands(VOCABULARY)}
    told: Counter[str | None] = Counter()
    for name in [*public] * 40:
        by.book = by.books[0]
        fields = MADE[name](by, "book" not in public[name].streams)
        body = fields if not fields or by.chance(4) else spoiled(fields, by)
        schema = msgspec.json.schema(public[name])
        decoder = msgspec.json.Decoder(public[name])
        by_door = at_the_door(lambda body=body, decoder=decoder: decoded(decoder, msgspec.json.encode(body)))
        by_model = at_the_door(lambda body=body, schema=schema: require_body(schema, body))
        assert by_model == by_door, (name, body)
        told[by_door and by_door[0]] += 1
    assert all(told[code] > 10 for code in (None, "malformed_command", "too_long"))


def test_two_plain_values_differ_where_they_are_not_the_same_and_nowhere_else():
    same = {"a": [1, (2, {"b": None})], "c": True}
    assert difference(same, {"a": (1, [2, {"b": None}]), "c": True}) == ""
    for other in (
        {**same, "c": 1},
        {**same, "d": 0},
        {"a": same["a"]},
        {**same, "a": [1, (2, {"b": 0})]},
        {**same, "a": [1, (2, {"b": None}), 3]},
        {**same, "a": {}},
    ):
        assert difference(same, other)
        assert difference(other, same)
