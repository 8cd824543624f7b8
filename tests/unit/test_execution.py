"""Execution: one order in which a command is judged, one way in which an event is folded, whoever does it."""

import pytest
from tests.doubles.deeds import season
from tests.doubles.stage import HOUR_NS, NOON_NS, ZONES
from tests.doubles.words import agent, player, staff

from runline.domain.accounts import AdjustCredit, CreditAdjusted
from runline.domain.book import Book, StartBook
from runline.domain.bounds import STEP_NS_MAX
from runline.domain.context import Context
from runline.domain.execution import Seen, fold, follow, heed, hides, judge, needs, time_of
from runline.domain.house import FoundHouse, House, OpenBook
from runline.domain.messages import ENGINE, GATEWAY, Rejected
from runline.domain.passwords import SetPassword
from runline.domain.permissions import Permission
from runline.domain.sessions import LIMITS, SignIn, SignOut
from runline.domain.state import ByKey
from runline.domain.suspension import Suspend, Suspended
from runline.domain.tickets import Ticket, VoidWager
from runline.domain.users import RevokeUser
from runline.engine.envelope import content_digest
from runline.engine.ids import id_bytes, uuid7
from runline.engine.requests import Request
from runline.engine.window import Window
from runline.simulate import laws

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
RAISED = AdjustCredit("P1", 90_000, "asked")


@pytest.fixture
def signed_in(book):
    """A book in which ann may change credit and close games, and sits before a screen."""
    book.given(player("P1"), staff("ann", Permission.CREDIT_CHANGE, Permission.SUSPEND), SetPassword("ann", HASH))
    limits, seq = LIMITS["screen"], book.state.credentials.by_user["ann"].password_seq
    book.when(SignIn("ann", "s1", "screen", seq, limits.idle_ns, limits.whole_ns, "device"), by=GATEWAY)
    assert book.refusal is None
    return book


# The session


def test_a_command_in_a_session_that_goes_on_is_executed(signed_in):
    signed_in.when(RAISED, by="ann", session="s1")
    signed_in.happened(CreditAdjusted)


def test_a_command_in_a_session_that_has_ended_or_is_anothers_is_refused(signed_in):
    signed_in.when(RAISED, by="owner", session="s1")
    signed_in.rejected("signed_out")
    signed_in.when(SignOut("s1"), by=GATEWAY)
    signed_in.when(RAISED, by="ann", session="s1")
    signed_in.rejected("signed_out")


def test_a_screen_that_nobody_has_used_for_a_while_takes_what_is_urgent_only(signed_in):
    signed_in.time_is(NOON_NS + HOUR_NS)
    signed_in.when(RAISED, by="ann", session="s1")
    signed_in.rejected("password_needed")
    signed_in.when(Suspend("all", "", "storm"), by="ann", session="s1")
    signed_in.happened(Suspended)


def test_who_may_not_is_told_so_before_anything_about_their_session(signed_in):
    signed_in.given(RevokeUser("ann", "left"))
    signed_in.when(RAISED, by="ann", session="none")
    signed_in.rejected("not_permitted")


# The repeat


def said(book, actor="owner", command=RAISED, made_ns=NOON_NS):
    """A command with an id, judged beside what the stream remembers."""
    command_id = id_bytes(uuid7(made_ns, lambda size: bytes(size)))
    digest = content_digest(actor, command)
    request = Request(book.stream, "", actor, command)
    return lambda window: judge(book, request, NOON_NS, None, 0, (), window, command_id, digest)


