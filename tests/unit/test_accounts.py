"""Accounts: available = credit limit + temporary credit until its expiry + balance − pending."""

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import agent, board, game, player, staff, wager

from runline.domain.accounts import (
    AdjustCredit,
    CreditAdjusted,
    EnterTransaction,
    ExpireTemporaryCredit,
    GrantTemporaryCredit,
    PlayerLimits,
    PlayerLimitsSet,
    SetPlayerLimits,
    TemporaryCreditExpired,
    TemporaryCreditGranted,
    TransactionEntered,
    available_minor,
)
from runline.domain.bounds import BALANCE_MINOR_MAX, CREDIT_MINOR_MAX, STAKE_MINOR_MAX
from runline.domain.messages import ENGINE
from runline.domain.permissions import Permission
from runline.domain.tickets import WagerPlaced


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), player("P1", credit=100_00))
    return book


def available(book, number="P1"):
    return available_minor(book.state, book.state.tree.players[number], book.at_ns)


def test_an_adjusted_limit_says_what_it_was(open_book):
    open_book.when(AdjustCredit("P1", 90_000, "asked"))
    open_book.happened(CreditAdjusted, before_minor=100_00, after_minor=90_000, reason="asked")
    open_book.when(AdjustCredit("P1", 90_000, "asked"))
    open_book.nothing_happened()


@pytest.mark.parametrize("credit", [-1, CREDIT_MINOR_MAX + 1, 10**18, 2**64, 1.5, True])
def test_credit_is_a_whole_number_within_its_bounds(open_book, credit):
    open_book.when(AdjustCredit("P1", credit, "given"))
    open_book.rejected("amount_invalid")
    open_book.when(GrantTemporaryCredit("P1", credit, NOON_NS + HOUR_NS, "given"))
    open_book.rejected("amount_invalid")


def test_available_is_limit_and_balance_less_what_is_open(open_book):
    open_book.given(EnterTransaction("P1", "receipt", 50_00, "cash"), wager("P1", 30_00))
    assert available(open_book) == 100_00 + 50_00 - 30_00


def test_a_wager_may_take_all_that_is_available_and_not_a_cent_more(open_book):
    open_book.when(wager("P1", 100_01), by="P1")
    open_book.rejected("credit_exceeded", most_minor=100_00)
    open_book.when(wager("P1", 100_00), by="P1")
    open_book.happened(WagerPlaced)
    assert available(open_book) == 0


def test_lowering_the_limit_below_what_is_open_voids_nothing_and_stops_further_wagers(open_book):
    open_book.given(wager("P1", 80_00), AdjustCredit("P1", 50_00, "careful"))
    assert available(open_book) == -30_00
    open_book.when(wager("P1", 1_00), by="P1")
    open_book.rejected("credit_exceeded", most_minor=0)
    open_book.when(wager("P1", 1_00, partial=True), by="P1")
    open_book.rejected("credit_exceeded", most_minor=0)


# Temporary credit


def test_temporary_credit_counts_until_its_expiry(open_book):
    open_book.when(GrantTemporaryCredit("P1", 50_00, NOON_NS + HOUR_NS, "the weekend"))
    open_book.happened(TemporaryCreditGranted, before_minor=0, before_until_ns=0, credit_minor=50_00)
    assert available(open_book) == 150_00
    open_book.time_is(NOON_NS + HOUR_NS)
    open_book.happened(TemporaryCreditExpired, player="P1", credit_minor=50_00)
    assert available(open_book) == 100_00


def test_temporary_credit_is_over_by_the_clock_even_if_the_timer_is_late(open_book):
    open_book.given(GrantTemporaryCredit("P1", 50_00, NOON_NS + HOUR_NS, "given"))
    open_book.clock_reads(NOON_NS + HOUR_NS)
    open_book.when(wager("P1", 100_01), by="P1")
    open_book.rejected("credit_exceeded", most_minor=100_00)


def test_another_grant_replaces_the_first_and_its_timer(open_book):
    open_book.given(GrantTemporaryCredit("P1", 50_00, NOON_NS + HOUR_NS, "given"))
    open_book.when(GrantTemporaryCredit("P1", 20_00, NOON_NS + 3 * HOUR_NS, "less, longer"))
    open_book.happened(TemporaryCreditGranted, before_minor=50_00, before_until_ns=NOON_NS + HOUR_NS)
    open_book.time_is(NOON_NS + 2 * HOUR_NS)
    open_book.nothing_happened()
    assert available(open_book) == 120_00
    open_book.time_is(NOON_NS + 3 * HOUR_NS)
    open_book.happened(TemporaryCreditExpired, credit_minor=20_00)
    open_book.when(GrantTemporaryCredit("P1", 30_00, NOON_NS + 4 * HOUR_NS, "once more"))
    open_book.happened(TemporaryCreditGranted, before_minor=0, before_until_ns=0)


