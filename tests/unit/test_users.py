"""Users: who acts in a stream, and how their authority is given, changed and taken."""

import pytest
from tests.doubles.words import EVERY, agent, player, role, staff

from runline.domain.access import OWNER
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.users import (
    AssignRole,
    CreateUser,
    RestoreUser,
    RevokeUser,
    RoleAssigned,
    UserCreated,
    UserRestored,
    UserRevoked,
)


@pytest.fixture
def ranks(book):
    """ann at A1, who may everything; una at A1-1 below; bob at A2; a player of each."""
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"))
    book.given(staff("ann", *EVERY, at="A1"), staff("una", *EVERY, at="A1-1"), staff("bob", *EVERY, at="A2"))
    book.given(player("P1", "A1-1"), player("P2", "A2"), role("clerk", Permission.SUSPEND, at="A1"))
    return book


def user(book, name):
    return book.state.access.users[name]


def test_a_user_is_created_once(ranks):
    ranks.when(CreateUser("zoe", "A1-1", "clerk"), by="ann")
    ranks.happened(UserCreated, user="zoe", node="A1-1", role="clerk", player="")
    zoe = user(ranks, "zoe")
    assert (zoe.node, zoe.role, zoe.player, zoe.active) == ("A1-1", "clerk", "", True)
    ranks.when(CreateUser("zoe", "A1-1", "clerk"), by="ann")
    ranks.nothing_happened()
    ranks.when(CreateUser("zoe", "A1", "viewer"), by="ann")
    ranks.rejected("already_exists", id="zoe", differs={"node": "A1-1", "role": "clerk"})
    ranks.given(RevokeUser("zoe", "given"))
    ranks.when(CreateUser("zoe", "A1-1", "clerk"), by="ann")
    ranks.rejected("already_exists", id="zoe", differs={"active": False})


def test_an_id_that_is_taken_is_not_described_to_who_may_not_see_whose_it_is(ranks):
    for name, by in (("bob", "ann"), ("P2", "ann"), ("P1", "ann"), ("P1", "owner"), ("ann", "una")):
        ranks.when(CreateUser(name, "A1-1", "viewer"), by=by)
        ranks.rejected("already_exists")
        assert ranks.refusal.details == {}
    ranks.when(CreateUser("bob", "A1-1", "viewer"))
    ranks.rejected("already_exists", id="bob", differs={"node": "A2", "role": "role-of-bob"})


@pytest.mark.parametrize("name", ["engine", "gateway"])
def test_nobody_is_called_like_runline_itself(ranks, name):
    ranks.when(CreateUser(name, ROOT, "viewer"))
    ranks.rejected("already_exists")


def test_a_user_has_a_role_that_is_kept_at_or_above_where_they_stand(ranks):
    ranks.when(CreateUser("zoe", "A2", "clerk"))
    ranks.rejected("role_elsewhere", node="A1")
    ranks.when(CreateUser("zoe", ROOT, "clerk"))
    ranks.rejected("role_elsewhere", node="A1")
    ranks.when(CreateUser("zoe", "A1", "no-role"))
    ranks.rejected("unknown_role", role="no-role")
    ranks.when(CreateUser("zoe", "A2", "clerk"), by="bob")
    ranks.rejected("unknown_role", role="clerk")
    ranks.when(CreateUser("zoe", "A1", "clerk"))
    ranks.happened(UserCreated)
    ranks.when(CreateUser("max", "A1-1", "clerk"), by="una")
    ranks.happened(UserCreated)


def test_nobody_gives_a_role_that_holds_what_they_do_not(ranks):
    ranks.given(staff("amy", Permission.ROLES_MANAGE, at="A1"))
    ranks.when(CreateUser("zoe", "A1", "clerk"), by="amy")
    ranks.rejected("not_permitted", permission="suspend")
    ranks.given(staff("eve", *EVERY))
    ranks.when(CreateUser("zoe", ROOT, OWNER), by="eve")
    ranks.rejected("not_permitted")
    assert ranks.refusal.details == {}
    ranks.when(CreateUser("zoe", ROOT, OWNER))
    ranks.happened(UserCreated)


# Another role


def test_another_role_says_which_it_was_and_who_has_taken_something(ranks):
    ranks.given(staff("zoe", *EVERY, at="A1-1"))
    ranks.when(AssignRole("zoe", "clerk", "less"), by="ann")
    ranks.happened(
        RoleAssigned,
        user="zoe",
        before="role-of-zoe",
        after="clerk",
        node="A1",
        role="role-of-ann",
        reason="less",
    )
    zoe = user(ranks, "zoe")
    assert (zoe.role, zoe.lowered_node, zoe.lowered_role) == ("clerk", "A1", "role-of-ann")
    ranks.when(AssignRole("zoe", "clerk", "same"), by="ann")
    ranks.nothing_happened()
    ranks.when(AssignRole("zoe", "role-of-zoe", "again"))
    ranks.happened(RoleAssigned, before="clerk", after="role-of-zoe", node="", role="")
    assert (zoe.role, zoe.lowered_node, zoe.lowered_role) == ("role-of-zoe", "", "")
    assert ranks.state.access.lowered.get("clerk") == {} or "clerk" not in ranks.state.access.lowered


def test_a_players_role_stays(ranks):
    ranks.when(AssignRole("P1", "clerk", "given"))
    ranks.rejected("not_permitted")
    assert ranks.refusal.details == {}
    ranks.when(AssignRole("P1", "player", "given"))
    ranks.nothing_happened()


