"""Hierarchy: a tree that stores parents only. Authority follows the tree as it is."""

from dataclasses import astuple

import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import agent, board, game, player, role, staff, wager

from runline.domain.accounts import AdjustCredit, CreditAdjusted, EnterTransaction, SetPlayerLimits
from runline.domain.bounds import AGENT_DEPTH_MAX, AGENTS_MAX, CREDIT_MINOR_MAX
from runline.domain.hierarchy import AgentCreated, CreateAgent, CreatePlayer, Extent, PlayerCreated
from runline.domain.messages import GATEWAY
from runline.domain.moving import AgentMoved, MoveAgent, MovePlayer, PlayerMoved
from runline.domain.nodes import ROOT
from runline.domain.passwords import SetPassword
from runline.domain.permissions import Permission
from runline.domain.preview import moves
from runline.domain.sessions import MINUTE_NS, SignIn, SignOut
from runline.domain.tickets import VoidWager
from runline.domain.users import CreateUser
from runline.simulate.laws import agents_have_the_sums_of_their_subtrees

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
PLAYERS_HOLD = (Permission.BOARD_VIEW, Permission.WAGER_PLACE)


def same_after_a_restart(book):
    """Who stands where, and what there is of whom, is derived alike."""
    derived, state = book.recovered(), book.state
    for part, name in (("tree", "players_at"), ("access", "users_at"), ("sessions", "at_node")):
        kept = [
            {key: list(found) for key, found in getattr(getattr(one, part), name).items()} for one in (derived, state)
        ]
        assert kept[0] == kept[1], name
    assert derived.tree.extents == state.tree.extents
    assert derived.tickets.open_of == state.tickets.open_of
    sums = [
        {name: one for name, one in each.risk.sums.items() if one.players or one.stands} for each in (derived, state)
    ]
    assert sums[0] == sums[1]


def chain(length, prefix="D"):
    """Agents, each below the one before."""
    names = [f"{prefix}{depth}" for depth in range(1, length + 1)]
    return [CreateAgent(name, parent) for name, parent in zip(names, [ROOT, *names], strict=False)]


def test_a_new_agent_stands_below_its_parent(book):
    book.when(CreateAgent("A1", ROOT))
    book.happened(AgentCreated, agent="A1", parent=ROOT)


def test_a_parent_must_be_known(book):
    book.when(CreateAgent("A1", "A9"))
    book.rejected("unknown_agent", agent="A9")
    book.when(CreatePlayer("P1", "A9", 0))
    book.rejected("unknown_agent", agent="A9")


def test_an_agents_id_is_given_once(book):
    book.given(agent("A1"), agent("A2"), staff("ann", Permission.AGENT_CREATE, at="A2"))
    book.when(CreateAgent("A1", ROOT))
    book.nothing_happened()
    book.when(CreateAgent("A1", "A2"))
    book.rejected("already_exists", differs={"parent": ROOT})
    book.when(CreateAgent("A1", "A2"), by="ann")
    book.rejected("already_exists")
    assert "differs" not in book.refusal.details, "what is foreign is not told"
    book.when(CreateAgent(ROOT, ROOT))
    book.rejected("already_exists")


def test_a_player_is_opened_once_and_what_differs_is_told_to_who_may_see_it(book):
    book.given(agent("A1"), player("P1", "A1", 500_00), staff("clerk", Permission.PLAYER_CREATE))
    book.when(CreatePlayer("P1", "A1", 500_00))
    book.nothing_happened()
    book.when(CreatePlayer("P1", ROOT, 900_00))
    book.rejected("already_exists", differs={"agent": "A1", "credit_limit_minor": 500_00})
    book.when(CreatePlayer("P1", ROOT, 0), by="clerk")
    book.rejected("already_exists")
    assert "differs" not in book.refusal.details
    book.given(SetPlayerLimits("P1", None, None, False, "gone"))
    book.when(CreatePlayer("P1", "A1", 500_00))
    book.rejected("already_exists", differs={"active": False})


