"""Roles: what their holders may do, who changes that, and what a role may hold here."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import EVERY, agent, role, staff

from runline.domain.audience import Audience
from runline.domain.bounds import ROLES_PER_NODE_MAX
from runline.domain.house import House
from runline.domain.nodes import ROOT
from runline.domain.permissions import PLAYER_MAY, Permission, permissions_of
from runline.domain.roles import PermissionRow, PermissionsAsked, RoleSet, SetRole, permissions
from runline.domain.users import AssignRole, CreateUser

SUSPEND, VOID = Permission.SUSPEND, Permission.WAGER_VOID


@pytest.fixture
def ranks(book):
    """ann at A1, who may everything; una at A1-1 below; bob at A2."""
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"))
    book.given(staff("ann", *EVERY, at="A1"), staff("una", *EVERY, at="A1-1"), staff("bob", *EVERY, at="A2"))
    return book


def test_a_role_is_made_and_changed_and_says_what_it_was(ranks):
    ranks.when(SetRole("clerk", "A1", (VOID, SUSPEND), "new"), by="ann")
    ranks.happened(
        RoleSet, role="clerk", node="A1", before=(), after=("wager_void", "suspend"), narrowed_node="", narrowed_role=""
    )
    ranks.when(SetRole("clerk", "A1", (SUSPEND, VOID), "same"), by="ann")
    ranks.nothing_happened()
    ranks.when(SetRole("clerk", "A1", (SUSPEND,), "less"), by="ann")
    event = ranks.happened(RoleSet, before=("wager_void", "suspend"), after=("suspend",), reason="less")
    assert (event.narrowed_node, event.narrowed_role) == ("A1", "role-of-ann")
    kept = ranks.state.access.roles["clerk"]
    assert (kept.permissions, kept.narrowed_node, kept.narrowed_role) == (("suspend",), "A1", "role-of-ann")
    ranks.when(SetRole("clerk", "A1", (SUSPEND, VOID), "again"), by="ann")
    event = ranks.happened(RoleSet, after=("wager_void", "suspend"))
    assert (event.narrowed_node, event.narrowed_role) == ("", "")


def test_a_role_stays_where_it_is_kept(ranks):
    ranks.given(role("clerk", SUSPEND, at="A1"))
    for node in ("A1-1", ROOT):
        ranks.when(SetRole("clerk", node, (SUSPEND, VOID), "given"))
        ranks.rejected("role_elsewhere", node="A1")
        assert ranks.refusal.details == {"node": "A1"}


def test_nobody_makes_a_role_outside_their_part_of_the_tree(ranks):
    for node in ("A2", ROOT, "nowhere"):
        ranks.when(SetRole("clerk", node, (SUSPEND,), "given"), by="ann")
        ranks.rejected("not_permitted")
    ranks.when(SetRole("clerk", "nowhere", (SUSPEND,), "given"))
    ranks.rejected("unknown_agent", agent="nowhere")
    ranks.given(role("theirs", SUSPEND, at="A2"))
    ranks.when(SetRole("theirs", "A1", (SUSPEND,), "given"), by="ann")
    ranks.rejected("not_permitted")


def test_the_owners_role_stays_as_it_is_and_a_players_holds_what_a_player_may(ranks):
    ranks.when(SetRole("owner", ROOT, (SUSPEND,), "given"))
    ranks.rejected("not_permitted")
    assert ranks.refusal.details == {}
    ranks.when(SetRole("player", ROOT, (SUSPEND,), "given"))
    ranks.rejected("not_permitted", permission="suspend")
    ranks.when(SetRole("player", ROOT, (Permission.BOARD_VIEW,), "given"))
    ranks.happened(RoleSet, before=PLAYER_MAY, after=("board_view",))


def test_a_role_of_a_book_holds_what_there_is_in_books_and_each_once(house, ranks):
    ranks.when(SetRole("clerk", ROOT, (SUSPEND, Permission.BOOK_OPEN), "given"))
    ranks.rejected("permission_invalid", permission="book_open")
    assert ranks.refusal.message.startswith("A role of a book ")
    house.when(SetRole("clerk", ROOT, (Permission.WAGER_PLACE,), "given"))
    house.rejected("permission_invalid", permission="wager_place")
    assert house.refusal.message.startswith("A role of the house ")
    ranks.when(SetRole("clerk", ROOT, (SUSPEND,) * (len(Permission) + 1), "given"))
    ranks.rejected("too_many", most=len(Permission))
    ranks.when(SetRole("clerk", ROOT, (SUSPEND,) * len(Permission), "given"))
    ranks.happened(RoleSet, after=("suspend",))


def test_nobody_gives_or_takes_by_a_role_what_they_do_not_hold(ranks):
    ranks.given(staff("amy", Permission.ROLES_MANAGE, SUSPEND, at="A1"), role("clerk", VOID, at="A1"))
    ranks.when(SetRole("other", "A1", (VOID,), "given"), by="amy")
    ranks.rejected("not_permitted", permission="wager_void")
    ranks.when(SetRole("clerk", "A1", (), "given"), by="amy")
    ranks.rejected("not_permitted", permission="wager_void")


def test_an_agent_keeps_so_many_roles_and_the_root_more(ranks, monkeypatch):
    assert ROLES_PER_NODE_MAX == 100
    monkeypatch.setattr("runline.domain.roles.ROLES_PER_NODE_MAX", 1)
    ranks.given(role("one", SUSPEND, at="A1"), role("first", SUSPEND), role("second", SUSPEND))
    ranks.when(SetRole("two", "A1", (SUSPEND,), "given"))
    ranks.rejected("too_many", most=1)
    ranks.given(role("one", VOID, at="A1"), role("two", SUSPEND, at="A1-1"))


def test_no_branch_keeps_more_roles_than_it_leaves_free(ranks, monkeypatch):
    monkeypatch.setattr("runline.domain.roles.ROLES_MAX", 16)
    for number in range(4):
        ranks.when(SetRole(f"clerk-{number}", "A1", (SUSPEND,), "given"), by="ann")
        ranks.happened(RoleSet)
    ranks.when(SetRole("clerk-4", "A1-1", (SUSPEND,), "given"), by="ann")
    ranks.rejected("too_many", most=4)
    ranks.given(*(role(f"more-{number}", SUSPEND) for number in range(6)))
    ranks.when(SetRole("last", ROOT, (SUSPEND,), "given"))
    ranks.rejected("too_many", most=16)


def test_nobody_changes_a_role_that_an_equal_has_and_ones_own_may_be_narrowed(ranks):
    ranks.given(role("same", *EVERY, at="A1"), CreateUser("amy", "A1", "same"))
    narrower = SetRole("same", "A1", EVERY[1:], "given")
    ranks.when(narrower, by="ann")
    ranks.rejected("not_permitted")
    ranks.when(SetRole("same", "A1", EVERY[:-1], "given"), by="amy")
    ranks.happened(RoleSet)
    ranks.given(CreateUser("abe", "A1", "same"))
    ranks.when(narrower, by="amy")
    ranks.rejected("not_permitted")
    ranks.when(narrower)
    ranks.happened(RoleSet)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_a_role_has_an_id(ranks, name):
    ranks.when(SetRole(name, ROOT, (SUSPEND,), "given"))
    ranks.rejected("identifier_invalid")


# What a role may hold


def asked(stage, held, **more):
    """The page of the query."""
    state = stage.state
    user = state.access.users[stage.owner]
    view = House(state.vocabulary)
    return permissions(state, view, user, Audience(ROOT, "", frozenset(held)), PermissionsAsked(**more), NOON_NS)


@pytest.mark.parametrize("kind", ["house", "book"])
def test_what_a_role_may_hold_here_and_what_that_is_needed_for(house, book, kind):
    stage = house if kind == "house" else book
    page = asked(stage, ("suspend", "log_view"), limit=100)
    assert (tuple(row.permission for row in page.items), page.next) == (permissions_of(kind), "")
    assert [row.permission for row in page.items if row.held] == ["log_view", "suspend"]
    needing = {row.permission: row.commands for row in page.items}
    assert needing["suspend"] == ["AddReason", "Reopen", "Suspend"]
    assert needing["log_view"] == []
    for name, command in stage.state.vocabulary.commands.items():
        there = command.needs is not None and kind in command.streams
        assert (there and name in needing[command.needs.value]) == there
        assert not any(name in commands for commands in needing.values()) or there
    assert all(commands == sorted(commands) for commands in needing.values())


def test_what_a_role_may_hold_comes_page_by_page(book):
    known = permissions_of("book")
    first = asked(book, (), limit=2)
    assert ([row.permission for row in first.items], first.next) == (list(known[:2]), known[1])
    second = asked(book, (), limit=2, after=known[1])
    assert [row.permission for row in second.items] == list(known[2:4])
    last = asked(book, (), limit=2, after=known[-2])
    assert (last.items, last.next) == ([PermissionRow(known[-1], False, last.items[0].commands)], "")
    assert asked(book, (), limit=2, after="nothing").items == []
    assert asked(book, (), limit=2, after=known[-1]).items == []


def test_a_role_of_somebody_who_was_lowered_from_above_is_narrowed_by_those_below_and_widened_from_above_only(ranks):
    ranks.given(role("some", SUSPEND, at="A1"), staff("zoe", *EVERY, at="A1-1"))
    ranks.given(SetRole("some", "A1", (SUSPEND, VOID), "more"), AssignRole("zoe", "some", "less"))
    ranks.when(SetRole("some", "A1", (*EVERY,), "wider"), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(SetRole("some", "A1", (SUSPEND,), "narrower"), by="ann")
    ranks.happened(RoleSet)
    ranks.when(SetRole("some", "A1", (SUSPEND, VOID), "wider"), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(SetRole("some", "A1", (SUSPEND, VOID), "wider"))
    ranks.happened(RoleSet)


def test_a_role_stands_on_itself(ranks):
    ground = ranks.state.vocabulary.grounds[SetRole]
    command = SetRole("clerk", "A1", (SUSPEND,), "given")
    assert ground(ranks.state, command) == 0
    ranks.given(command)
    made = ranks.state.seq
    ranks.given(role("other", SUSPEND))
    assert ground(ranks.state, command) == made


def test_a_role_that_was_narrowed_from_above_is_widened_from_there_only(ranks):
    ranks.given(role("some", SUSPEND, VOID, at="A1"), SetRole("some", "A1", (SUSPEND,), "less"))
    ranks.when(SetRole("some", "A1", (SUSPEND, VOID), "wider"), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(SetRole("some", "A1", (), "narrower"), by="ann")
    ranks.happened(RoleSet)
    ranks.when(SetRole("some", "A1", (SUSPEND, VOID), "wider"))
    ranks.happened(RoleSet, narrowed_node="", narrowed_role="")
