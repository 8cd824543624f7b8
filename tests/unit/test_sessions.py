"""Sessions: a session is state of its stream, and whatever ends it bites at its event."""

import pytest
from tests.doubles import laws
from tests.doubles.stage import HOUR_NS, NOON_NS, SECOND_NS
from tests.doubles.words import agent, player, staff

from runline.domain.access import CreateUser, RestoreUser, RevokeUser
from runline.domain.hierarchy import CreatePlayer
from runline.domain.limits import SESSIONS_PER_USER_MAX
from runline.domain.messages import ENGINE, EVOLVERS, GATEWAY, Rejected
from runline.domain.permissions import Permission
from runline.domain.sessions import (
    LIMITS,
    MINUTE_NS,
    RETRY_DELAY_NS_MAX,
    ChangePassword,
    EndSession,
    ExpireSession,
    FailSignIn,
    KeepSession,
    PasswordSet,
    SessionEnded,
    SessionKept,
    SetPassword,
    SignedIn,
    SignIn,
    SignInFailed,
    SignOut,
    require_session,
    retry_delay_ns,
)

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def credential_seq(book, user="ann"):
    return book.state.credentials[user].password_seq


def sign_in(book, session="s1", user="ann", kind="screen"):
    book.when(SignIn(user, session, kind, credential_seq(book, user)), by=GATEWAY)


def signed_in(book, *sessions, user="ann"):
    for session in sessions:
        sign_in(book, session, user)
        book.happened(SignedIn)


def holds(book, session, user="ann", at_ns=None):
    try:
        require_session(book.state, session, book.state.users[user], book.state.at_ns if at_ns is None else at_ns)
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
    ann.when(SignIn("ann", "s1", "screen", old), by=GATEWAY)
    ann.rejected("sign_in_failed")


def test_somebody_without_a_password_or_revoked_cannot_sign_in(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW))
    ann.when(SignIn("ben", "s1", "screen", 0), by=GATEWAY)
    ann.rejected("sign_in_failed")
    ann.given(RevokeUser("ann", "left"))
    sign_in(ann)
    ann.rejected("sign_in_failed")


def test_only_the_gateway_begins_and_ends_sessions_of_its_own_accord(ann):
    for command in (SignIn("ann", "s1", "screen", 1), FailSignIn("ann"), KeepSession("s1"), SignOut("s1")):
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


def test_three_wrong_passwords_are_free_and_then_each_doubles_the_wait():
    delays = [retry_delay_ns(failures) for failures in range(1, 40)]
    assert delays[:6] == [0, 0, 0, SECOND_NS, 2 * SECOND_NS, 4 * SECOND_NS]
    assert delays == sorted(delays)
    assert delays[-1] == RETRY_DELAY_NS_MAX


def test_after_too_many_wrong_passwords_even_the_right_one_must_wait(ann):
    for _ in range(4):
        ann.when(FailSignIn("ann"), by=GATEWAY)
        ann.happened(SignInFailed)
    sign_in(ann)
    ann.rejected("sign_in_delayed", retry_ns=ann.state.credentials["ann"].retry_ns)
    ann.when(FailSignIn("ann"), by=GATEWAY)
    ann.rejected("sign_in_delayed")
    ann.time_is(NOON_NS + SECOND_NS)
    sign_in(ann)
    ann.happened(SignedIn)
    assert ann.state.credentials["ann"].failures == 0


def test_a_wrong_password_of_nobody_is_refused_like_any_other(ann):
    ann.when(FailSignIn("nobody"), by=GATEWAY)
    ann.rejected("sign_in_failed")


def test_the_right_password_makes_wrong_ones_free_again(ann):
    for _ in range(3):
        ann.when(FailSignIn("ann"), by=GATEWAY)
    signed_in(ann, "s1")
    ann.when(FailSignIn("ann"), by=GATEWAY)
    ann.happened(SignInFailed, failures=1, retry_ns=NOON_NS)