def test_what_stands_already_in_ones_own_part_of_the_tree_changes_nothing_and_what_differs_is_told(book):
    may = (Permission.AGENT_CREATE, Permission.PLAYER_CREATE, Permission.FIGURES_VIEW, *PLAYERS_HOLD)
    book.given(agent("A1"), agent("A1-1", "A1"), player("P1", "A1-1", 0), staff("sam", *may, at="A1"))
    for command in (CreateAgent("A1-1", "A1"), CreatePlayer("P1", "A1-1", 0)):
        book.when(command, by="sam")
        book.nothing_happened()
    book.when(CreateAgent("A1-1", "A1-1"), by="sam")
    book.rejected("already_exists", differs={"parent": "A1"})
    book.when(CreatePlayer("P1", "A1", 0), by="sam")
    book.rejected("already_exists", differs={"agent": "A1-1"})


def test_a_player_that_there_is_not_is_named_at_the_root_only(book):
    book.given(agent("A1"), player("P1", "A1"), staff("sam", Permission.CREDIT_CHANGE, at="A1"))
    book.when(AdjustCredit("P9", 90_000, "asked"))
    book.rejected("unknown_player", player="P9")
    book.when(AdjustCredit("P9", 90_000, "asked"), by="sam")
    book.rejected("not_permitted")
    assert book.refusal.details == {}


def test_the_tree_is_so_deep_and_no_deeper(book):
    book.given(chain(AGENT_DEPTH_MAX))
    book.when(CreateAgent("too-deep", f"D{AGENT_DEPTH_MAX}"))
    book.rejected("too_deep", most=AGENT_DEPTH_MAX)


def test_the_tree_is_so_large_and_no_larger(book, monkeypatch):
    monkeypatch.setattr("runline.domain.hierarchy.AGENTS_MAX", 2)
    book.given(agent("A1"))
    book.when(CreateAgent("A2", ROOT))
    book.rejected("too_many")
    assert AGENTS_MAX >= 10_000


@pytest.mark.parametrize("credit", [-1, CREDIT_MINOR_MAX + 1, 2**63, 2**200, 1.5, True])
def test_a_players_credit_is_a_whole_number_within_its_bounds(book, credit):
    book.when(CreatePlayer("P1", ROOT, credit))
    book.rejected("amount_invalid", most=CREDIT_MINOR_MAX)


def test_a_new_player_is_a_user_of_their_own_account(book):
    book.given(agent("A1"))
    book.when(CreatePlayer("P1", "A1", 500_00))
    book.happened(PlayerCreated, player="P1", agent="A1", credit_limit_minor=500_00)
    assert book.state.access.users["P1"].player == "P1"


# Moving


def test_a_moved_subtree_is_one_event_and_one_row(book):
    book.given(agent("A1"), agent("A2"), agent("A1-1", "A1"), player("P1", "A1-1"))
    seq = book.state.seq
    book.when(MoveAgent("A1", "A2", "sold"))
    book.happened(AgentMoved, agent="A1", before=ROOT, after="A2")
    assert book.state.seq == seq + 1
    assert [row.name for row in book.stored(type(book.state.tree.agents[ROOT])) if row.changed_seq == seq + 1] == ["A1"]


def test_authority_follows_a_moved_subtree(book):
    book.given(agent("A1"), agent("A2"), agent("A1-1", "A1"), player("P1", "A1-1"))
    book.given(staff("one", Permission.CREDIT_CHANGE, at="A1"), staff("two", Permission.CREDIT_CHANGE, at="A2"))
    raise_credit = AdjustCredit("P1", 90_000, "asked")
    book.when(raise_credit, by="two")
    book.rejected("not_permitted")
    book.given(MoveAgent("A1-1", "A2", "sold"))
    book.when(raise_credit, by="one")
    book.rejected("not_permitted")
    book.when(raise_credit, by="two")
    book.happened(CreditAdjusted)


