"""Nodes: the house has one, a book a tree of agents; what is outside one's own part looks like what is not there."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import EVERY, agent, player, staff

from runline.domain.access import User
from runline.domain.messages import Rejected
from runline.domain.nodes import ROOT
from runline.domain.users import CreateUser

OWNER = User("owner", ROOT, "owner", "")
ELSEWHERE = User("lost", "A1", "owner", "")


def refusal(require, *asked):
    """The code of a refusal and its details; None where nothing is refused."""
    try:
        require(*asked)
    except Rejected as rejected:
        return rejected.code, rejected.details
    return None


# The house


@pytest.fixture
def only():
    return VOCABULARY.state_of("house").tree


def test_the_house_has_one_node(only):
    assert [only.known(node) for node in (ROOT, "A1", "")] == [True, False, False]
    assert (only.chain(ROOT), list(only.subtree(ROOT)), only.branch_of(ROOT)) == ([ROOT], [ROOT], "")
    assert [only.below(ROOT, ROOT), only.below(ROOT, "A1"), only.below("A1", ROOT)] == [True, True, False]
    assert only.below("A1", "A1")


def test_the_house_has_no_players_and_counts_no_room(only):
    only.take_room(ROOT, "users", 5)
    assert [only.held_in_branch(ROOT, what) for what in ("users", "sessions", "roles")] == [0, 0, 0]
    assert (only.number_of_players, only.node_of_player("P1")) == (0, None)


def test_the_house_closes_no_agents_and_players_and_only_its_staff_close_the_rest(only):
    for scope in ("agent", "player"):
        assert refusal(only.require_scope, OWNER, scope, "A1") == ("scope_invalid", {})
    for scope in ("all", "sport", "league", "fixture", "market"):
        assert refusal(only.require_scope, OWNER, scope, "") is None
        assert refusal(only.require_scope, ELSEWHERE, scope, "") == ("not_permitted", {})


# A book's tree


@pytest.fixture
def tree(book):
    """root over A1 (over A1-1) and A2, with a player each."""
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"))
    book.given(staff("ann", *EVERY, at="A1"))
    return book.state.tree


def test_who_stands_below_the_root_sees_of_what_is_not_theirs_and_of_what_is_not_there_the_same(tree, book):
    ann = book.state.access.users["ann"]
    assert [refusal(tree.require_node, ann, node) for node in ("A1", "A1-1")] == [None, None]
    for node in (ROOT, "A2", "nowhere", ""):
        assert refusal(tree.require_node, ann, node) == ("not_permitted", {})
    owner = book.state.access.users["owner"]
    assert [refusal(tree.require_node, owner, node) for node in (ROOT, "A1", "A2")] == [None, None, None]
    assert refusal(tree.require_node, owner, "nowhere") == ("unknown_agent", {"agent": "nowhere"})
    book.when(CreateUser("zoe", "A2", "viewer"), by="ann")
    book.rejected("not_permitted")


def test_what_is_below_whom(tree):
    above = {"A1": ["A1"], "A1-1": ["A1", "A1-1"], "A2": ["A2"], ROOT: []}
    for node, tops in above.items():
        assert [top for top in (ROOT, "A1", "A1-1", "A2") if tree.below(top, node)] == [ROOT, *tops]
    assert not tree.below("A1", "nowhere")
    assert not tree.below("A1", "")
    assert tree.below(ROOT, "nowhere")


def test_how_a_tree_is_walked(tree):
    assert list(tree.subtree(ROOT)) == [ROOT, "A1", "A1-1", "A2"]
    assert list(tree.subtree("A1")) == ["A1", "A1-1"]
    assert list(tree.subtree(ROOT, "A1-1")) == ["A1-1", "A2"]
    assert list(tree.subtree(ROOT, "A1")) == ["A1", "A1-1", "A2"]
    assert list(tree.subtree("A1", "A1-1")) == ["A1-1"]
    assert list(tree.subtree(ROOT, "A2")) == ["A2"]
    assert (tree.chain("A1-1"), tree.chain(ROOT)) == (["A1-1", "A1", ROOT], [ROOT])
    assert [tree.branch_of(node) for node in ("A1-1", "A1", "A2", ROOT)] == ["A1", "A1", "A2", ""]
    assert [tree.branch_of(node) for node in ("A1-1", "A1", "A2", ROOT)] == ["A1", "A1", "A2", ""]
    assert [tree.height(node) for node in (ROOT, "A1", "A1-1")] == [2, 1, 0]
    assert (tree.apart("A1-1", "A2"), tree.apart("A1", "A1-1"), tree.apart("A1", "A1")) == (
        ("A1-1", "A1", "A2"),
        ("A1-1",),
        (),
    )


def test_where_players_stand(tree):
    assert [tree.node_of_player(number) for number in ("P1", "P2", "P3")] == ["A1-1", "A2", None]
    assert tree.above_player("P1") == ("A1-1", "A1", ROOT)
    assert tree.above_player("P3") == ()
    assert [list(tree.players_of(node)) for node in ("A1", "A1-1", "A2")] == [[], ["P1"], ["P2"]]
    assert tree.number_of_players == 2


def test_what_is_held_in_a_branch(tree):
    held = {
        branch: [tree.held_in_branch(branch, what) for what in ("agents", "players", "users", "roles", "sessions")]
        for branch in ("A1", "A1-1", "A2")
    }
    assert held == {"A1": [2, 1, 1, 0, 0], "A1-1": [2, 1, 1, 0, 0], "A2": [1, 1, 0, 0, 0]}


def test_who_may_close_whom(tree, book):
    ann, owner = book.state.access.users["ann"], book.state.access.users["owner"]
    assert refusal(tree.require_scope, ann, "agent", "A1-1") is None
    assert refusal(tree.require_scope, ann, "agent", "A2") == ("not_permitted", {})
    assert refusal(tree.require_scope, owner, "agent", "nowhere") == ("unknown_agent", {"agent": "nowhere"})
    assert refusal(tree.require_scope, ann, "player", "P1") is None
    assert refusal(tree.require_scope, ann, "player", "P2") == ("not_permitted", {})
    assert refusal(tree.require_scope, owner, "player", "P3") == ("unknown_player", {"player": "P3"})
    assert refusal(tree.require_scope, owner, "league", "MLB") is None
    assert refusal(tree.require_scope, ann, "league", "MLB") == ("not_permitted", {})


def test_on_whom_somebody_may_act(tree, book):
    users = book.state.access.users
    assert tree.player_within(users["ann"], "P1") is tree.players["P1"]
    assert tree.player_within(users["P1"], "P1") is tree.players["P1"]
    for who, number in (("ann", "P2"), ("ann", "P3"), ("P1", "P2"), ("P1", "P3"), ("P2", "P1")):
        assert refusal(tree.player_within, users[who], number) == ("not_permitted", {})
    assert refusal(tree.player_within, users["owner"], "P3") == ("unknown_player", {"player": "P3"})