def test_to_those_below_the_root_the_unknown_and_the_foreign_look_alike(ranks):
    for name in ("bob", "P2", "nobody", "owner"):
        for command in (AssignRole(name, "clerk", "given"), RevokeUser(name, "given"), RestoreUser(name, "given")):
            ranks.when(command, by="ann")
            ranks.rejected("not_permitted")
            assert ranks.refusal.details == {}
    for command in (AssignRole("nobody", "clerk", "x"), RevokeUser("nobody", "x"), RestoreUser("nobody", "x")):
        ranks.when(command)
        ranks.rejected("unknown_user", user="nobody")


# Taking authority


def test_who_is_revoked_may_do_nothing_until_they_are_restored(ranks):
    ranks.when(RevokeUser("una", "left"), by="ann")
    ranks.happened(UserRevoked, user="una", node="A1", role="role-of-ann", reason="left")
    una = user(ranks, "una")
    assert (una.active, una.revoked_node, una.revoked_role) == (False, "A1", "role-of-ann")
    ranks.when(CreateUser("zoe", "A1-1", "viewer"), by="una")
    ranks.rejected("not_permitted")
    ranks.when(RevokeUser("una", "again"), by="ann")
    ranks.nothing_happened()
    ranks.when(RevokeUser("una", "from above"))
    ranks.happened(UserRevoked, node=ROOT, role=OWNER)
    ranks.when(RestoreUser("una", "back"), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(RestoreUser("una", "back"))
    ranks.happened(UserRestored, user="una", reason="back")
    assert (una.active, una.revoked_node, una.revoked_role) == (True, "", "")
    ranks.when(RestoreUser("una", "back"))
    ranks.nothing_happened()


def test_one_may_give_up_ones_own(ranks):
    ranks.when(RevokeUser("ann", "enough"), by="ann")
    ranks.happened(UserRevoked, user="ann", node="A1")


def test_the_last_owner_who_may_act_stays_one(ranks):
    for command in (RevokeUser("owner", "given"), AssignRole("owner", "viewer", "given")):
        ranks.when(command)
        ranks.rejected("last_owner")
    ranks.given(CreateUser("heir", ROOT, OWNER), RevokeUser("heir", "given"))
    ranks.when(RevokeUser("owner", "given"))
    ranks.rejected("last_owner")
    ranks.given(RestoreUser("heir", "given"))
    ranks.when(RevokeUser("owner", "given"))
    ranks.happened(UserRevoked)


def test_an_owner_of_a_part_may_go(ranks):
    ranks.given(CreateUser("lord", "A1", OWNER))
    ranks.when(RevokeUser("lord", "given"))
    ranks.happened(UserRevoked)


def test_staff_are_counted_without_players_and_no_branch_holds_more_than_it_leaves_free(ranks, monkeypatch):
    monkeypatch.setattr("runline.domain.users.STAFF_MAX", 8)
    ranks.when(CreateUser("one", "A1", "viewer"), by="ann")
    ranks.happened(UserCreated)
    ranks.when(CreateUser("two", "A1", "viewer"), by="ann")
    ranks.rejected("too_many", most=3)
    for number in range(3):
        ranks.given(CreateUser(f"more-{number}", ROOT, "viewer"))
    ranks.when(CreateUser("last", ROOT, "viewer"))
    ranks.rejected("too_many", most=8)


def test_who_is_created_without_an_id_is_told_that_it_is_a_users(ranks):
    ranks.when(CreateUser("no id", ROOT, "viewer"))
    ranks.rejected("identifier_invalid")
    assert " user id " in ranks.refusal.message


def test_whoever_was_revoked_from_above_is_given_a_role_from_there_only(ranks):
    ranks.given(RevokeUser("una", "left"))
    ranks.when(AssignRole("una", "clerk", "given"), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(AssignRole("una", "clerk", "given"))
    ranks.happened(RoleAssigned)


def test_what_was_taken_by_a_larger_role_beside_or_from_above_is_not_given_back_by_a_smaller_one(ranks):
    ranks.given(staff("amy", Permission.ROLES_MANAGE, Permission.SUSPEND, at="A1"), role("none", at="A1"))
    ranks.given(CreateUser("zoe", "A1-1", "clerk"))
    ranks.when(AssignRole("zoe", "none", "less"), by="ann")
    ranks.happened(RoleAssigned, node="A1", role="role-of-ann")
    ranks.when(AssignRole("zoe", "clerk", "again"), by="amy")
    ranks.rejected("not_permitted")
    ranks.when(AssignRole("zoe", "clerk", "again"), by="ann")
    ranks.happened(RoleAssigned, node="", role="")
    ranks.when(AssignRole("zoe", "none", "less"))
    ranks.happened(RoleAssigned, node=ROOT, role=OWNER)
    ranks.when(AssignRole("zoe", "clerk", "again"), by="ann")
    ranks.rejected("not_permitted")


def test_a_user_stands_on_themselves_and_a_new_one_on_the_id_and_the_role(ranks):
    state, grounds = ranks.state, ranks.state.vocabulary.grounds
    about = (AssignRole("una", "clerk", "x"), RevokeUser("una", "x"), RestoreUser("una", "x"))
    known = {grounds[type(one)](state, one) for one in about}
    assert known == {user(ranks, "una").changed_seq}
    new = CreateUser("zoe", "A1", "clerk")
    assert grounds[CreateUser](state, new) == state.access.roles["clerk"].changed_seq
    ranks.given(RevokeUser("una", "left"), new)
    assert {grounds[type(one)](state, one) for one in about} == {state.seq - 1}
    assert grounds[CreateUser](state, new) == state.seq