def test_the_sums_of_agents_follow_a_moved_subtree(book):
    book.given(game("G1"), board("G1"), agent("A1"), agent("A2"), agent("A1-1", "A1"), player("P1", "A1-1"))
    book.given(wager("P1", 10_00), EnterTransaction("P1", "receipt", 7_00, "cash"))
    book.given(MoveAgent("A1-1", "A2", "sold"))
    sums = book.state.risk.sums
    assert astuple(sums["A1"]) == (0, 0, 0, {}, 0)
    assert [sums[name].players for name in ("A1", "A2", ROOT)] == [0, 1, 1]
    assert sums["A2"] == sums[ROOT]
    assert astuple(sums["A2"])[:3] == (10_00, 1, 7_00)
    (market,) = book.state.risk.stands("A2")
    assert book.state.risk.exposure(market, "A2") == book.state.risk.exposure(market)
    assert set(book.state.risk.exposure(market, "A1").sides.values()) == {0}
    book.given(wager("P1", 5_00))
    assert astuple(sums["A2"])[:3] == (15_00, 2, 7_00)
    agents_have_the_sums_of_their_subtrees(book.state)


def test_a_preview_of_a_move_names_whose_roles_it_ends(book):
    book.given(agent("A1"), agent("A2"), agent("X", "A1"), agent("Y", "X"))
    book.given(role("of-A1", at="A1"), role("of-X", at="X"), role("of-all"))
    for user, node, has in (
        ("ann", "X", "of-A1"), ("bob", "Y", "of-A1"), ("cleo", "Y", "of-X"), ("dan", "X", "of-all"), ("eve", "A1", "of-A1"),
    ):  # fmt: skip
        book.given(CreateUser(user, node, has))
    moved = AgentMoved("X", "A1", "A2", "sold")
    assert moves(book.state, [moved]).roles_ended == {"ann": "of-A1", "bob": "of-A1"}
    assert moves(book.state, [AgentMoved("Y", "X", "A1", "up")]).roles_ended == {"cleo": "of-X"}
    book.given(MoveAgent("X", "A2", "sold"))
    assert [user for user in ("ann", "bob", "cleo", "dan", "eve") if not counts(book, user)] == ["ann", "bob"]


def counts(book, user):
    known = book.state.access.users[user]
    return book.state.access.counts(book.state.access.roles[known.role], known.node)


def test_an_agent_never_stands_below_itself(book):
    book.given(chain(3))
    for parent in ("D1", "D2", "D3"):
        book.when(MoveAgent("D1", parent, "knot"))
        book.rejected("not_a_tree")


def test_a_move_makes_the_tree_no_deeper_than_it_may_be(book):
    book.given(chain(AGENT_DEPTH_MAX - 2), chain(3, "E"))
    book.when(MoveAgent("E1", f"D{AGENT_DEPTH_MAX - 3}", "fits"))
    book.happened(AgentMoved)
    book.when(MoveAgent("E1", f"D{AGENT_DEPTH_MAX - 2}", "one too many"))
    book.rejected("too_deep", most=AGENT_DEPTH_MAX)


def test_a_height_is_found_whatever_the_order_of_the_agents(book):
    book.given(
        agent("Z"), agent("A"), agent("M"), MoveAgent("A", "M", "given"), MoveAgent("M", "Z", "given"), agent("A1", "A")
    )
    recovered = book.recovered().tree
    heights = {name: recovered.height(name) for name in book.state.tree.agents}
    assert {recovered.branch_of(name) for name in ("Z", "M", "A", "A1")} == {"Z"}
    assert heights == {ROOT: 4, "Z": 3, "M": 2, "A": 1, "A1": 0}
    assert heights == {name: book.state.tree.height(name) for name in book.state.tree.agents}


