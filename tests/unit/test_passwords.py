"""Passwords: who gives one, what is kept of it, and from which devices somebody has signed in."""

from hashlib import sha256

import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import EVERY, agent, player, staff

from runline.domain.bounds import DEVICES_PER_USER_MAX, PASSWORD_HASH_LENGTH_MAX
from runline.domain.messages import GATEWAY
from runline.domain.nodes import ROOT
from runline.domain.passwords import (
    FAILURES_NOTED,
    ChangePassword,
    FailSignIn,
    PasswordSet,
    SetPassword,
    SignInFailed,
)
from runline.domain.sessions import SignedIn, SignIn
from runline.domain.users import CreateUser, RevokeUser

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
DIGEST = sha256(HASH.encode()).hexdigest()


@pytest.fixture
def ranks(book):
    """ann at A1 and player P1 below her; bob at A2; two owners at the root."""
    book.given(agent("A1"), agent("A2"), player("P1", "A1"), CreateUser("peer", ROOT, "owner"))
    book.given(staff("ann", *EVERY, at="A1"), staff("bob", *EVERY, at="A2"))
    return book


def credential(book, user):
    return book.state.credentials.by_user[user]


def test_a_password_is_kept_as_a_digest_and_the_log_has_the_digest_of_that(ranks):
    ranks.when(SetPassword("P1", HASH), by="ann")
    ranks.happened(PasswordSet, user="P1", digest=DIGEST, session="")
    kept = credential(ranks, "P1")
    assert (kept.password_hash, kept.password_digest, kept.password_seq, kept.devices) == (
        HASH,
        DIGEST,
        ranks.state.seq,
        (),
    )
    logged = ranks.log[-1][-1]
    assert (type(logged), logged.password_hash) == (PasswordSet, "")


@pytest.mark.parametrize(
    "text", ["", "secret", "$argon2i$x", " $argon2id$x", "$argon2id$" + "x" * (PASSWORD_HASH_LENGTH_MAX - 9)]
)
def test_what_is_no_digest_of_a_password_is_refused(ranks, text):
    ranks.when(SetPassword("P1", text))
    ranks.rejected("password_invalid")
    ranks.when(ChangePassword("ann", text, 0, ""), by=GATEWAY)
    ranks.rejected("password_invalid")


def test_the_longest_digest_of_a_password_is_one(ranks):
    text = "$argon2id$" + "x" * (PASSWORD_HASH_LENGTH_MAX - 10)
    ranks.when(SetPassword("P1", text))
    ranks.happened(PasswordSet, digest=sha256(text.encode()).hexdigest())


def test_nobody_gives_one_to_themselves_or_to_who_is_not_below_them(ranks):
    for who, by in (("ann", "ann"), ("bob", "ann"), ("owner", "ann"), ("owner", "peer"), ("nobody", "ann")):
        ranks.when(SetPassword(who, HASH), by=by)
        ranks.rejected("not_permitted")
    ranks.when(SetPassword("nobody", HASH))
    ranks.rejected("unknown_user", user="nobody")


def test_an_equal_gives_the_first_password_and_no_other(ranks):
    ranks.given(CreateUser("third", ROOT, "owner"))
    ranks.when(SetPassword("third", HASH), by="peer")
    ranks.happened(PasswordSet)
    ranks.when(SetPassword("third", HASH), by="peer")
    ranks.rejected("not_permitted")
    ranks.when(SetPassword("third", HASH), by="owner")
    ranks.happened(PasswordSet)


def test_whoever_was_revoked_from_above_is_given_one_from_there_only(ranks):
    ranks.given(RevokeUser("P1", "gone"))
    ranks.when(SetPassword("P1", HASH), by="ann")
    ranks.rejected("not_permitted")
    ranks.when(SetPassword("P1", HASH))
    ranks.happened(PasswordSet)


def test_one_changes_ones_own_by_the_one_that_stands(ranks):
    ranks.when(ChangePassword("P1", HASH, 0, ""), by=GATEWAY)
    ranks.happened(PasswordSet, session="")
    seq = credential(ranks, "P1").password_seq
    for other in (seq - 1, seq + 1, 0):
        ranks.when(ChangePassword("P1", HASH, other, ""), by=GATEWAY)
        ranks.rejected("sign_in_failed")
    ranks.when(ChangePassword("P1", HASH, seq, "s1"), by=GATEWAY)
    ranks.happened(PasswordSet, user="P1", session="s1")