def test_a_timer_that_comes_before_its_time_takes_no_credit(open_book):
    until_ns = NOON_NS + HOUR_NS
    open_book.given(GrantTemporaryCredit("P1", 50_00, until_ns, "given"))
    open_book.clock_reads(until_ns - 1)
    open_book.when(ExpireTemporaryCredit("P1"), by=ENGINE)
    open_book.nothing_happened()
    assert available(open_book) == 150_00
    open_book.clock_reads(until_ns)
    open_book.when(ExpireTemporaryCredit("P1"), by=ENGINE)
    open_book.happened(TemporaryCreditExpired, player="P1", credit_minor=50_00)
    open_book.when(ExpireTemporaryCredit("P1"), by=ENGINE)
    open_book.nothing_happened()


@pytest.mark.parametrize("until_ns", [0, -1, NOON_NS, 2**62, 2**64, NOON_NS + 0.5])
def test_temporary_credit_ends_at_a_time_to_come(open_book, until_ns):
    open_book.when(GrantTemporaryCredit("P1", 1, until_ns, "given"))
    open_book.rejected("expiry_invalid")


# Transactions


@pytest.mark.parametrize(
    ("kind", "amount", "change"),
    [("receipt", 25_00, 25_00), ("disbursement", 25_00, -25_00), ("adjustment", 7, 7), ("adjustment", -7, -7)],
)
def test_a_transaction_moves_the_balance_from_the_players_side(open_book, kind, amount, change):
    open_book.when(EnterTransaction("P1", kind, amount, "figure"))
    open_book.happened(TransactionEntered, kind=kind, change_minor=change)
    assert open_book.balance("P1") == change


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ("receipt", 0),
        ("receipt", -1),
        ("disbursement", -1),
        ("adjustment", 0),
        ("adjustment", STAKE_MINOR_MAX + 1),
        ("adjustment", -STAKE_MINOR_MAX - 1),
        ("receipt", 2**64),
        ("receipt", 0.5),
        ("receipt", True),
    ],
)
def test_what_is_no_amount_is_not_booked(open_book, kind, amount):
    open_book.when(EnterTransaction("P1", kind, amount, "given"))
    open_book.rejected("amount_invalid", most=STAKE_MINOR_MAX)


def test_the_largest_amount_is_booked(open_book):
    for kind in ("receipt", "disbursement", "adjustment"):
        open_book.when(EnterTransaction("P1", kind, STAKE_MINOR_MAX, "figure"))
        open_book.happened(TransactionEntered)


@pytest.mark.alone
def test_transactions_take_a_balance_so_far_and_no_farther(open_book, monkeypatch):
    monkeypatch.setattr("runline.domain.accounts.BALANCE_MINOR_MAX", 100)
    open_book.given(EnterTransaction("P1", "adjustment", -100, "given"))
    open_book.when(EnterTransaction("P1", "adjustment", -1, "given"))
    open_book.rejected("amount_invalid", most=100)
    open_book.when(EnterTransaction("P1", "adjustment", 1, "given"))
    open_book.happened(TransactionEntered)
    assert BALANCE_MINOR_MAX >= STAKE_MINOR_MAX


def test_a_balance_that_wagers_have_taken_too_far_can_be_brought_back(open_book, monkeypatch):
    open_book.given(EnterTransaction("P1", "adjustment", 500, "given"))
    monkeypatch.setattr("runline.domain.accounts.BALANCE_MINOR_MAX", 100)
    open_book.when(EnterTransaction("P1", "disbursement", 50, "given"))
    open_book.happened(TransactionEntered)


# A player's own limits


def test_a_players_limits_say_what_they_were(open_book):
    open_book.when(SetPlayerLimits("P1", 50_00, None, True, "sharp"))
    open_book.happened(
        PlayerLimitsSet, before=PlayerLimits(None, None, True), after=PlayerLimits(50_00, None, True), reason="sharp"
    )
    open_book.when(SetPlayerLimits("P1", 50_00, None, True, "sharp"))
    open_book.nothing_happened()