def test_a_preview_looks_at_so_many_of_the_users_whose_roles_a_move_may_end_and_no_more(book, monkeypatch):
    book.given(agent("A1"), agent("A2"), agent("X", "A1"), role("of-A1", at="A1"), CreateUser("ann", "X", "of-A1"))
    for number in range(8):
        book.given(agent(f"Y{number}", "X"), CreateUser(f"user{number}", f"Y{number}", "of-A1"))
    moved = AgentMoved("X", "A1", "A2", "sold")
    assert len(moves(book.state, [moved]).roles_ended) == 9
    monkeypatch.setattr("runline.domain.preview.ROLES_ENDED_MAX", 4)
    assert len(moves(book.state, [moved]).roles_ended) == 4
    monkeypatch.setattr("runline.domain.preview.ROLES_ENDED_LOOKED_MAX", 3)
    assert len(moves(book.state, [moved]).roles_ended) == 3


def test_nobody_moves_the_node_they_stand_at(book):
    book.given(agent("A1"), agent("A1-1", "A1"), staff("one", Permission.AGENT_MOVE, at="A1"))
    book.when(MoveAgent("A1", "A1-1", "up"), by="one")
    book.rejected("not_permitted")
    book.when(MoveAgent(ROOT, "A1", "up"))
    book.rejected("not_permitted")


def test_both_ends_of_a_move_lie_in_the_movers_subtree(book):
    book.given(agent("A1"), agent("A2"), agent("A1-1", "A1"), agent("A1-2", "A1"))
    book.given(staff("one", Permission.AGENT_MOVE, at="A1"))
    for command in (MoveAgent("A1-1", "A2", "given"), MoveAgent("A2", "A1", "given"), MoveAgent("A1-1", ROOT, "given")):
        book.when(command, by="one")
        book.rejected("not_permitted")
    book.when(MoveAgent("A1-1", "A1-2", "given"), by="one")
    book.happened(AgentMoved)


def test_moving_to_where_it_stands_changes_nothing(book):
    book.given(agent("A1"))
    book.when(MoveAgent("A1", ROOT, "given"))
    book.nothing_happened()


def test_both_ends_of_a_move_are_its_ground(book):
    book.given(agent("A1"), agent("A2"), agent("A3"))
    seen = book.state.seq
    book.given(MoveAgent("A2", "A3", "given"))
    book.when(MoveAgent("A1", "A3", "given"), if_position=seen)
    book.happened(AgentMoved)
    book.when(MoveAgent("A3", "A2", "given"), if_position=seen)
    book.rejected("position_moved")


# Moving a player


def test_a_player_is_moved_with_all_that_stands_and_authority_follows(book):
    book.given(
        game("G1"), board("G1"), agent("A1"), agent("A2"), agent("A2-1", "A2"), player("P1", "A1"), player("P2", "A1")
    )
    book.given(staff("one", Permission.CREDIT_CHANGE, at="A1"), staff("two", Permission.CREDIT_CHANGE, at="A2"))
    book.given(wager("P1", 10_00), wager("P1", 4_00, side="home", price="-130"))
    book.given(wager("P2", 3_00), EnterTransaction("P1", "receipt", 7_00, "cash"))
    exposure = {market: book.state.risk.exposure(market) for market in book.state.risk.markets(ROOT)}
    book.when(MovePlayer("P1", "A2-1", "sold"))
    book.happened(PlayerMoved, player="P1", before="A1", after="A2-1", reason="sold")
    assert (book.state.tree.players["P1"].agent, book.state.access.users["P1"].node) == ("A2-1", "A2-1")
    sums = book.state.risk.sums
    assert [(sums[name].pending_minor, sums[name].players) for name in ("A1", "A2-1", "A2", ROOT)] == [
        (3_00, 1), (14_00, 1), (14_00, 1), (17_00, 2)
    ]  # fmt: skip
    assert [sums[name].balance_minor for name in ("A1", "A2", ROOT)] == [0, 7_00, 7_00]
    assert {market: book.state.risk.exposure(market) for market in book.state.risk.markets(ROOT)} == exposure
    (market,) = exposure
    assert list(book.state.risk.markets("A1")) == list(book.state.risk.markets("A2")) == [market]
    assert [len(book.state.risk.stands(name)[market]) for name in ("A1", "A2", ROOT)] == [1, 2, 2]
    raise_credit = AdjustCredit("P1", 90_000, "asked")
    book.when(raise_credit, by="one")
    book.rejected("not_permitted")
    book.when(raise_credit, by="two")
    book.happened(CreditAdjusted)
    agents_have_the_sums_of_their_subtrees(book.state)
    # What is placed and closed afterwards counts there, too.
    book.given(wager("P1", 1_00), VoidWager(min(book.state.tickets.open_of["P1"]), "slip"))
    assert [sums[name].pending_minor for name in ("A1", "A2", ROOT)] == [3_00, 5_00, 8_00]
    agents_have_the_sums_of_their_subtrees(book.state)
    same_after_a_restart(book)


