"""Sessions: a session is state of its stream, and whatever ends it bites at its event."""

from hashlib import sha256

import msgspec
import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import agent, player, staff

from runline.domain.bounds import SESSION_NS_MAX, SESSION_NS_MIN, SESSIONS_PER_USER_MAX, STEP_NS_MAX
from runline.domain.execution import fold
from runline.domain.hierarchy import CreatePlayer
from runline.domain.messages import ENGINE, GATEWAY, Rejected
from runline.domain.passwords import ChangePassword, FailSignIn, PasswordSet, SetPassword, SignInFailed
from runline.domain.permissions import Permission
from runline.domain.sessions import (
    LIMITS,
    MINUTE_NS,
    ConfirmSession,
    EndSession,
    ExpireSession,
    KeepSession,
    Session,
    SessionConfirmed,
    SessionEnded,
    SessionKept,
    SignedIn,
    SignIn,
    SignOut,
    over_ns,
    require_presence,
    require_session,
    used_ns,
)
from runline.domain.users import CreateUser, RestoreUser, RevokeUser
from runline.simulate import laws

SCREEN = (LIMITS["screen"].idle_ns, LIMITS["screen"].whole_ns)
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def credential_seq(book, user="ann"):
    return book.state.credentials.by_user[user].password_seq


def sign_in(book, session="s1", user="ann", kind="screen", device="device"):
    limits = LIMITS[kind]
    seq = credential_seq(book, user)
    book.when(SignIn(user, session, kind, seq, limits.idle_ns, limits.whole_ns, device), by=GATEWAY)


def signed_in(book, *sessions, user="ann"):
    for session in sessions:
        sign_in(book, session, user)
        book.happened(SignedIn)


def holds(book, session, user="ann", at_ns=None):
    try:
        require_session(
            book.state, session, book.state.access.users[user], book.state.at_ns if at_ns is None else at_ns
        )
    except Rejected as rejected:
        return {"signed_out": False}[rejected.code]
    return True


@pytest.fixture
def ann(book):
    """A book in which ann may manage roles and has a password."""
    book.given(staff("ann", Permission.ROLES_MANAGE), SetPassword("ann", HASH))
    return book


def test_whoever_gave_the_right_password_is_signed_in(ann):
    sign_in(ann)
    ann.happened(SignedIn, user="ann", session="s1", kind="screen")
    assert holds(ann, "s1")


def test_a_session_holds_for_its_own_user_only(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW))
    signed_in(ann, "s1")
    assert not holds(ann, "s1", "ben")
    assert not holds(ann, "s2")


def test_a_password_that_has_changed_since_it_was_checked_signs_nobody_in(ann):
    old = credential_seq(ann)
    ann.given(SetPassword("ann", HASH))
    ann.when(SignIn("ann", "s1", "screen", old, *SCREEN, ""), by=GATEWAY)
    ann.rejected("sign_in_failed")


def test_somebody_without_a_password_or_revoked_cannot_sign_in(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW))
    ann.when(SignIn("ben", "s1", "screen", 0, *SCREEN, ""), by=GATEWAY)
    ann.rejected("sign_in_failed")
    ann.given(RevokeUser("ann", "left"))
    sign_in(ann)
    ann.rejected("sign_in_failed")


def test_only_the_gateway_begins_and_ends_sessions_of_its_own_accord(ann):
    for command in (
        SignIn("ann", "s1", "screen", 1, *SCREEN, ""),
        FailSignIn("ann", 1),
        KeepSession("s1"),
        ConfirmSession("ann", "s1", 1),
        SignOut("s1"),
    ):
        for actor in ("owner", "ann", ENGINE):
            ann.when(command, by=actor)
            ann.rejected("not_permitted")


def test_nobody_is_called_like_the_engine_or_the_gateway(book):
    for name in (ENGINE, GATEWAY):
        book.when(CreateUser(name, "root", "viewer"))
        book.rejected("already_exists")


def test_a_password_checked_by_the_gateway_is_changed_by_the_gateway_alone(ann):
    for actor in ("owner", "ann", ENGINE):
        ann.when(ChangePassword("ann", HASH, credential_seq(ann), ""), by=actor)
        ann.rejected("not_permitted")


def test_only_the_engine_says_that_a_sessions_time_is_over(ann):
    signed_in(ann, "s1")
    for actor in ("owner", "ann", GATEWAY):
        ann.when(ExpireSession("s1"), by=actor)
        ann.rejected("not_permitted")


