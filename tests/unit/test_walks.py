"""Judging is never a walk over all that there is: however much a book holds, one command takes no longer."""

import pytest
from tests.doubles import deeds
from tests.doubles.stage import Stage
from tests.doubles.words import EVERY, agent, role, staff

from runline.domain.messages import ENGINE
from runline.domain.moving import MoveAgent
from runline.domain.permissions import Permission
from runline.domain.preview import moves
from runline.domain.roles import SetRole
from runline.domain.setbacks import PutAside, TryAgain
from runline.domain.settlement import ResultTaken
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser, RevokeUser

LARGE = (
    "access.users",
    "access.roles",
    "access.holders",
    "tree.agents",
    "tree.players",
    "tree.extents",
    "sessions.by_name",
    "sessions.of_user",
    "credentials.by_user",
    "suspensions.layers",
    "lines.by_market",
    "timers.by_subject",
)
OF_THE_HOUSE = (
    "access.users",
    "access.roles",
    "catalog.fixtures",
    "catalog.markets",
    "catalog.results",
    "catalog.leagues",
    "suspensions.layers",
    "books.by_name",
    "timers.by_subject",
)


class Walked(AssertionError):
    """Somebody has looked at everything."""


class Found(dict):
    """A dictionary in which things are found; while something is judged nobody may walk through it."""

    judging = False

    def walk(self, name):
        if Found.judging:
            raise Walked
        return getattr(super(), name)()

    def __iter__(self):
        return self.walk("__iter__")

    def keys(self):
        return self.walk("keys")

    def values(self):
        return self.walk("values")

    def items(self):
        return self.walk("items")


@pytest.fixture
def watched(monkeypatch):
    """A book and its house in which nobody may walk through everything while a command is judged or previewed."""
    judge = Stage.decide

    def decide(stage, *args, **options):
        Found.judging = True
        try:
            events = judge(stage, *args, **options)
            if hasattr(stage, "house"):
                moves(stage.state, events)
            return events
        finally:
            Found.judging = False

    monkeypatch.setattr(Stage, "decide", decide)
    book = deeds.set_up()
    for state, names in ((book.state, LARGE), (book.house.state, OF_THE_HOUSE)):
        for name in names:
            part_name, attribute = name.split(".")
            part = getattr(state, part_name)
            found = Found(getattr(part, attribute))
            setattr(part, attribute, found)
            for row_type, kept in part.keeps.items():
                if kept == attribute:
                    state.held[row_type] = found
    return book


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_sent_is_judged_without_a_walk_over_all(watched, seed):
    pick = deeds.ByChance(seed)
    for _ in range(300):
        pick.one(deeds.DEEDS)(watched, pick)


def test_what_is_sent_about_roles_and_moves_is_judged_without_a_walk_over_all(watched):
    watched.given(
        agent("B1"), agent("B2"), agent("B1-1", "B1"), role("of-B1", at="B1"), CreateUser("ann", "B1-1", "of-B1")
    )
    watched.given(staff("boss", *EVERY, at="B1"), CreateUser("owner2", "root", "owner"))
    watched.given(SetRole("of-B1", "B1", (Permission.LOG_VIEW,), "given"), SetRole("new", "B1", (), "given"))
    watched.given(MoveAgent("B1-1", "B2", "given"), AssignRole("owner2", "viewer", "given"), RevokeUser("ann", "given"))
    watched.when(RevokeUser("owner", "given"))
    watched.rejected("last_owner")
    watched.when(VoidWager(10**6, "slip"))
    watched.rejected("unknown_wager")


def test_a_result_that_was_set_aside_is_taken_up_without_a_walk_over_all(watched):
    books, watched.house.books = watched.house.books, []
    watched.house.ends("G1", 3, 1)
    watched.house.books = books
    seq = watched.house.state.catalog.results["G1"].confirmed_seq
    watched.execute(PutAside("house", "TakeResult", str(seq), "it failed"), ENGINE)
    watched.when(TryAgain(watched.state.seq, "mended"))
    watched.happened(ResultTaken, fixture="G1")