def test_a_moved_player_takes_the_sessions_along_and_leaves_no_room_taken(book):
    book.given(agent("A1"), agent("A2"), player("P1", "A1"), SetPassword("P1", HASH))
    known = book.state.credentials.by_user["P1"].password_seq
    for name in ("s1", "s2"):
        book.when(SignIn("P1", name, "screen", known, 30 * MINUTE_NS, 12 * HOUR_NS, "device"), by=GATEWAY)
    book.given(MovePlayer("P1", "A2", "sold"))
    held = {name: extent.held for name, extent in book.state.tree.extents.items()}
    assert held["A1"] == {}
    assert held["A2"] == {"players": 1, "sessions": 2}
    assert list(book.state.sessions.standing_at("A2")) == [("P1", "s1"), ("P1", "s2")]
    assert list(book.state.sessions.standing_at("A1")) == []
    same_after_a_restart(book)
    book.when(SignOut("s1"), by=GATEWAY)
    assert book.state.tree.extents["A2"].held == {"players": 1, "sessions": 1}


def test_both_places_of_a_player_who_is_moved_lie_in_the_movers_subtree(book):
    book.given(agent("A1"), agent("A2"), agent("A1-1", "A1"), player("P1", "A1"), player("P2", "A2"))
    book.given(staff("one", Permission.AGENT_MOVE, at="A1"), staff("two", Permission.PLAYER_CREATE, at="A1"))
    for command in (
        MovePlayer("P1", "A2", "given"),
        MovePlayer("P2", "A1", "given"),
        MovePlayer("P9", "A1", "given"),
        MovePlayer("P1", ROOT, "given"),
        MovePlayer("P1", "A9", "given"),
    ):
        book.when(command, by="one")
        book.rejected("not_permitted")
    for by in ("two", "P1"):
        book.when(MovePlayer("P1", "A1-1", "given"), by=by)
        book.rejected("not_permitted")
    book.when(MovePlayer("P1", "A1-1", "given"), by="one")
    book.happened(PlayerMoved)
    for command, code in (
        (MovePlayer("P9", "A1", "x"), "unknown_player"),
        (MovePlayer("P1", "A9", "x"), "unknown_agent"),
    ):
        book.when(command)
        book.rejected(code)
    book.when(MovePlayer("P1", "A1-1", "given"))
    book.nothing_happened()


def test_no_more_open_wagers_are_moved_at_once_than_there_is_time_for(book, monkeypatch):
    monkeypatch.setattr("runline.domain.moving.MOVED_WAGERS_MAX", 2)
    book.given(game("G1"), board("G1"), agent("A1"), player("P1", ROOT), wager("P1", 1_00), wager("P1", 1_00))
    book.given(wager("P1", 1_00))
    book.when(MovePlayer("P1", "A1", "sold"))
    book.rejected("too_many", most=2)
    book.given(VoidWager(book.state.seq, "slip"))
    book.when(MovePlayer("P1", "A1", "sold"))
    book.happened(PlayerMoved)


def test_the_places_of_a_moved_player_are_the_ground_and_not_what_they_wager(book):
    book.given(game("G1"), board("G1"), agent("A1"), agent("A2"), player("P1", "A1"))
    seen = book.state.seq
    book.given(wager("P1", 1_00))
    book.when(MovePlayer("P1", "A2", "given"), if_position=seen)
    book.happened(PlayerMoved)
    book.when(MovePlayer("P1", "A1", "given"), if_position=seen)
    book.rejected("position_moved")