@pytest.mark.parametrize("limit", [-1, STAKE_MINOR_MAX + 1, 2**64, 0.5, True])
def test_a_limit_is_a_whole_number_within_its_bounds(open_book, limit):
    for command in (
        SetPlayerLimits("P1", limit, None, True, "given"),
        SetPlayerLimits("P1", None, limit, True, "given"),
    ):
        open_book.when(command)
        open_book.rejected("limits_invalid")


def test_a_limit_is_nothing_or_the_largest_amount_and_the_next_says_what_it_was(open_book):
    before = PlayerLimits(None, None, True)
    for limits in ((0, STAKE_MINOR_MAX), (STAKE_MINOR_MAX, 0)):
        open_book.when(SetPlayerLimits("P1", *limits, True, "given"))
        after = PlayerLimits(*limits, True)
        open_book.happened(PlayerLimitsSet, before=before, after=after)
        before = after
    open_book.when(SetPlayerLimits("P1", STAKE_MINOR_MAX, 1, True, "given"))
    open_book.happened(PlayerLimitsSet, before=before, after=PlayerLimits(STAKE_MINOR_MAX, 1, True))


def test_a_closed_account_takes_no_wagers(open_book):
    open_book.given(SetPlayerLimits("P1", None, None, False, "owes"))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("player_closed")


# Who may


@pytest.mark.alone
@pytest.mark.parametrize(
    "command",
    [
        AdjustCredit("P1", 1, "given"),
        GrantTemporaryCredit("P1", 1, NOON_NS + HOUR_NS, "given"),
        EnterTransaction("P1", "receipt", 1, "given"),
        SetPlayerLimits("P1", 1, 1, True, "given"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_player_does_nothing_to_their_own_account_whatever_their_role_holds(open_book, command):
    open_book.state.access.allowed["player"] |= {command.needs}
    open_book.when(command, by="P1")
    open_book.rejected("not_permitted")
    assert open_book.refusal.details == {}


@pytest.mark.parametrize(
    "command",
    [
        AdjustCredit("P1", 1, "given"),
        GrantTemporaryCredit("P1", 1, NOON_NS + HOUR_NS, "given"),
        EnterTransaction("P1", "receipt", 1, "given"),
        SetPlayerLimits("P1", 1, 1, True, "given"),
    ],
    ids=lambda command: type(command).__name__,
)
class TestEveryAccountCommand:
    def test_it_is_for_the_players_own_agents(self, open_book, command):
        may = (Permission.CREDIT_CHANGE, Permission.TRANSACTION_ENTER, Permission.LIMITS_CHANGE)
        open_book.given(agent("A1"), staff("one", *may, at="A1"))
        open_book.when(command, by="one")
        open_book.rejected("not_permitted")

    def test_it_is_not_for_players(self, open_book, command):
        open_book.when(command, by="P1")
        open_book.rejected("not_permitted")

    def test_it_needs_a_player(self, book, command):
        book.when(command)
        book.rejected("unknown_player", player="P1")


# What has moved


def test_credit_limits_and_balance_each_say_when_they_moved_last(open_book):
    state, grounds = open_book.state, open_book.state.vocabulary.grounds
    until_ns = NOON_NS + HOUR_NS
    about = {
        "credit": (AdjustCredit("P1", 1, "given"), GrantTemporaryCredit("P1", 1, until_ns, "given")),
        "balance": (EnterTransaction("P1", "receipt", 1, "given"),),
        "limits": (SetPlayerLimits("P1", 1, 1, True, "given"),),
    }

    def moved():
        return {name: {grounds[type(one)](state, one) for one in commands} for name, commands in about.items()}

    expected = {name: {0} for name in about}
    assert moved() == expected
    for command, what in (
        (AdjustCredit("P1", 7_00, "given"), "credit"),
        (GrantTemporaryCredit("P1", 1, until_ns, "given"), "credit"),
        (EnterTransaction("P1", "receipt", 1, "given"), "balance"),
        (SetPlayerLimits("P1", 5_00, None, True, "given"), "limits"),
    ):
        open_book.given(command)
        expected = expected | {what: {state.seq}}
        assert moved() == expected
    assert [
        grounds[type(one)](state, one) for one in (AdjustCredit("P2", 1, ""), SetPlayerLimits("P2", 1, 1, True, ""))
    ] == [0, 0]
    assert grounds[EnterTransaction](state, EnterTransaction("P2", "receipt", 1, "")) == 0