def test_no_player_is_called_like_the_engine_or_the_gateway(book):
    for name in (ENGINE, GATEWAY):
        book.when(CreatePlayer(name, "root", 0))
        book.rejected("already_exists")


# Wrong passwords


def test_wrong_passwords_are_noted_and_delay_nobody_here(ann):
    ann.when(FailSignIn("ann", 100), by=GATEWAY)
    ann.happened(SignInFailed, user="ann", failures=100)
    sign_in(ann)
    ann.happened(SignedIn)


def test_a_wrong_password_of_nobody_is_refused_like_any_other(ann):
    ann.when(FailSignIn("nobody", 1), by=GATEWAY)
    ann.rejected("sign_in_failed")


# Devices


def test_the_devices_of_the_last_right_passwords_are_known(ann, monkeypatch):
    monkeypatch.setattr("runline.domain.passwords.DEVICES_PER_USER_MAX", 2)
    for number, device in enumerate(("phone", "desk", "phone", "desk", "tablet")):
        sign_in(ann, f"s{number}", device=device)
    assert ann.state.credentials.by_user["ann"].devices == ("desk", "tablet")


def test_a_password_that_somebody_else_has_set_makes_every_device_strange_again(ann):
    sign_in(ann, "s1", device="phone")
    ann.when(ChangePassword("ann", HASH, credential_seq(ann), "s1"), by=GATEWAY)
    assert ann.state.credentials.by_user["ann"].devices == ("phone",)
    ann.given(SetPassword("ann", HASH))
    assert ann.state.credentials.by_user["ann"].devices == ()


# Where the digest stands


def test_a_passwords_digest_stands_in_its_row_alone_and_the_log_proves_it(ann):
    credential = ann.state.credentials.by_user["ann"]
    assert credential.password_hash == HASH
    assert credential.password_digest == sha256(HASH.encode()).hexdigest()
    set_ = next(event for _, _, _, event in ann.log if isinstance(event, PasswordSet))
    assert set_ == PasswordSet("ann", credential.password_digest, "")
    assert b"password_hash" not in msgspec.json.encode(set_)
    assert HASH not in repr(ann.log)


# The end of a session


def present(book, session):
    try:
        require_presence(book.state.sessions.by_name[session], book.at_ns)
    except Rejected as rejected:
        return {"password_needed": False}[rejected.code]
    return True


def test_a_screen_that_nobody_uses_goes_on_showing_and_wants_the_password_for_the_next_command(ann):
    signed_in(ann, "s1")
    ann.time_is(NOON_NS + 30 * MINUTE_NS - 1)
    assert present(ann, "s1")
    ann.time_is(NOON_NS + 30 * MINUTE_NS)
    assert (holds(ann, "s1"), present(ann, "s1")) == (True, False)
    ann.time_is(NOON_NS + LIMITS["screen"].whole_ns)
    assert "s1" not in ann.state.sessions.by_name
    assert ann.log[-1][3] == SessionEnded("s1", "ann", "expired", "")


def test_what_is_done_at_a_screen_keeps_it_from_wanting_the_password(ann):
    signed_in(ann, "s1")
    for at_ns in range(NOON_NS, NOON_NS + 12 * HOUR_NS, 20 * MINUTE_NS):
        ann.time_is(at_ns)
        assert present(ann, "s1")
        ann.when(KeepSession("s1"), by=GATEWAY)
        ann.happened(SessionKept)
    ann.time_is(NOON_NS + 12 * HOUR_NS)
    assert "s1" not in ann.state.sessions.by_name


def test_what_is_done_too_late_does_not_stand_for_the_password(ann):
    signed_in(ann, "s1")
    ann.time_is(NOON_NS + 30 * MINUTE_NS)
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.nothing_happened()
    assert not present(ann, "s1")


def test_the_password_given_again_begins_the_session_anew(ann):
    signed_in(ann, "s1")
    ann.time_is(NOON_NS + 11 * HOUR_NS)
    ann.when(ConfirmSession("ann", "s1", credential_seq(ann)), by=GATEWAY)
    ann.happened(SessionConfirmed, session="s1", user="ann")
    assert present(ann, "s1")
    ann.time_is(NOON_NS + 23 * HOUR_NS - 1)
    assert holds(ann, "s1")
    ann.time_is(NOON_NS + 23 * HOUR_NS)
    assert "s1" not in ann.state.sessions.by_name


