"""Audience: who sees which event: what their role's permissions show, and what concerns their own subtree or account."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import EVERY, agent, player, role, staff

from runline.domain.accounts import CreditAdjusted
from runline.domain.audience import (
    EVERYONE,
    Audience,
    audience_at,
    audience_of,
    concerns,
    left,
    reader_of,
    sees,
    subject_field,
)
from runline.domain.fixtures import FixtureClosed
from runline.domain.hierarchy import AgentCreated
from runline.domain.messages import GATEWAY, Rejected
from runline.domain.moving import AgentMoved, MoveAgent, MovePlayer, PlayerMoved
from runline.domain.nodes import ROOT
from runline.domain.passwords import SetPassword
from runline.domain.permissions import Permission
from runline.domain.roles import RoleSet
from runline.domain.sessions import SignIn
from runline.domain.settings import LimitsSet
from runline.domain.suspension import Suspended
from runline.domain.users import RevokeUser, UserRevoked

ALL = frozenset(permission.value for permission in Permission)
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"

CREDIT = CreditAdjusted("P1", 1, 2, "given")
GAME = FixtureClosed("G1", NOON_NS)
LIMITS = LimitsSet((1, 1, 1), (2, 2, 2), "given")


def suspended(scope, subject):
    return Suspended(scope, subject, ROOT, "given")


@pytest.fixture
def places(book):
    """root over A1 (over A1-1) and A2, a player at A1-1 and one at A2, staff at A1 and a role kept there."""
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"))
    book.given(staff("ann", *EVERY, at="A1"), role("clerk", at="A1"))
    return book


def test_whom_an_event_concerns_is_said_by_one_of_its_fields():
    said = [subject_field(kind) for kind in (Suspended, UserRevoked, CreditAdjusted, AgentCreated, RoleSet, LimitsSet)]
    assert said == ["scope", "user", "player", "agent", "node", ""]


@pytest.mark.parametrize(
    ("event", "whom"),
    [
        (CREDIT, ("A1-1", "P1")),
        (CreditAdjusted("P9", 1, 2, "given"), (ROOT, "P9")),
        (UserRevoked("ann", ROOT, "owner", "given"), ("A1", "")),
        (UserRevoked("zoe", ROOT, "owner", "given"), (ROOT, "")),
        (AgentCreated("A1-1", "A1"), ("A1-1", "")),
        (RoleSet("clerk", "A2", (), (), "", "", "given"), ("A2", "")),
        (GAME, (EVERYONE, "")),
        (LIMITS, (ROOT, "")),
        (suspended("player", "P1"), ("A1-1", "P1")),
        (suspended("player", "P9"), (ROOT, "P9")),
        (suspended("agent", "A2"), ("A2", "")),
        (suspended("market", "G1:game:total"), (EVERYONE, "")),
        (suspended("all", ""), (EVERYONE, "")),
    ],
    ids=str,
)
def test_an_event_concerns_a_subtree_or_a_player_or_everyone(places, event, whom):
    assert concerns(places.state.access, event) == whom


def seen(places, audience, *events):
    """Which of the events somebody sees."""
    return [sees(audience, places.state.access, event) for event in events]


def test_staff_see_of_their_subtree_what_their_role_shows(places):
    events = (CREDIT, CreditAdjusted("P2", 1, 2, "given"), GAME, LIMITS)
    assert seen(places, Audience(ROOT, "", ALL), *events) == [True, True, True, True]
    assert seen(places, Audience("A1", "", ALL), *events) == [True, False, True, False]
    assert seen(places, Audience("A2", "", ALL), *events) == [False, True, True, False]
    board = frozenset((Permission.BOARD_VIEW.value,))
    assert seen(places, Audience(ROOT, "", board), *events) == [False, False, True, False]
    assert seen(places, Audience("A1", "", frozenset()), *events) == [False, False, False, False]


def test_who_loses_somebody_sees_that_they_are_gone_and_nothing_after(places):
    gone, whole = PlayerMoved("P1", "A1-1", "A2", "sold"), AgentMoved("A1-1", "A1", "A2", "sold")
    assert [left(event) for event in (gone, whole, CREDIT)] == ["A1-1", "A1", ""]
    places.given(MovePlayer("P1", "A2", "sold"))
    for node, sees_both in (("A1", True), ("A1-1", True), ("A2", False), (ROOT, True)):
        assert seen(places, Audience(node, "", ALL), gone)[0], node
        assert seen(places, Audience(node, "", ALL), whole)[0] == sees_both, node
    assert seen(places, Audience("A1", "", ALL), CREDIT) == [False]
    # Who is told of no figures is not told of this.
    assert seen(places, Audience("A1", "", frozenset((Permission.LOG_VIEW.value,))), gone) == [False]
    places.given(MoveAgent("A1-1", "A2", "sold"))
    assert seen(places, Audience("A1", "", ALL), gone, whole) == [False, True]
    assert seen(places, Audience("A2", "", ALL), gone, whole) == [True, True]


def test_what_names_a_node_that_was_left_has_such_a_field():
    for kind in VOCABULARY.events.values():
        assert not kind.leaves or kind.leaves in kind.__struct_fields__


def test_a_player_sees_their_own_account_and_of_the_board_what_their_role_shows(places):
    events = (CREDIT, CreditAdjusted("P2", 1, 2, "given"), GAME, LIMITS, suspended("player", "P1"))
    board = frozenset((Permission.BOARD_VIEW.value,))
    assert seen(places, Audience("A1-1", "P1", board), *events) == [True, False, True, False, True]
    assert seen(places, Audience("A1-1", "P1", frozenset()), *events) == [True, False, False, False, True]


def test_whom_an_event_concerns_may_be_known_before(places):
    access, ann = places.state.access, Audience("A1", "", ALL)
    assert sees(ann, access, CREDIT, ("A2", "")) is False
    assert sees(ann, access, LIMITS, ("A1-1", "")) is True
    assert sees(ann, access, LIMITS, (EVERYONE, "")) is True
    board = frozenset((Permission.BOARD_VIEW.value,))
    assert sees(Audience("A1-1", "P1", board), access, LIMITS, ("A2", "P1")) is True
    assert sees(Audience("A1-1", "P1", board), access, CREDIT, ("A2", "P2")) is False


def test_an_audience_is_where_somebody_stands_and_what_they_hold(places):
    state = places.state
    ann = audience_of(state, state.access.users["ann"])
    assert ann == Audience("A1", "", frozenset(permission.value for permission in EVERY))
    assert (ann.may(Permission.SUSPEND), ann.may(Permission.BOOK_OPEN)) == (True, False)
    one = audience_of(state, state.access.users["P1"])
    assert one == Audience("A1-1", "P1", frozenset(("board_view", "wager_place")))


def refusal(*asked):
    with pytest.raises(Rejected) as refused:
        audience_at(*asked)
    return refused.value.code, refused.value.details


def test_somebody_may_look_at_a_node_of_their_subtree_only(places):
    state, users = places.state, places.state.access.users
    ann, one = audience_of(state, users["ann"]), audience_of(state, users["P1"])
    assert audience_at(state, users["ann"], "") == audience_at(state, users["ann"], "A1") == ann
    assert audience_at(state, users["ann"], "A1-1") == Audience("A1-1", "", ann.permissions)
    assert refusal(state, users["ann"], "A2") == refusal(state, users["ann"], "nowhere") == ("not_permitted", {})
    assert refusal(state, users["owner"], "nowhere") == ("unknown_agent", {"agent": "nowhere"})
    assert audience_at(state, users["P1"], "A1-1") == audience_at(state, users["P1"], "") == one
    assert refusal(state, users["P1"], "A1") == refusal(state, users["P1"], "A2") == ("not_permitted", {})


def test_who_asks_in_a_session_that_goes_on_is_a_user_who_may_act(places):
    state = places.state
    places.given(SetPassword("ann", HASH))
    places.when(SignIn("ann", "s1", "screen", state.seq, HOUR_NS, HOUR_NS, ""), by=GATEWAY)
    assert reader_of(state, "ann", "s1", NOON_NS) is state.access.users["ann"]

    def refused(name, session, now_ns=NOON_NS):
        with pytest.raises(Rejected) as rejected:
            reader_of(state, name, session, now_ns)
        return rejected.value.code, rejected.value.details

    assert refused("ann", "s2") == refused("owner", "s1") == ("signed_out", {})
    assert refused("ann", "s1", NOON_NS + HOUR_NS) == ("signed_out", {})
    assert refused("zoe", "s1") == ("not_permitted", {})
    places.given(RevokeUser("ann", "given"))
    assert refused("ann", "s1") == ("not_permitted", {})