def test_a_repeat_is_known_and_not_judged_again(signed_in):
    window = Window()
    assert [type(event) for event in said(signed_in.state)(window)] == [CreditAdjusted]
    seen = Seen(content_digest("owner", RAISED), 7, 1)
    window.remember(id_bytes(uuid7(NOON_NS, lambda size: bytes(size))), seen.digest, 7, 1, NOON_NS // 10**6)
    signed_in.given(RevokeUser("ann", "left"))
    assert said(signed_in.state)(window) == seen
    with pytest.raises(Rejected) as other:
        said(signed_in.state, command=AdjustCredit("P1", 1, "asked"))(window)
    assert other.value.code == "command_reused"


def test_an_id_that_cannot_be_known_any_more_is_stale_before_its_sender_is_looked_at(signed_in):
    with pytest.raises(Rejected) as old:
        said(signed_in.state, actor="nobody", made_ns=NOON_NS - 48 * HOUR_NS)(Window())
    assert old.value.code == "stale_command"


# The fold


def test_whoever_follows_the_log_of_a_season_comes_to_what_a_restart_would_rebuild():
    book = season(4, deeds=400)
    for stage, copy in ((book.house, House(book.state.vocabulary)), (book, Book("main", book.state.vocabulary))):
        for seq, at_ns, _, event in stage.log:
            assert needs(copy, event) == []
            follow(copy, event, seq, at_ns)
            assert [*copy.changed, *copy.dropped, *copy.timers.due] == []
        copy.timers.due = copy.timers.planned()
        assert laws.derived(copy) == laws.derived(stage.recovered())
        assert (copy.seq, copy.at_ns) == (stage.state.seq, stage.state.at_ns)


@pytest.mark.alone
def test_who_folds_an_event_has_its_rows_marked_with_its_position(signed_in):
    state = signed_in.state
    fold(state, CreditAdjusted("P1", 1_000_00, 90_000, "asked"), state.seq + 1, state.at_ns)
    assert list(state.changed.values()) == [state.tree.players["P1"]]
    assert state.tree.players["P1"].changed_seq == state.seq


# The time


def test_a_streams_time_stands_still_until_the_clock_has_caught_up_unless_it_was_a_wrong_clock():
    assert time_of(NOON_NS, NOON_NS) == NOON_NS
    assert time_of(NOON_NS + STEP_NS_MAX, NOON_NS) == NOON_NS + STEP_NS_MAX
    assert time_of(NOON_NS + STEP_NS_MAX + 1, NOON_NS) == NOON_NS


# The ground


def test_what_a_refusal_hides_from_those_below_the_root():
    hidden = ("not_permitted", "already_exists", "unknown_player", "amount_invalid", "channel_invalid")
    told = ("too_many", "past_cutoff", "position_moved", "invalid_amount", "not_permitted_here", "player_unknown")
    assert [hides(code) for code in hidden] == [True] * len(hidden)
    assert [hides(code) for code in told] == [False] * len(told)


@pytest.fixture
def ground(book):
    """A player of A1, whose credit has moved since; ann of A1 and bob of A2 may change credit. With the position before that."""
    book.given(agent("A1"), agent("A2"), player("P1", "A1"))
    book.given(staff("ann", Permission.CREDIT_CHANGE, at="A1"), staff("bob", Permission.CREDIT_CHANGE, at="A2"))
    seen = book.state.seq
    book.given(AdjustCredit("P1", 7, "given"))
    return book, seen


def test_a_command_is_refused_if_its_ground_has_moved_since_and_is_told_to_where(ground):
    book, seen = ground
    for who in ("owner", "ann"):
        book.when(RAISED, by=who, if_position=seen)
        book.rejected("position_moved", position=seen + 1)
    book.when(RAISED, by="ann", if_position=seen + 1)
    book.happened(CreditAdjusted)


def test_whoever_may_not_is_refused_for_that_and_hears_nothing_of_the_ground(ground):
    book, seen = ground
    for position in (seen, seen + 1):
        book.when(RAISED, by="bob", if_position=position)
        book.rejected("not_permitted")
        assert book.refusal.details == {}


def test_at_the_root_a_ground_that_has_moved_goes_before_what_else_is_wrong(ground):
    book, seen = ground
    book.when(AdjustCredit("P1", -1, "given"), if_position=seen)
    book.rejected("position_moved", position=seen + 1)
    book.when(AdjustCredit("P1", -1, "given"), if_position=seen, by="ann")
    book.rejected("amount_invalid")


@pytest.mark.alone
def test_a_command_without_a_ground_of_its_own_stands_on_all_that_happens(ground):
    book, seen = ground
    book.when(StartBook("owner", 1), by=ENGINE, if_position=seen + 1)
    book.nothing_happened()
    book.when(StartBook("owner", 1), by=ENGINE, if_position=seen)
    book.rejected("position_moved", position=seen + 1)


# What is kept in mind


def test_what_is_heeded_is_told_who_sent_it_when_and_where(house, monkeypatch):
    told = []
    monkeypatch.setattr(house.state.vocabulary, "heeded", {OpenBook: lambda *heard: told.append(heard)})
    sent = Request("house", "", "platform", OpenBook("main", "owner"), "s1")
    view = House(house.state.vocabulary)
    heed(house.state, sent, NOON_NS, view, 5)
    heed(house.state, Request("house", "", "platform", FoundHouse("platform")), NOON_NS, None, 5)
    platform = house.state.access.users["platform"]
    assert told == [(house.state, sent.command, Context(NOON_NS, platform, "s1", view, 5))]


def test_a_decision_knows_the_time_who_asks_in_which_session_and_the_house(signed_in, monkeypatch):
    told = []
    state, house = signed_in.state, signed_in.house.state

    def decide(*asked):
        told.append(asked)
        return ()

    monkeypatch.setattr(state.vocabulary, "deciders", {AdjustCredit: decide})
    sent = Request("main", "", "ann", RAISED, "s1")
    assert judge(state, sent, NOON_NS + 1, house, 5, (3, 4), zones=ZONES) == []
    context = Context(NOON_NS + 1, state.access.users["ann"], "s1", house, 5, (3, 4), ZONES)
    assert told == [(state, RAISED, context)]
    assert context.view() is house


# What is out of memory


def test_what_a_command_needs_says_who_declares_it_and_most_need_nothing(book, monkeypatch):
    wanted = {VoidWager: lambda *asked: (asked, ByKey(Ticket, 7))}
    monkeypatch.setattr(book.state.vocabulary, "wanted", wanted)
    command = VoidWager(7, "late")
    assert needs(book.state, command) == [(book.state, command), ByKey(Ticket, 7)]
    assert needs(book.state, RAISED) == []


def test_a_screen_takes_commands_until_the_moment_at_which_it_is_idle(signed_in):
    idle_ns = NOON_NS + LIMITS["screen"].idle_ns
    signed_in.clock_reads(idle_ns - 1)
    signed_in.when(RAISED, by="ann", session="s1")
    signed_in.happened(CreditAdjusted)
    signed_in.clock_reads(idle_ns)
    signed_in.when(AdjustCredit("P1", 1, "asked"), by="ann", session="s1")
    signed_in.rejected("password_needed")