def test_only_the_sessions_own_user_and_present_password_confirm_it(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW), SetPassword("ben", HASH))
    signed_in(ann, "s1")
    old = credential_seq(ann)
    for command in (ConfirmSession("ben", "s1", credential_seq(ann, "ben")), ConfirmSession("ann", "s9", old)):
        ann.when(command, by=GATEWAY)
        ann.rejected("signed_out")
    ann.when(ChangePassword("ann", HASH, old, "s1"), by=GATEWAY)
    ann.when(ConfirmSession("ann", "s1", old), by=GATEWAY)
    ann.rejected("sign_in_failed")


def test_a_session_does_not_hold_past_its_end_however_late_the_timer_is(ann):
    signed_in(ann, "s1")
    assert not holds(ann, "s1", at_ns=NOON_NS + 12 * HOUR_NS)
    sign_in(ann, "s2", kind="program")
    assert not holds(ann, "s2", at_ns=NOON_NS + 24 * HOUR_NS)


@pytest.mark.parametrize(("idle", "whole"), [(0, HOUR_NS), (HOUR_NS, MINUTE_NS), (HOUR_NS, 401 * 24 * HOUR_NS)])
def test_a_session_lasts_a_while_and_not_for_ever(ann, idle, whole):
    ann.when(SignIn("ann", "s1", "screen", credential_seq(ann), idle, whole, ""), by=GATEWAY)
    ann.rejected("expiry_invalid")


def test_signing_out_ends_the_session_once(ann):
    signed_in(ann, "s1", "s2")
    ann.when(SignOut("s1"), by=GATEWAY)
    ann.happened(SessionEnded, session="s1", cause="signed_out")
    assert (holds(ann, "s1"), holds(ann, "s2")) == (False, True)
    ann.when(SignOut("s1"), by=GATEWAY)
    ann.nothing_happened()


def test_whoever_manages_roles_above_ends_a_session_and_nobody_below_or_beside(ann):
    manage = Permission.ROLES_MANAGE
    ann.given(agent("A1"), agent("A2"), staff("chief", manage, at="A1"), staff("other", manage, at="A2"))
    ann.given(SetPassword("chief", HASH))
    signed_in(ann, "s1", user="chief")
    signed_in(ann, "s2")
    ann.when(EndSession("s2", "why not"), by="chief")
    ann.rejected("not_permitted")
    ann.when(EndSession("s1", "why not"), by="other")
    ann.rejected("not_permitted")
    ann.when(EndSession("s1", "end of shift"), by="ann")
    ann.happened(SessionEnded, session="s1", user="chief", reason="end of shift")
    ann.when(EndSession("s1", "again"))
    ann.rejected("unknown_session")


def test_a_new_password_ends_all_sessions_but_the_one_in_which_it_was_chosen(ann):
    signed_in(ann, "s1", "s2")
    ann.when(ChangePassword("ann", HASH, credential_seq(ann), "s2"), by=GATEWAY)
    ann.happened(PasswordSet, session="s2")
    assert (holds(ann, "s1"), holds(ann, "s2")) == (False, True)
    ann.given(SetPassword("ann", HASH))
    assert not holds(ann, "s2")


def test_a_password_is_not_changed_by_one_that_was_checked_before_the_last_change(ann):
    old = credential_seq(ann)
    ann.given(SetPassword("ann", HASH))
    ann.when(ChangePassword("ann", HASH, old, "s1"), by=GATEWAY)
    ann.rejected("sign_in_failed")
    ann.when(ChangePassword("ann", HASH, 0, "s1"), by=GATEWAY)
    ann.rejected("sign_in_failed")


def test_what_is_no_digest_is_never_kept(ann):
    for text in ("secret", "", "$argon2id$" + "x" * 300):
        ann.when(SetPassword("ann", text))
        ann.rejected("password_invalid")


def test_nobody_sets_the_password_of_somebody_above_or_beside(ann):
    manage = Permission.ROLES_MANAGE
    ann.given(agent("A1"), agent("A2"), staff("chief", manage, at="A1"), player("P2", "A2"))
    for user in ("owner", "ann", "P2", "nobody"):
        ann.when(SetPassword(user, HASH), by="chief")
        ann.rejected("not_permitted")


