"""Access: authority is judged as the command executes, against the roles as they are then."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import EVERY, agent, board, game, player, role, staff, wager

from runline.domain.access import OWNER
from runline.domain.accounts import AdjustCredit, CreditAdjusted
from runline.domain.audience import audience_of, sees
from runline.domain.bounds import ROLES_MAX
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.jobs import DoSlice
from runline.domain.messages import ENGINE, GATEWAY, Rejected
from runline.domain.moving import MoveAgent
from runline.domain.nodes import ROOT
from runline.domain.passwords import ChangePassword, SetPassword
from runline.domain.permissions import Permission, permissions_of
from runline.domain.queries.declared import Asked
from runline.domain.roles import RoleSet, SetRole
from runline.domain.sessions import EndSession, SignIn
from runline.domain.tickets import WagerPlaced
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

MANAGER = (Permission.ROLES_MANAGE, Permission.CREDIT_CHANGE, Permission.FIGURES_VIEW)


def raise_credit(number="P1"):
    return AdjustCredit(number, 90_000, "asked")


def test_someone_without_the_permission_is_refused_and_told_which_one_it_takes(book):
    book.given(player("P1"), staff("clerk", Permission.FIGURES_VIEW))
    book.when(raise_credit(), by="clerk")
    book.rejected("not_permitted", permission="credit_change")


def test_who_is_unknown_here_may_do_nothing(book):
    book.given(player("P1"))
    book.when(raise_credit(), by="stranger")
    book.rejected("not_permitted")


def test_a_revoked_user_is_refused_from_the_very_next_command(book):
    book.given(player("P1"), staff("clerk", Permission.CREDIT_CHANGE))
    book.when(RevokeUser("clerk", "left"))
    book.happened(UserRevoked, user="clerk")
    book.when(raise_credit(), by="clerk")
    book.rejected("not_permitted")


def test_a_restored_user_has_the_old_role_again(book):
    book.given(player("P1"), staff("clerk", Permission.CREDIT_CHANGE), RevokeUser("clerk", "left"))
    book.when(RestoreUser("clerk", "is back"))
    book.happened(UserRestored, user="clerk")
    book.when(raise_credit(), by="clerk")
    book.happened(CreditAdjusted, after_minor=90_000)


def test_a_revoked_player_wagers_no_more(book):
    book.given(game("G1"), board("G1"), player("P1"), RevokeUser("P1", "asked for a break"))
    book.when(wager("P1", 10_00), by="P1")
    book.rejected("not_permitted")


def test_taking_a_permission_from_a_role_bites_everyone_who_has_it_at_once(book):
    book.given(player("P1"), role("cashier", Permission.CREDIT_CHANGE), CreateUser("ann", ROOT, "cashier"))
    book.when(SetRole("cashier", ROOT, (Permission.FIGURES_VIEW,), "too much"))
    book.happened(RoleSet, before=("credit_change",), after=("figures_view",))
    book.when(raise_credit(), by="ann")
    book.rejected("not_permitted")


def test_another_role_bites_at_once(book):
    book.given(player("P1"), role("cashier", Permission.CREDIT_CHANGE), CreateUser("ann", ROOT, "viewer"))
    book.when(AssignRole("ann", "cashier", "trained"))
    book.happened(RoleAssigned, before="viewer", after="cashier")
    book.when(raise_credit(), by="ann")
    book.happened(CreditAdjusted)


def test_what_is_so_already_makes_no_event(book):
    book.given(role("cashier", Permission.CREDIT_CHANGE), CreateUser("ann", ROOT, "cashier"))
    for command in (
        SetRole("cashier", ROOT, (Permission.CREDIT_CHANGE,), "again"),
        AssignRole("ann", "cashier", "again"),
        RestoreUser("ann", "again"),
    ):
        book.when(command)
        book.nothing_happened()
    book.given(RevokeUser("ann", "left"))
    book.when(RevokeUser("ann", "again"))
    book.nothing_happened()


# Nobody grants what they do not hold


@pytest.mark.parametrize("permission", [Permission.RESULT_ENTER, Permission.BOOK_OPEN])
def test_a_role_of_a_book_holds_no_permission_of_the_house(book, permission):
    book.when(role("scorer", Permission.SUSPEND, permission))
    book.rejected("permission_invalid", permission=permission.value)
    assert "scorer" not in book.state.access.roles
    assert permission.value not in book.state.access.roles[OWNER].permissions


def test_a_role_of_the_house_holds_no_permission_of_a_book(house):
    house.when(role("teller", Permission.TRANSACTION_ENTER))
    house.rejected("permission_invalid", permission="transaction_enter")
    assert house.state.access.roles[OWNER].permissions == permissions_of("house")


def test_what_a_role_may_hold_is_asked_for_with_what_the_asker_holds_of_it(book):
    book.given(staff("ann", Permission.ROLES_MANAGE, Permission.SUSPEND))
    state, house = book.state, book.house.state
    ann = state.access.users["ann"]
    show = state.vocabulary.queries["permissions"].show
    assert show is not None
    first = show(state, house, ann, audience_of(state, ann), Asked(limit=5), 0)
    rest = show(state, house, ann, audience_of(state, ann), Asked(after=first.next), 0)
    rows = [*first.items, *rest.items]
    assert tuple(row.permission for row in rows) == permissions_of("book")
    assert [row.permission for row in rows if row.held] == ["suspend", "roles_manage"]
    assert next(row.commands for row in rows if row.permission == "suspend") == ["AddReason", "Reopen", "Suspend"]


def test_nobody_puts_a_permission_into_a_role_that_they_do_not_hold(book):
    book.given(staff("manager", *MANAGER))
    book.when(SetRole("helper", ROOT, (Permission.FIGURES_VIEW, Permission.WAGER_VOID), "please"), by="manager")
    book.rejected("not_permitted", permission="wager_void")


def test_nobody_takes_away_from_a_role_what_they_do_not_hold(book):
    book.given(staff("manager", *MANAGER), role("voider", Permission.WAGER_VOID))
    book.when(SetRole("voider", ROOT, (), "jealous"), by="manager")
    book.rejected("not_permitted", permission="wager_void")


def test_nobody_widens_their_own_role(book):
    book.given(staff("manager", *MANAGER))
    book.when(SetRole("role-of-manager", ROOT, EVERY, "more"), by="manager")
    book.rejected("not_permitted")


def test_nobody_gives_a_user_a_role_that_is_larger_than_their_own(book):
    book.given(staff("manager", *MANAGER), role("voider", Permission.WAGER_VOID), CreateUser("ann", ROOT, "viewer"))
    book.given(role("watcher", Permission.FIGURES_VIEW), CreateUser("bob", ROOT, "watcher"))
    book.when(CreateUser("friend", ROOT, "voider"), by="manager")
    book.rejected("not_permitted", permission="wager_void")
    book.when(AssignRole("bob", "voider", "favour"), by="manager")
    book.rejected("not_permitted", permission="wager_void")
    book.when(CreateUser("friend", ROOT, OWNER), by="manager")
    book.rejected("not_permitted")


def test_nobody_revokes_someone_who_holds_more(book):
    book.given(staff("manager", *MANAGER), CreateUser("ann", ROOT, OWNER))
    for command in (RevokeUser("ann", "coup"), RestoreUser("ann", "coup"), AssignRole("ann", "viewer", "coup")):
        book.when(command, by="manager")
        book.rejected("not_permitted")


def test_credit_with_a_new_player_needs_the_permission_to_give_credit(book):
    may = (Permission.PLAYER_CREATE, Permission.WAGER_PLACE, Permission.BOARD_VIEW)
    book.given(staff("clerk", *may))
    book.when(CreatePlayer("P1", ROOT, 1), by="clerk")
    book.rejected("not_permitted", permission="credit_change")
    book.when(CreatePlayer("P1", ROOT, 0), by="clerk")
    assert book.refusal is None


# Nor outside their own subtree


@pytest.fixture
def two_agents(book):
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"))
    book.given(staff("one", *MANAGER, Permission.AGENT_CREATE, at="A1"))
    book.given(role("helper", Permission.FIGURES_VIEW), CreateUser("two", "A2", "helper"))
    return book


def test_a_role_at_a_node_acts_on_that_subtree(two_agents):
    two_agents.when(raise_credit("P1"), by="one")
    two_agents.happened(CreditAdjusted, player="P1")


def test_a_role_at_a_node_does_not_act_outside_it(two_agents):
    two_agents.when(raise_credit("P2"), by="one")
    two_agents.rejected("not_permitted")
    two_agents.when(CreateAgent("A2-1", "A2"), by="one")
    two_agents.rejected("not_permitted")


def test_the_unknown_and_the_foreign_look_alike_from_within_a_subtree(two_agents):
    refusals = []
    for command in (raise_credit("P2"), raise_credit("P9"), RevokeUser("two", "given"), RevokeUser("nobody", "given")):
        two_agents.when(command, by="one")
        refusals.append((two_agents.refusal.code, two_agents.refusal.message))
    assert len(set(refusals)) == 1


def test_nobody_creates_a_user_outside_their_subtree(two_agents):
    two_agents.when(CreateUser("friend", "A2", "helper"), by="one")
    two_agents.rejected("not_permitted")
    two_agents.when(CreateUser("friend", ROOT, "helper"), by="one")
    two_agents.rejected("not_permitted")
    two_agents.when(CreateUser("friend", "A1-1", "helper"), by="one")
    two_agents.happened(UserCreated, node="A1-1")


def test_nobody_keeps_a_role_outside_their_subtree(two_agents):
    for node in ("A2", ROOT, "A9"):
        two_agents.when(SetRole("mine", node, (), "given"), by="one")
        two_agents.rejected("not_permitted")
    two_agents.when(SetRole("helper", "A1", (), "given"), by="one")
    two_agents.rejected("not_permitted")


def test_a_role_kept_at_a_node_is_not_given_outside_it(two_agents):
    two_agents.given(role("local", Permission.FIGURES_VIEW, at="A1"))
    two_agents.when(CreateUser("friend", "A2", "local"))
    two_agents.rejected("role_elsewhere", node="A1")
    two_agents.when(CreateUser("friend", "A1-1", "local"))
    two_agents.happened(UserCreated)


def test_a_role_stays_where_it_is_kept(two_agents):
    two_agents.when(SetRole("helper", "A1", (Permission.FIGURES_VIEW,), "given"))
    two_agents.rejected("role_elsewhere", node=ROOT)


# Owners


def test_the_owners_role_never_changes(book):
    book.when(SetRole(OWNER, ROOT, (), "oops"))
    book.rejected("not_permitted")


def test_the_last_owner_keeps_their_authority(book):
    for command in (RevokeUser("owner", "tired"), AssignRole("owner", "viewer", "tired")):
        book.when(command)
        book.rejected("last_owner")


def test_an_owner_may_go_when_there_is_another(book):
    book.given(CreateUser("heir", ROOT, OWNER))
    book.when(RevokeUser("owner", "retired"))
    book.happened(UserRevoked)
    book.when(RevokeUser("heir", "too"), by="heir")
    book.rejected("last_owner")


def test_an_owner_of_a_subtree_is_no_reason_to_let_the_last_owner_of_all_go(book):
    book.given(agent("A1"), CreateUser("squire", "A1", OWNER))
    book.when(RevokeUser("owner", "tired"))
    book.rejected("last_owner")
    book.when(RevokeUser("squire", "enough"))
    book.happened(UserRevoked)


# Who stands above whom

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def on_user(user):
    """Every command about a user, by its name."""
    return {
        "AssignRole": AssignRole(user, "nothing", "given"),
        "RevokeUser": RevokeUser(user, "given"),
        "RestoreUser": RestoreUser(user, "given"),
        "SetPassword": SetPassword(user, HASH),
        "EndSession": EndSession(f"session-of-{user}", "given"),
        "SetRole": SetRole(f"role-of-{user}", ROOT, (), "given"),
    }


def test_these_are_all_the_commands_on_users():
    about = {
        name
        for name, command in VOCABULARY.commands.items()
        if command.needs is Permission.ROLES_MANAGE and {"user", "session", "role"} & set(command.__struct_fields__)
    }
    assert about - {"CreateUser"} == set(on_user("anybody"))


@pytest.fixture
def ranks(book):
    """The owner; an heir who owns the book too; a boss at the root, a peer with the same permissions and a clerk with fewer; a
    manager of A1, and one below at A1-1; a manager of A2. All have a password and are signed in."""
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), role("nothing"), CreateUser("heir", ROOT, OWNER))
    book.given(staff("boss", *MANAGER), staff("peer", *MANAGER), staff("clerk", Permission.ROLES_MANAGE))
    book.given(staff("one", *MANAGER, at="A1"), staff("below", *MANAGER, at="A1-1"), staff("two", *MANAGER, at="A2"))
    for user in ("owner", "heir", "boss", "peer", "clerk", "one", "below", "two"):
        book.when(ChangePassword(user, HASH, 0, ""), by=GATEWAY)
        seq = book.state.credentials.by_user[user].password_seq
        book.when(SignIn(user, f"session-of-{user}", "screen", seq, 60 * 10**9, 60 * 10**9, ""), by=GATEWAY)
        assert book.refusal is None
    return book


BELOW = {
    "owner": {"heir", "boss", "peer", "clerk", "one", "below", "two"},
    "heir": {"boss", "peer", "clerk", "one", "below", "two"},
    "boss": {"clerk", "one", "below", "two"},
    "clerk": set(),
    "one": {"below"},
    "two": set(),
}
"""Whom each may command."""


@pytest.mark.parametrize("name", on_user("anybody"))
@pytest.mark.parametrize("asker", BELOW)
def test_a_command_on_a_user_is_for_those_who_stand_above(ranks, asker, name):
    for user in ("owner", "heir", "boss", "peer", "clerk", "one", "below", "two"):
        if user == asker or (name == "SetRole" and (user in ("owner", "heir") or asker in ("one", "two"))):
            continue
        refusal = None
        try:
            ranks.decide(on_user(user)[name], asker, ranks.at_ns)
        except Rejected as rejected:
            refusal = rejected.code
        assert refusal == (None if user in BELOW[asker] else "not_permitted"), user


def test_nobody_sets_their_own_password_without_knowing_the_old_one(ranks):
    for user in ("owner", "boss"):
        ranks.when(SetPassword(user, HASH), by=user)
        ranks.rejected("not_permitted")


def test_whoever_may_give_up_their_own_authority_and_sessions(ranks):
    ranks.when(EndSession("session-of-boss", "lost phone"), by="boss")
    assert ranks.refusal is None
    ranks.when(AssignRole("boss", "nothing", "tired"), by="boss")
    ranks.happened(RoleAssigned)
    ranks.when(RevokeUser("heir", "retired"), by="heir")
    ranks.happened(UserRevoked)


def test_an_equal_gives_a_first_password_and_no_second_one(ranks):
    ranks.given(CreateUser("fresh", ROOT, "role-of-boss"), CreateUser("another-heir", ROOT, OWNER))
    for user, by in (("fresh", "boss"), ("another-heir", "heir")):
        ranks.when(SetPassword(user, HASH), by=by)
        assert ranks.refusal is None
        ranks.when(SetPassword(user, HASH), by=by)
        ranks.rejected("not_permitted")


def test_only_an_owner_makes_an_owner(ranks):
    ranks.given(role("everything", *EVERY), CreateUser("vizier", ROOT, "everything"))
    for command in (CreateUser("friend", ROOT, OWNER), AssignRole("clerk", OWNER, "given")):
        ranks.when(command, by="vizier")
        ranks.rejected("not_permitted")
    for user in ("owner", "heir"):
        ranks.when(RevokeUser(user, "given"), by="vizier")
        ranks.rejected("not_permitted")
    ranks.when(RevokeUser("vizier", "given"), by="heir")
    ranks.happened(UserRevoked)


# Given back from where it was taken, or above

BACK = ("RestoreUser", "AssignRole", "SetPassword")


@pytest.mark.parametrize(
    ("revoker", "able"),
    [("owner", {"owner", "heir"}), ("heir", {"owner", "heir"}), ("boss", {"owner", "heir", "boss", "peer"}),
     ("one", {"owner", "heir", "boss", "peer", "one"})],
)  # fmt: skip
@pytest.mark.parametrize("name", BACK)
def test_what_was_taken_from_above_is_given_back_from_there_or_above_only(ranks, revoker, able, name):
    ranks.when(RevokeUser("below", "out"), by=revoker)
    ranks.happened(UserRevoked)
    for asker in ("owner", "heir", "boss", "peer", "one"):
        refusal = None
        try:
            ranks.decide(on_user("below")[name], asker, ranks.at_ns)
        except Rejected as rejected:
            refusal = rejected.code
        assert refusal == (None if asker in able else "not_permitted"), asker


def test_a_role_that_was_lowered_from_above_is_raised_from_there_or_above_only(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE), role("ticker", Permission.TICKER_VIEW))
    before = ranks.state.access.users["below"].role
    ranks.when(AssignRole("below", "looker", "careless"), by="owner")
    ranks.happened(RoleAssigned, node=ROOT, role=OWNER)
    for by in ("one", "peer", "boss"):
        for name in (before, "ticker"):
            ranks.when(AssignRole("below", name, "he is fine"), by=by)
            ranks.rejected("not_permitted")
    restarted = ranks.recovered()
    assert (restarted.access.users["below"].lowered_node, restarted.access.users["below"].lowered_role) == (ROOT, OWNER)
    ranks.when(AssignRole("below", before, "cleared"), by="owner")
    ranks.happened(RoleAssigned, node="", role="")


def test_a_role_that_was_lowered_further_down_is_raised_from_there_too(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE))
    before = ranks.state.access.users["below"].role
    ranks.when(AssignRole("below", "looker", "late"), by="boss")
    ranks.when(AssignRole("below", "nothing", "late again"), by="peer")
    ranks.happened(RoleAssigned)
    ranks.when(AssignRole("below", before, "on time"), by="boss")
    ranks.happened(RoleAssigned, node="", role="")


def test_another_role_that_holds_the_same_gives_nothing_back_and_takes_nothing(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE), role("watcher", Permission.ROLES_MANAGE))
    ranks.given(role("manager", *MANAGER))
    ranks.when(AssignRole("below", "manager", "another name"), by="one")
    ranks.happened(RoleAssigned, node="", role="")
    ranks.when(AssignRole("below", "looker", "careless"), by="owner")
    ranks.when(AssignRole("below", "watcher", "another name"), by="one")
    ranks.happened(RoleAssigned, node=ROOT, role=OWNER)


def test_the_role_of_somebody_who_was_lowered_from_above_is_widened_from_there_or_above_only(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE, at="A1"), CreateUser("other", "A1-1", "looker"))
    ranks.when(SetRole("looker", "A1", (Permission.ROLES_MANAGE, Permission.TICKER_VIEW), "free"), by="owner")
    ranks.when(AssignRole("below", "looker", "careless"), by="owner")
    wider = SetRole("looker", "A1", MANAGER, "he is fine")
    for state in (ranks.state, ranks.recovered()):
        assert state.access.lowered["looker"] == {ROOT: {OWNER: 1}}
    for by in ("one", "peer", "boss"):
        ranks.when(wider, by=by)
        ranks.rejected("not_permitted")
    ranks.when(wider, by="heir")
    ranks.happened(RoleSet)


def test_a_role_that_a_lowered_user_has_no_more_is_widened_freely(ranks):
    ranks.given(role("looker", Permission.FIGURES_VIEW, at="A1"), role("local", *MANAGER, at="A1-1"))
    ranks.given(AssignRole("below", "looker", "careless"), AssignRole("below", "local", "cleared"))
    assert ranks.state.access.lowered["looker"] == ranks.recovered().access.lowered.get("looker", {}) == {}
    ranks.when(SetRole("looker", "A1", MANAGER, "more"), by="one")
    ranks.happened(RoleSet)


def test_a_role_of_somebody_who_was_lowered_is_widened_from_where_it_was_done_and_above(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE, at="A1-1"))
    ranks.when(AssignRole("below", "looker", "late"), by="one")
    wider = SetRole("looker", "A1-1", MANAGER, "on time")
    ranks.given(CreateUser("mate", "A1-1", "role-of-one"))
    ranks.when(wider, by="mate")
    ranks.rejected("not_permitted")
    for by in ("one", "boss", "owner"):
        assert ranks.decide(wider, by, ranks.at_ns)


def test_who_was_lowered_before_a_move_is_given_nothing_back_where_they_are_now(ranks):
    ranks.given(role("looker", Permission.ROLES_MANAGE, at="A1-1"))
    ranks.when(AssignRole("below", "looker", "late"), by="one")
    ranks.given(MoveAgent("A1-1", "A2", "sold"))
    wider = SetRole("looker", "A1-1", MANAGER, "welcome")
    ranks.when(wider, by="two")
    ranks.rejected("not_permitted")
    ranks.when(wider, by="boss")
    ranks.happened(RoleSet)


def test_a_role_that_was_narrowed_from_above_is_widened_from_there_or_above_only(ranks):
    ranks.given(role("local", *MANAGER, at="A1"))
    narrow = (Permission.FIGURES_VIEW,)
    ranks.when(SetRole("local", "A1", narrow, "too much"), by="owner")
    ranks.happened(RoleSet, narrowed_node=ROOT, narrowed_role=OWNER)
    for by in ("one", "boss"):
        ranks.when(SetRole("local", "A1", MANAGER, "as it was"), by=by)
        ranks.rejected("not_permitted")
    ranks.when(SetRole("local", "A1", (), "less"), by="one")
    ranks.happened(RoleSet, narrowed_node=ROOT, narrowed_role=OWNER)
    ranks.when(SetRole("local", "A1", narrow, "less was wrong"), by="one")
    ranks.rejected("not_permitted")
    kept = ranks.recovered().access.roles["local"]
    assert (kept.narrowed_node, kept.narrowed_role) == (ROOT, OWNER)
    ranks.when(SetRole("local", "A1", MANAGER, "cleared"), by="heir")
    ranks.happened(RoleSet, narrowed_node="", narrowed_role="")
    ranks.when(SetRole("local", "A1", narrow, "less"), by="one")
    ranks.when(SetRole("local", "A1", MANAGER, "as it was"), by="one")
    ranks.happened(RoleSet)


@pytest.mark.alone
def test_where_a_roles_holders_were_lowered_from_very_many_nodes_only_the_root_widens_it(ranks, monkeypatch):
    monkeypatch.setattr("runline.domain.access.LOWERED_LOOKED_MAX", 0)
    ranks.given(role("looker", Permission.ROLES_MANAGE, at="A1-1"))
    ranks.when(AssignRole("below", "looker", "late"), by="one")
    wider = SetRole("looker", "A1-1", MANAGER, "on time")
    ranks.when(wider, by="one")
    ranks.rejected("not_permitted")
    ranks.when(wider, by="boss")
    ranks.happened(RoleSet)


@pytest.mark.alone
def test_where_they_were_lowered_from_as_many_nodes_as_are_looked_at_each_of_those_widens_it(ranks, monkeypatch):
    monkeypatch.setattr("runline.domain.access.LOWERED_LOOKED_MAX", 1)
    ranks.given(role("looker", Permission.ROLES_MANAGE, at="A1-1"))
    ranks.when(AssignRole("below", "looker", "late"), by="one")
    ranks.when(SetRole("looker", "A1-1", MANAGER, "on time"), by="one")
    ranks.happened(RoleSet)


def test_where_a_user_stands_is_known_by_name(two_agents):
    access = two_agents.state.access
    assert [access.node_of_user(name) for name in ("one", "two", "owner", "P1", "nobody")] == [
        "A1", "A2", ROOT, "A1-1", None,
    ]  # fmt: skip
    assert list(access.users_of("A2")) == ["P2", "two"]
    assert list(access.users_of("A9")) == []


def test_revoking_again_from_above_raises_the_bar_and_from_below_does_not_lower_it(ranks):
    ranks.when(RevokeUser("below", "late"), by="one")
    ranks.when(RevokeUser("below", "fraud"), by="owner")
    ranks.happened(UserRevoked, node=ROOT, role=OWNER)
    for by in ("one", "boss", "heir"):
        ranks.when(RevokeUser("below", "me too"), by=by)
        ranks.nothing_happened()
    ranks.when(RestoreUser("below", "he is fine"), by="one")
    ranks.rejected("not_permitted")
    ranks.when(RestoreUser("below", "cleared"), by="owner")
    ranks.happened(UserRestored)
    assert (ranks.state.access.users["below"].revoked_node, ranks.state.access.users["below"].revoked_role) == ("", "")


# A role counts where it is kept and below


def test_a_role_that_is_kept_elsewhere_after_a_move_counts_no_more(book):
    book.given(agent("A1"), agent("B1"), agent("X", "A1"), player("P1", "X"), player("PB", "B1"))
    book.given(role("local", Permission.CREDIT_CHANGE, at="A1"), CreateUser("ann", "X", "local"))
    book.given(staff("one", *MANAGER, Permission.WAGER_VOID, at="A1"))
    book.when(raise_credit(), by="ann")
    book.happened(CreditAdjusted)
    book.given(MoveAgent("X", "B1", "sold"))
    book.when(raise_credit(), by="ann")
    book.rejected("not_permitted", permission="credit_change")
    book.when(SetRole("local", "A1", (Permission.CREDIT_CHANGE, Permission.ROLES_MANAGE), "more"), by="one")
    book.happened(RoleSet)
    for command in (raise_credit("PB"), CreateUser("friend", "X", "viewer")):
        book.when(command, by="ann")
        book.rejected("not_permitted")
    assert book.state.access.held_by(book.state.access.users["ann"]) == frozenset()
    book.given(MoveAgent("X", "A1", "bought back"))
    book.when(raise_credit(), by="ann")
    assert book.refusal is None


def test_a_role_that_counts_for_nobody_beside_is_changed_freely(book):
    book.given(agent("A1"), agent("B1"), agent("X", "A1"), staff("one", *MANAGER, at="A1"))
    book.given(role("local", Permission.FIGURES_VIEW, at="A1"), CreateUser("ann", "X", "local"))
    book.given(MoveAgent("X", "B1", "sold"))
    book.when(SetRole("local", "A1", (), "tidy"), by="one")
    book.happened(RoleSet)


def test_a_role_of_another_subtree_looks_like_none(book):
    book.given(agent("A1"), agent("A2"), staff("one", *MANAGER, at="A1"))
    book.given(role("theirs", Permission.WAGER_VOID, at="A2"))
    for name in ("theirs", "none-such"):
        book.when(CreateUser("friend", "A1", name), by="one")
        book.rejected("unknown_role")
        assert set(book.refusal.details) == {"role"}


# Players


def test_a_players_role_never_grows_beyond_what_players_may(book):
    book.when(SetRole("player", ROOT, (Permission.WAGER_PLACE, Permission.CREDIT_CHANGE), "generous"))
    book.rejected("not_permitted", permission="credit_change")
    book.when(SetRole("player", ROOT, (Permission.BOARD_VIEW,), "a holiday"))
    book.happened(RoleSet, after=("board_view",))


def test_a_players_role_cannot_be_exchanged(book):
    book.given(player("P1"))
    book.when(AssignRole("P1", "viewer", "promoted"))
    book.rejected("not_permitted")


def test_a_player_wagers_on_their_own_account_only(book):
    book.given(game("G1"), board("G1"), player("P1"), player("P2"))
    book.when(wager("P2", 10_00), by="P1")
    book.rejected("not_permitted")
    book.when(wager("P9", 10_00), by="P1")
    book.rejected("not_permitted")
    book.when(wager("P1", 10_00), by="P1")
    book.happened(WagerPlaced, writer="P1")


# Names


@pytest.mark.parametrize("name", ["", " ", "a b", "ä", "-x", "x" * 65, "a/b", "a:b", "x\n", "\ud800", "٣"])
def test_an_id_has_few_characters_and_no_odd_ones(book, name):
    for command in (
        CreateUser(name, ROOT, "viewer"),
        SetRole(name, ROOT, (), "given"),
        CreateAgent(name, ROOT),
        CreatePlayer(name, ROOT, 0),
    ):
        book.when(command)
        book.rejected("identifier_invalid")


@pytest.mark.parametrize("name", ["owner", "P1", "ann", ENGINE])
def test_an_id_is_given_once_for_users_and_players_together(book, name):
    book.given(player("P1"), CreateUser("ann", ROOT, "viewer"))
    book.given(role("clerk"))
    book.when(CreateUser(name, ROOT, "clerk"))
    book.rejected("already_exists")
    book.when(CreatePlayer(name, ROOT, 0))
    book.rejected("already_exists")


def test_to_create_a_user_again_changes_nothing_and_one_that_differs_is_told(book):
    book.given(CreateUser("ann", ROOT, "viewer"))
    book.when(CreateUser("ann", ROOT, "viewer"))
    book.nothing_happened()
    book.given(role("clerk"), RevokeUser("ann", "left"))
    book.when(CreateUser("ann", ROOT, "clerk"))
    book.rejected("already_exists", differs={"role": "viewer", "active": False})


def test_unknown_roles_users_and_nodes_are_named(book):
    book.when(CreateUser("ann", ROOT, "nothing"))
    book.rejected("unknown_role", role="nothing")
    book.when(CreateUser("ann", "A9", "viewer"))
    book.rejected("unknown_agent", agent="A9")
    book.when(RevokeUser("ann", "given"))
    book.rejected("unknown_user", user="ann")


def test_a_role_lists_each_permission_once_and_in_their_order(book):
    book.when(SetRole("r", ROOT, (Permission.SUSPEND, Permission.BOARD_VIEW, Permission.SUSPEND), "given"))
    book.happened(RoleSet, after=("board_view", "suspend"))
    book.when(SetRole("r", ROOT, (Permission.SUSPEND,) * (len(Permission) + 1), "given"))
    book.rejected("too_many")


def test_there_are_so_many_roles_and_no_more(book, monkeypatch):
    monkeypatch.setattr("runline.domain.roles.ROLES_MAX", len(book.state.access.roles) + 1)
    book.given(role("one"))
    book.when(SetRole("two", ROOT, (), "given"))
    book.rejected("too_many")
    book.when(SetRole("one", ROOT, (Permission.SUSPEND,), "given"))
    book.happened(RoleSet)
    assert ROLES_MAX < 10_000


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "\x00", "\ud800"])
def test_a_reason_is_one_printable_line(book, reason):
    book.given(CreateUser("ann", ROOT, "viewer"))
    book.when(RevokeUser("ann", reason))
    book.rejected("reason_invalid")


# The engine, and the house


def test_what_only_the_engine_does_nobody_else_does(book):
    book.when(DoSlice(1))
    book.rejected("not_permitted")


def test_the_engine_does_nothing_that_needs_a_permission(book):
    book.given(player("P1"))
    book.when(raise_credit(), by=ENGINE)
    book.rejected("not_permitted")


def test_the_house_has_staff_of_its_own(house):
    house.given(staff("grader", Permission.RESULT_ENTER))
    house.when(CreateUser("friend", ROOT, "role-of-grader"), by="grader")
    house.rejected("not_permitted", permission="roles_manage")
    house.when(CreateUser("friend", "A1", "role-of-grader"))
    house.rejected("unknown_agent")
    house.when(RevokeUser("platform", "given"))
    house.rejected("last_owner")


@pytest.mark.parametrize(
    "command", [RevokeUser("ann", "given"), AssignRole("ann", "viewer", "given"), RestoreUser("ann", "given")]
)
def test_a_user_is_ground_that_moves_when_the_user_changes(book, command):
    book.given(role("cashier"), CreateUser("ann", ROOT, "cashier"))
    seen = book.state.seq
    book.given(player("P1"))
    book.when(command, if_position=seen)
    assert book.refusal is None
    book.given(RevokeUser("ann", "given")) if book.state.access.users["ann"].active else book.given(
        RestoreUser("ann", "given")
    )
    book.when(command, if_position=seen)
    book.rejected("position_moved", position=book.state.seq)


def test_a_role_is_ground_that_moves_when_the_role_changes(book):
    book.given(role("cashier"))
    seen = book.state.seq
    book.given(player("P1"))
    book.when(SetRole("cashier", ROOT, (Permission.SUSPEND,), "given"), if_position=seen)
    book.happened(RoleSet)
    book.when(SetRole("cashier", ROOT, (), "given"), if_position=seen)
    book.rejected("position_moved")


@pytest.mark.parametrize(
    "command",
    [
        AdjustCredit("P2", 90_000, ""),
        MoveAgent("A2", "A1", "two\nlines"),
        CreatePlayer("no id", "A2", 0),
        CreateAgent("no id", "A2"),
        wager("P2", 5_00, channel="web"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_whether_something_foreign_has_changed_is_not_told_by_what_is_wrong_with_the_request_itself(
    two_agents, command
):
    everything = (
        *MANAGER,
        Permission.AGENT_CREATE,
        Permission.AGENT_MOVE,
        Permission.PLAYER_CREATE,
        Permission.WAGER_PLACE,
    )
    two_agents.given(role("role-of-one", *everything), game("G1"), board("G1"))
    for change in ([], [raise_credit("P2"), MoveAgent("A2", "A1", "given"), MoveAgent("A2", ROOT, "given")]):
        seen = two_agents.state.seq
        two_agents.given(*change)
        two_agents.when(command, by="one", if_position=seen)
        assert two_agents.refusal is not None
        assert two_agents.refusal.code in ("reason_invalid", "identifier_invalid", "channel_invalid")


def test_staff_of_an_agent_see_what_happens_below_them_and_nothing_of_others(book):
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), staff("sam", *EVERY, at="A1"))
    book.given(player("P1", "A1"), player("P2", "A1-1"), player("P3", "A2"))
    audience = audience_of(book.state, book.state.access.users["sam"])
    seen = {
        number: sees(audience, book.state.access, CreditAdjusted(number, 0, 1, "asked"))
        for number in ("P1", "P2", "P3")
    }
    assert seen == {"P1": True, "P2": True, "P3": False}
