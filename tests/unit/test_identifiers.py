"""Identifiers, reasons and teams' names: the free text that comes in, how long it may be and what may stand in it."""

from typing import Any

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import START_NS

from runline.domain.access import INTERNAL_USERS
from runline.domain.bounds import IDENTIFIER_LENGTH_MAX, REASON_LENGTH_MAX, TEAM_LENGTH_MAX
from runline.domain.context import Context
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import FoundHouse, OpenBook
from runline.domain.identifiers import (
    Reason,
    Remark,
    identifier,
    line_text,
    plain,
    reason_text,
    reasons_given,
    same_again,
    team_names,
)
from runline.domain.messages import ENGINE, Command, Rejected
from runline.domain.nodes import ROOT
from runline.domain.roles import SetRole
from runline.domain.users import CreateUser


def refusal(require, *asked, **more):
    """The code of a refusal and its details; None where nothing is refused."""
    try:
        require(*asked, **more)
    except Rejected as rejected:
        return rejected.code, rejected.details
    return None


@pytest.mark.parametrize("text", ["a", "7", "Z9", "a.b_c@d+e-f", "x" * IDENTIFIER_LENGTH_MAX])
def test_an_id_is_taken_as_it_is(text):
    assert identifier(text, "user") == text


@pytest.mark.parametrize("text", ["", "x" * (IDENTIFIER_LENGTH_MAX + 1), ".a", "-a", "a b", "a/b", "ä", "a\n", "a:b"])
def test_what_is_no_id_is_refused(text):
    assert refusal(identifier, text, "user") == ("identifier_invalid", {})


@pytest.mark.parametrize("text", ["why", " why ", "x" * REASON_LENGTH_MAX, "żółw"])
def test_a_reason_is_taken_as_it_is(text):
    assert reason_text(text) == line_text(text) == text


@pytest.mark.parametrize("text", ["x" * (REASON_LENGTH_MAX + 1), "two\nlines", "\x00", "a\u202eb"])
def test_what_is_no_printable_line_is_no_reason_and_no_remark(text):
    assert refusal(reason_text, text) == refusal(line_text, text) == ("reason_invalid", {})


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_a_reason_says_something_and_a_remark_need_not(text):
    assert refusal(reason_text, text) == ("reason_invalid", {})
    assert line_text(text) == text


def test_teams_have_names_and_two_of_them():
    for names in (("Away", "Home"), ("x" * TEAM_LENGTH_MAX, "y"), (" A ", "B")):
        assert team_names(*names) == names
    for wrong in ("", "  ", "x" * (TEAM_LENGTH_MAX + 1), "a\nb"):
        assert refusal(team_names, wrong, "Home") == ("team_invalid", {})
        assert refusal(team_names, "Away", wrong) == ("team_invalid", {})
    for same in ("home  team", " Home Team", "HOME TEAM"):
        assert refusal(team_names, same, "Home Team") == ("team_invalid", {})


def test_a_name_is_read_without_capitals_and_without_how_many_blanks():
    assert plain("  Saint   LOUIS ") == plain("saint Louis") == "saint louis"
    assert plain("Straße") == "strasse"
    assert plain("SaintLouis") != plain("Saint Louis")


class Hang(Command):
    """Hang a bell somewhere."""

    tower: str
    weight: int


def test_to_create_what_is_there_as_it_stands_changes_nothing():
    command = Hang("south", 7)
    assert same_again(command, "bell", tower="south", weight=7) == ()
    assert same_again(command, "bell", tower="south") == ()
    told = {"id": "bell", "differs": {"weight": 8}}
    assert refusal(same_again, command, "bell", tower="south", weight=8) == ("already_exists", told)
    told = {"id": "bell", "differs": {"active": False}}
    assert refusal(same_again, command, "bell", tower="south", active=False) == ("already_exists", told)


class Ring(Command):
    """Ring a bell."""

    reason: Reason
    description: Remark


class Rest(Command):
    """Nothing is said of it."""

    weight: int


def test_what_a_command_says_for_reasons_is_looked_at_before_it_is_decided():
    asked: list[Any] = []

    def decide(state, command, context):
        """How it is decided."""
        asked.append((state, command, context))
        return ()

    judged = reasons_given(Ring, decide)
    assert judged.__doc__ == decide.__doc__
    for wrong in (Ring("", "so"), Ring(" ", ""), Ring("why", "two\nlines"), Ring("two\nlines", "")):
        assert refusal(judged, "state", wrong, "context") == ("reason_invalid", {})
    assert asked == []
    assert judged("state", Ring("why", ""), "context") == ()
    assert asked == [("state", Ring("why", ""), "context")]
    assert reasons_given(Rest, decide) is decide


def test_every_reason_of_every_command_is_looked_at():
    kinds = [kind for kind in VOCABULARY.commands.values() if "reason" in kind.__struct_fields__ and kind.needs]
    assert len(kinds) > 20
    for kind in kinds:
        assert hasattr(VOCABULARY.deciders[kind], "__wrapped__"), kind.__name__


IDS = [
    (CreateAgent("no id", ROOT), "agent"),
    (CreatePlayer("no id", ROOT, 0), "player"),
    (CreateUser("no id", ROOT, "viewer"), "user"),
    (SetRole("no id", ROOT, (), "given"), "role"),
    (CreateLeague("no id", "hockey"), "league"),
    (CreateFixture("no id", "MLB", 11, "Away", "Home", START_NS), "fixture"),
    (OpenBook("no id", "owner"), "book"),
    (OpenBook("north", "no id"), "user"),
]


@pytest.mark.parametrize(("command", "what"), IDS, ids=lambda value: value if isinstance(value, str) else None)
def test_who_sends_what_is_no_id_is_told_what_it_would_be_the_id_of(house, book, command, what):
    stage = book if "book" in command.streams else house
    house.given(CreateLeague("MLB", "baseball"))
    stage.when(command)
    stage.rejected("identifier_invalid")
    assert f" {what} id " in stage.refusal.message


def test_nobody_founds_a_house_who_has_no_id():
    house = VOCABULARY.state_of("house")
    context = Context(1, INTERNAL_USERS[ENGINE], "", None, 0)
    with pytest.raises(Rejected, match=" user id ") as refused:
        VOCABULARY.deciders[FoundHouse](house, FoundHouse("no id"), context)
    assert refused.value.code == "identifier_invalid"