def test_revoking_a_user_ends_their_sessions_and_restoring_revives_none(ann):
    signed_in(ann, "s1")
    ann.given(RevokeUser("ann", "left"))
    assert not ann.state.sessions.by_name
    ann.given(RestoreUser("ann", "back"))
    assert not holds(ann, "s1")


def test_one_session_too_many_ends_the_oldest(ann):
    signed_in(ann, *(f"s{number}" for number in range(SESSIONS_PER_USER_MAX)))
    sign_in(ann, "last")
    ann.happened(SessionEnded, session="s0", cause="replaced")
    assert next(iter(ann.state.sessions.of_user["ann"])) == "s1"
    assert len(ann.state.sessions.by_name) == SESSIONS_PER_USER_MAX


def test_sessions_survive_a_restart(ann):
    signed_in(ann, "s1", "s2")
    ann.when(SignOut("s1"), by=GATEWAY)
    recovered = ann.recovered()
    assert recovered.sessions.by_name == ann.state.sessions.by_name
    assert recovered.sessions.of_user == ann.state.sessions.of_user
    assert recovered.credentials.by_user == ann.state.credentials.by_user
    assert recovered.timers.due == [(NOON_NS + 12 * HOUR_NS, "session", "s2")]


def test_a_session_whose_time_is_over_is_not_revived_before_its_timer_fires(ann):
    sign_in(ann, kind="program")
    ann.clock_reads(NOON_NS + 24 * HOUR_NS)
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.nothing_happened()
    ann.time_is(NOON_NS + 24 * HOUR_NS)
    assert "s1" not in ann.state.sessions.by_name


def test_a_programs_session_ends_when_it_is_not_used(ann):
    sign_in(ann, kind="program")
    ann.time_is(NOON_NS + 24 * HOUR_NS - 1)
    assert holds(ann, "s1")
    ann.time_is(NOON_NS + 24 * HOUR_NS)
    assert ann.log[-1][3] == SessionEnded("s1", "ann", "idle", "")


def test_the_oldest_of_one_instant_is_the_same_after_a_restart(ann):
    signed_in(ann, *(f"s{number:02}" for number in reversed(range(SESSIONS_PER_USER_MAX))))
    laws.memory_is_what_a_restart_would_rebuild(ann.state, recovered := ann.recovered())
    sign_in(ann, "last")
    replaced = ann.happened(SessionEnded, cause="replaced").session
    assert replaced == next(iter(recovered.sessions.of_user["ann"]))


@pytest.mark.alone
def test_a_user_has_one_credential_however_often_it_changes_in_one_part(ann):
    state = ann.state
    for event in (PasswordSet("ann", "", "", HASH), PasswordSet("ann", "", "", HASH)):
        fold(state, event, state.seq + 1, state.at_ns)
    assert list(state.changed.values()) == [state.credentials.by_user["ann"]]


def test_a_revoked_user_gets_no_first_password(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW), RevokeUser("ben", "left"))
    ann.when(ChangePassword("ben", HASH, 0, ""), by=GATEWAY)
    ann.rejected("sign_in_failed")
    ann.when(ChangePassword("nobody", HASH, 0, ""), by=GATEWAY)
    ann.rejected("unknown_user")


def test_the_users_of_one_agent_leave_as_many_sessions_free_as_they_have(book, monkeypatch):
    monkeypatch.setattr("runline.domain.sessions.SESSIONS_MAX", 32)
    book.given(agent("A1"), agent("A1-1", "A1"), agent("B1"))
    users = {"A1": ("a1", "a2"), "A1-1": ("a3", "a4"), "B1": ("b1", "b2"), "root": ("r1", "r2")}
    for node, names in users.items():
        for name in names:
            book.given(CreateUser(name, node, "viewer"), SetPassword(name, HASH))

    def signs_in(*names):
        count = 0
        while True:
            sign_in(book, f"s{book.state.seq}", names[count % len(names)])
            if book.refusal is not None:
                book.rejected("too_many")
                return count
            count += 1

    assert signs_in(*users["A1-1"], *users["A1"]) == 14
    assert signs_in(*users["B1"]) == 7
    # Who signs out makes room in the same part.
    for session in list(book.state.sessions.of_user["b1"])[:2]:
        book.when(SignOut(session), by=GATEWAY)
    assert signs_in("b2") == 2
    assert book.recovered().tree.extents == book.state.tree.extents
    assert signs_in("r1", "r2") == 32 - 14 - 7