def test_who_is_unknown_or_revoked_changes_none(ranks):
    ranks.when(ChangePassword("nobody", HASH, 0, ""), by=GATEWAY)
    ranks.rejected("unknown_user", user="nobody")
    for name in ("nobody", "P1"):
        ranks.when(ChangePassword(name, HASH, 7, ""), by=GATEWAY)
        ranks.rejected("sign_in_failed")
    ranks.given(SetPassword("ann", HASH), RevokeUser("ann", "gone"), RevokeUser("P1", "gone"))
    ranks.when(ChangePassword("ann", HASH, credential(ranks, "ann").password_seq, ""), by=GATEWAY)
    ranks.rejected("sign_in_failed")
    ranks.when(ChangePassword("P1", HASH, 0, ""), by=GATEWAY)
    ranks.rejected("sign_in_failed")


def test_so_many_failures_are_told_and_fewer_are_noted(ranks):
    ranks.given(SetPassword("ann", HASH))
    for failures in (FAILURES_NOTED - 1, FAILURES_NOTED):
        ranks.when(FailSignIn("ann", failures), by=GATEWAY)
        event = ranks.happened(SignInFailed, user="ann", failures=failures)
        assert event.is_notable(ranks.state) is (failures == FAILURES_NOTED == 3)
    ranks.when(FailSignIn("P1", 5), by=GATEWAY)
    ranks.rejected("sign_in_failed")


# Devices


def signs_in(book, session, device):
    limits = HOUR_NS, HOUR_NS
    book.when(SignIn("ann", session, "screen", credential(book, "ann").password_seq, *limits, device), by=GATEWAY)
    book.happened(SignedIn)


def test_the_last_device_is_the_last_one_and_each_is_known_once(ranks):
    ranks.given(SetPassword("ann", HASH))
    for number, device in enumerate(("d1", "", "d2", "d2", "d1", "d3")):
        signs_in(ranks, f"s{number}", device)
    assert credential(ranks, "ann").devices == ("d2", "d1", "d3")
    changed = credential(ranks, "ann").changed_seq
    assert changed == ranks.state.seq
    signs_in(ranks, "again", "d3")
    assert (credential(ranks, "ann").devices, credential(ranks, "ann").changed_seq) == (("d2", "d1", "d3"), changed)


def test_so_many_devices_are_known_and_the_one_used_longest_ago_is_forgotten(ranks):
    ranks.given(SetPassword("ann", HASH))
    for number in range(DEVICES_PER_USER_MAX + 1):
        signs_in(ranks, f"s{number}", f"d{number}")
    assert credential(ranks, "ann").devices == tuple(f"d{number}" for number in range(1, DEVICES_PER_USER_MAX + 1))


def test_ones_own_new_password_keeps_the_devices_and_one_from_above_forgets_them(ranks):
    ranks.given(SetPassword("ann", HASH))
    signs_in(ranks, "s1", "d1")
    ranks.when(ChangePassword("ann", HASH, credential(ranks, "ann").password_seq, "s1"), by=GATEWAY)
    assert credential(ranks, "ann").devices == ("d1",)
    assert list(ranks.state.sessions.by_name) == ["s1"]
    ranks.given(SetPassword("ann", HASH))
    assert credential(ranks, "ann").devices == ()
    assert list(ranks.state.sessions.by_name) == []


def test_a_password_stands_on_itself_and_on_its_user(ranks):
    state, command = ranks.state, SetPassword("P1", HASH)
    ground = state.vocabulary.grounds[SetPassword]
    created = state.access.users["P1"].changed_seq
    assert ground(state, command) == created > 0
    ranks.given(command)
    assert ground(state, command) == credential(ranks, "P1").password_seq == state.seq
    ranks.given(RevokeUser("P1", "gone"))
    assert ground(state, command) == state.seq > credential(ranks, "P1").password_seq
