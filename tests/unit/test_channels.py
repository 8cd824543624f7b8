"""Channels: how a ticket came in follows from who sent it, in which session."""

from typing import get_args

import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import board, game, player, staff, wager

from runline.domain.channels import Channel
from runline.domain.messages import GATEWAY
from runline.domain.passwords import SetPassword
from runline.domain.permissions import Permission
from runline.domain.sessions import SignedIn, SignIn
from runline.domain.tickets import WagerPlaced

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"

WRITTEN: dict[tuple[str, str], tuple[Channel, ...]] = {
    ("P1", "screen"): ("web",),
    ("P1", "program"): ("api",),
    ("P1", ""): ("api",),
    ("clerk", "screen"): ("clerk", "phone"),
    ("clerk", "program"): ("api",),
    ("clerk", ""): ("api",),
}
"""By user and kind of session: the channels that may be said, and first the one that counts if nothing is."""

OTHERS = [(who, kind, said) for (who, kind), may in WRITTEN.items() for said in get_args(Channel) if said not in may]


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), player("P1"), staff("clerk", Permission.WAGER_PLACE))
    for who in ("P1", "clerk"):
        book.given(SetPassword(who, HASH))
        password_seq = book.state.seq
        for kind in ("screen", "program"):
            book.when(SignIn(who, f"{who}-{kind}", kind, password_seq, HOUR_NS, HOUR_NS, ""), by=GATEWAY)
            book.happened(SignedIn)
    return book


def writes(book, who, kind, said=None):
    book.when(wager("P1", 10_00, channel=said), by=who, session=f"{who}-{kind}" if kind else "")
    return book


@pytest.mark.parametrize(("who", "kind"), WRITTEN)
def test_a_ticket_comes_in_as_its_session_shows(open_book, who, kind):
    writes(open_book, who, kind).happened(WagerPlaced, player="P1", writer=who, channel=WRITTEN[who, kind][0])


@pytest.mark.parametrize(("who", "kind", "said"), [(*key, said) for key, may in WRITTEN.items() for said in may])
def test_what_agrees_with_that_may_be_said(open_book, who, kind, said):
    writes(open_book, who, kind, said).happened(WagerPlaced, channel=said)


@pytest.mark.parametrize(("who", "kind", "said"), OTHERS)
def test_what_contradicts_it_is_refused(open_book, who, kind, said):
    writes(open_book, who, kind, said).rejected("channel_invalid", channel=WRITTEN[who, kind][0])
    assert open_book.stored_wagers() == []