# At the edges of time


@pytest.mark.parametrize(
    ("idle_ns", "whole_ns"),
    [(SESSION_NS_MIN, SESSION_NS_MIN), (SESSION_NS_MIN, SESSION_NS_MAX), (SESSION_NS_MAX, SESSION_NS_MAX)],
)
def test_a_session_lasts_from_the_shortest_to_the_longest(ann, idle_ns, whole_ns):
    ann.when(SignIn("ann", "s1", "screen", credential_seq(ann), idle_ns, whole_ns, ""), by=GATEWAY)
    ann.happened(SignedIn, idle_ns=idle_ns, whole_ns=whole_ns)
    session = ann.state.sessions.by_name["s1"]
    assert (session.started_ns, session.idle_until_ns, session.ends_ns) == (
        ann.at_ns,
        ann.at_ns + idle_ns,
        ann.at_ns + whole_ns,
    )


@pytest.mark.parametrize(
    ("idle_ns", "whole_ns"),
    [
        (SESSION_NS_MIN - 1, SESSION_NS_MAX),
        (SESSION_NS_MIN + 1, SESSION_NS_MIN),
        (SESSION_NS_MIN, SESSION_NS_MAX + 1),
    ],
)
def test_a_session_that_is_shorter_or_longer_is_none(ann, idle_ns, whole_ns):
    ann.when(SignIn("ann", "s1", "screen", credential_seq(ann), idle_ns, whole_ns, ""), by=GATEWAY)
    ann.rejected("expiry_invalid", most=SESSION_NS_MAX)


def made(kind, idle_until_ns, ends_ns, idle_ns=5):
    return Session("s1", "ann", kind, 0, idle_ns, 100, idle_until_ns, ends_ns)


def test_when_a_session_is_over():
    assert [over_ns(made("program", idle, 50)) for idle in (49, 50, 51)] == [49, 50, 50]
    assert [over_ns(made("screen", idle, 50)) for idle in (49, 50, 51)] == [50, 50, 50]
    assert used_ns(made("screen", 49, 50)) == 44


def test_a_session_holds_until_it_is_over_and_not_where_it_was_used_by_a_wrong_clock(ann):
    signed_in(ann, "s1")
    started = ann.at_ns
    over = started + SCREEN[1]
    times = (started - STEP_NS_MAX - 1, started - STEP_NS_MAX, started, over - 1, over)
    assert [holds(ann, "s1", at_ns=at_ns) for at_ns in times] == [False, True, True, True, False]


def test_somebody_is_there_until_the_session_is_idle():
    session = made("screen", 50, 90)
    require_presence(session, 49)
    with pytest.raises(Rejected) as refused:
        require_presence(session, 50)
    assert (refused.value.code, refused.value.details) == ("password_needed", {})


def test_a_session_ends_by_the_first_of_its_ends_and_says_by_which(ann):
    ann.when(SignIn("ann", "idle", "program", credential_seq(ann), HOUR_NS, 3 * HOUR_NS, ""), by=GATEWAY)
    ann.when(SignIn("ann", "both", "program", credential_seq(ann), HOUR_NS, HOUR_NS, ""), by=GATEWAY)
    began = ann.at_ns
    ann.clock_reads(began + HOUR_NS - 1)
    for name in ("idle", "both", "none"):
        ann.when(ExpireSession(name), by=ENGINE)
        ann.nothing_happened()
    ann.clock_reads(began + HOUR_NS)
    for name, cause in (("idle", "idle"), ("both", "expired")):
        ann.when(ExpireSession(name), by=ENGINE)
        ann.happened(SessionEnded, session=name, user="ann", cause=cause, reason="")


def test_what_is_done_in_a_session_moves_its_end_until_that_has_come(ann):
    ann.when(SignIn("ann", "s1", "program", credential_seq(ann), HOUR_NS, 3 * HOUR_NS, ""), by=GATEWAY)
    began = ann.at_ns
    ann.clock_reads(began + HOUR_NS - 1)
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.happened(SessionKept, session="s1")
    assert ann.state.timers.by_subject["session", "s1"].due_ns == began + 2 * HOUR_NS - 1
    ann.clock_reads(began + 2 * HOUR_NS - 1)
    for name in ("s1", "none"):
        ann.when(KeepSession(name), by=GATEWAY)
        ann.nothing_happened()