def test_a_new_password_ends_the_wait(ann):
    for _ in range(4):
        ann.when(FailSignIn("ann"), by=GATEWAY)
    ann.given(SetPassword("ann", HASH))
    signed_in(ann, "s1")


# The end of a session


def test_a_session_that_is_not_used_ends_by_itself(ann):
    signed_in(ann, "s1")
    ann.time_is(NOON_NS + 30 * MINUTE_NS - 1)
    assert holds(ann, "s1")
    ann.time_is(NOON_NS + 30 * MINUTE_NS)
    assert "s1" not in ann.state.sessions
    assert ann.log[-1][3] == SessionEnded("s1", "ann", "idle", "")


def test_a_session_does_not_hold_past_its_end_however_late_the_timer_is(ann):
    signed_in(ann, "s1")
    assert not holds(ann, "s1", at_ns=NOON_NS + 30 * MINUTE_NS)


def test_a_session_in_use_goes_on_but_never_past_its_whole_time(ann):
    signed_in(ann, "s1")
    whole_ns = LIMITS["screen"].whole_ns
    for at_ns in range(NOON_NS, NOON_NS + whole_ns, 20 * MINUTE_NS):
        ann.time_is(at_ns)
        ann.when(KeepSession("s1"), by=GATEWAY)
        ann.happened(SessionKept)
    ann.time_is(NOON_NS + whole_ns)
    assert "s1" not in ann.state.sessions
    assert ann.log[-1][3] == SessionEnded("s1", "ann", "expired", "")
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.nothing_happened()


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
    assert not ann.state.sessions
    ann.given(RestoreUser("ann", "back"))
    assert not holds(ann, "s1")


def test_one_session_too_many_ends_the_oldest(ann):
    signed_in(ann, *(f"s{number}" for number in range(SESSIONS_PER_USER_MAX)))
    sign_in(ann, "last")
    ann.happened(SessionEnded, session="s0", cause="replaced")
    assert next(iter(ann.state.sessions_of["ann"])) == "s1"
    assert len(ann.state.sessions) == SESSIONS_PER_USER_MAX


def test_sessions_survive_a_restart(ann):
    signed_in(ann, "s1", "s2")
    ann.when(SignOut("s1"), by=GATEWAY)
    recovered = ann.recovered()
    assert recovered.sessions == ann.state.sessions
    assert recovered.sessions_of == ann.state.sessions_of
    assert recovered.credentials == ann.state.credentials
    assert recovered.due == [(NOON_NS + HOUR_NS // 2, "session", "s2")]


def test_a_session_whose_time_is_over_is_not_revived_before_its_timer_fires(ann):
    signed_in(ann, "s1")
    ann.clock_reads(NOON_NS + 30 * MINUTE_NS)
    ann.when(KeepSession("s1"), by=GATEWAY)
    ann.nothing_happened()
    ann.time_is(NOON_NS + 30 * MINUTE_NS)
    assert "s1" not in ann.state.sessions


def test_a_programs_session_lasts_longer_than_a_screens(ann):
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
    assert replaced == next(iter(recovered.sessions_of["ann"]))


def test_a_user_has_one_credential_however_often_it_changes_in_one_part(ann):
    state = ann.state
    for event in (SignInFailed("ann", 1, 0), PasswordSet("ann", HASH, "")):
        state.seq += 1
        EVOLVERS[type(event)](state, event)
    assert list(state.changed.values()) == [state.credentials["ann"]]


def test_a_revoked_user_gets_no_first_password(ann):
    ann.given(staff("ben", Permission.FIGURES_VIEW), RevokeUser("ben", "left"))
    ann.when(ChangePassword("ben", HASH, 0, ""), by=GATEWAY)
    ann.rejected("sign_in_failed")
    ann.when(ChangePassword("nobody", HASH, 0, ""), by=GATEWAY)
    ann.rejected("unknown_user")