# Opening accounts


def test_a_player_begins_with_no_credit_or_with_the_most_that_there_is(book):
    for number, credit in (("P0", 0), ("P1", CREDIT_MINOR_MAX)):
        book.when(CreatePlayer(number, ROOT, credit))
        book.happened(PlayerCreated, credit_limit_minor=credit)


def test_who_opens_accounts_gives_no_credit_unless_they_may_change_it(book):
    book.given(agent("A1"), staff("clerk", Permission.PLAYER_CREATE, *PLAYERS_HOLD, at="A1"))
    book.when(CreatePlayer("P1", "A1", 1), by="clerk")
    book.rejected("not_permitted", permission="credit_change")
    book.when(CreatePlayer("P1", "A1", 0), by="clerk")
    book.happened(PlayerCreated)
    book.given(role("role-of-clerk", Permission.PLAYER_CREATE, Permission.CREDIT_CHANGE, *PLAYERS_HOLD))
    book.when(CreatePlayer("P2", "A1", 1), by="clerk")
    book.happened(PlayerCreated)


def test_who_opens_accounts_holds_what_players_hold(book):
    book.given(staff("clerk", Permission.PLAYER_CREATE))
    book.when(CreatePlayer("P1", ROOT, 0), by="clerk")
    book.rejected("not_permitted", permission="board_view")


def test_an_account_is_opened_in_ones_own_part_of_the_tree(book):
    may = (Permission.PLAYER_CREATE, Permission.FIGURES_VIEW, *PLAYERS_HOLD)
    book.given(agent("A1"), agent("A2"), player("P2", "A2"), staff("clerk", *may, at="A1"))
    for command in (CreatePlayer("P1", "A2", 0), CreatePlayer("P1", "nowhere", 0)):
        book.when(command, by="clerk")
        book.rejected("not_permitted")
    book.when(CreatePlayer("P2", "A1", 0), by="clerk")
    book.rejected("already_exists")
    assert book.refusal.details == {}


def test_what_is_no_id_is_called_what_it_would_be_the_id_of(book):
    for command, what in ((CreateAgent("no id", ROOT), "agent"), (CreatePlayer("no id", ROOT, 0), "player")):
        book.when(command)
        book.rejected("identifier_invalid")
        assert str(book.refusal).startswith(f"A {what} id ")


def test_the_players_of_one_branch_leave_as_many_free_as_they_are(book, monkeypatch):
    monkeypatch.setattr("runline.domain.hierarchy.PLAYERS_MAX", 8)
    book.given(agent("A1"), staff("clerk", Permission.PLAYER_CREATE, *PLAYERS_HOLD, at="A1"))
    for number in range(4):
        book.when(CreatePlayer(f"P{number}", "A1", 0), by="clerk")
        book.happened(PlayerCreated)
    book.when(CreatePlayer("P4", "A1", 0), by="clerk")
    book.rejected("too_many", most=4)


# How much a subtree holds


def test_a_subtree_is_counted_level_by_level_and_by_what_stands_in_it():
    extent = Extent()
    assert (extent.levels, extent.held) == ([], {})
    extent.add_agents(0, 1)
    extent.add_agents(2, 3)
    extent.add_held("players", 2)
    extent.add_held("roles", 1)
    assert (extent.levels, extent.held) == ([1, 0, 3], {"players": 2, "roles": 1})
    other = Extent([1, 2], {"players": 5})
    extent.add(other, 1, 2)
    assert (extent.levels, extent.held) == ([1, 0, 4, 2], {"players": 7, "roles": 1})
    extent.add(other, -1, 2)
    assert (extent.levels, extent.held) == ([1, 0, 3], {"players": 2, "roles": 1})
    extent.add_agents(2, -3)
    extent.add_held("roles", -1)
    extent.add_held("users", 0)
    assert (extent.levels, extent.held) == ([1], {"players": 2})
    extent.add_agents(0, -1)
    assert extent.levels == []