def test_a_screen_that_is_used_ends_when_it_would_have_and_a_password_begins_it_anew(ann):
    ann.when(SignIn("ann", "s1", "screen", credential_seq(ann), 2 * HOUR_NS, 3 * HOUR_NS, ""), by=GATEWAY)
    began, session = ann.at_ns, ann.state.sessions.by_name["s1"]
    timer = ann.state.timers.by_subject["session", "s1"]
    planned_seq = timer.changed_seq
    ann.clock_reads(began + HOUR_NS)
    ann.when(KeepSession("s1"), by=GATEWAY)
    assert (session.idle_until_ns, session.ends_ns) == (began + 3 * HOUR_NS, began + 3 * HOUR_NS)
    assert (timer.due_ns, timer.changed_seq) == (began + 3 * HOUR_NS, planned_seq), "its row is not written anew"
    ann.when(ConfirmSession("ann", "s1", credential_seq(ann)), by=GATEWAY)
    ann.happened(SessionConfirmed, session="s1", user="ann")
    assert (session.idle_until_ns, session.ends_ns) == (began + 3 * HOUR_NS, began + 4 * HOUR_NS)
    assert ann.state.timers.by_subject["session", "s1"].due_ns == began + 4 * HOUR_NS
    ann.clock_reads(began + 3 * HOUR_NS)
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.nothing_happened()


# Whose they are


def test_sessions_are_found_by_user_and_by_where_they_stand_and_forgotten_with_the_last(ann):
    ann.given(agent("A1"), staff("una", at="A1"), SetPassword("una", HASH))
    signed_in(ann, "s2", "s1")
    signed_in(ann, "u1", user="una")
    sessions = ann.state.sessions
    assert {user: list(names) for user, names in sessions.of_user.items()} == {"ann": ["s2", "s1"], "una": ["u1"]}
    assert list(sessions.standing_at("root")) == [("ann", "s1"), ("ann", "s2")]
    assert list(sessions.standing_at("A1")) == [("una", "u1")]
    assert list(sessions.standing_at("A2")) == []
    assert ann.state.tree.held_in_branch("A1", "sessions") == 1
    ann.when(SignOut("u1"), by=GATEWAY)
    ann.happened(SessionEnded, session="u1", user="una", cause="signed_out", reason="")
    ann.when(SignOut("u1"), by=GATEWAY)
    ann.nothing_happened()
    assert (set(sessions.of_user), set(sessions.at_node)) == ({"ann"}, {"root"})
    assert ann.state.tree.held_in_branch("A1", "sessions") == 0
    ann.when(SignOut("s1", "wrong_password"), by=GATEWAY)
    ann.happened(SessionEnded, cause="wrong_password")
    sessions.end_all("una")
    sessions.end("none")
    assert list(sessions.by_name) == ["s2"]


def test_a_session_that_is_there_is_not_begun_again(ann):
    signed_in(ann, "s1")
    sign_in(ann, "s1")
    ann.rejected("already_exists")
    assert ann.refusal.details == {}


def test_a_session_that_is_not_there_is_named_shortly_to_the_root_and_not_to_others(ann):
    ann.given(agent("A1"), staff("una", Permission.ROLES_MANAGE, at="A1"))
    ann.when(EndSession("x" * 100, "given"))
    ann.rejected("unknown_session", session="x" * 64)
    ann.when(EndSession("x" * 100, "given"), by="una")
    ann.rejected("not_permitted")
    assert ann.refusal.details == {}


def test_one_session_too_many_of_a_user_ends_their_oldest_and_nobody_elses(ann, monkeypatch):
    monkeypatch.setattr("runline.domain.sessions.SESSIONS_PER_USER_MAX", 2)
    ann.given(staff("una"), SetPassword("una", HASH))
    signed_in(ann, "u1", user="una")
    signed_in(ann, "s9", "s8")
    ann.clock_reads(ann.at_ns + 1)
    sign_in(ann, "s1")
    ann.happened(SessionEnded, session="s8", user="ann", cause="replaced", reason="")
    ann.happened(SignedIn, session="s1")
    assert list(ann.state.sessions.by_name) == ["u1", "s9", "s1"]
    sign_in(ann, "s0")
    ann.happened(SessionEnded, session="s9", cause="replaced")
