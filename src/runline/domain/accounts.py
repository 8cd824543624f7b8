"""Accounts: how much a player may still risk, and the transactions other than wagers.

Rule: available = credit limit + temporary credit until its expiry + balance − pending risk. It never goes below zero by
wagering. Credit is spent by placing and given back by settling; nothing else moves pending.
"""

from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.access import User
from runline.domain.bounds import BALANCE_MINOR_MAX, STAKE_MINOR_MAX
from runline.domain.fixtures import START_NS_MAX
from runline.domain.hierarchy import Player, require_credit
from runline.domain.identifiers import Reason
from runline.domain.ledger import ADJUSTMENTS, CASH
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context

TransactionKind = Literal["receipt", "disbursement", "adjustment"]


def available_minor(book: "Book", player: Player, at_ns: int) -> int:
    """What the player may still risk, in minor units; negative if a limit was lowered below what is open."""
    temporary = player.temporary_credit_minor if at_ns < player.temporary_until_ns else 0
    return player.credit_limit_minor + temporary + player.balance_minor - book.risk.pending.get(player.number, 0)


class AdjustCredit(Command, needs=Permission.CREDIT_CHANGE):
    """Set a player's credit limit.

    credit_limit_minor: ≥ 0. Lowering it below what is open voids nothing, it only stops further wagers.
    """

    player: str
    credit_limit_minor: int
    reason: Reason


class CreditAdjusted(Event, shown_to=Permission.FIGURES_VIEW):
    """A player has another credit limit."""

    player: str
    before_minor: int
    after_minor: int
    reason: str


def require_not_own(user: User) -> None:
    if user.player:
        raise Rejected("not_permitted", "A player cannot change their own account.")


@decides(AdjustCredit)
def adjust_credit(book: "Book", command: AdjustCredit, context: "Context") -> CreditAdjusted | tuple[()]:
    require_not_own(context.user)
    player = book.tree.player_within(context.user, command.player)
    after = require_credit(command.credit_limit_minor)
    if after == player.credit_limit_minor:
        return ()
    return CreditAdjusted(player.number, player.credit_limit_minor, after, command.reason)


@evolves(CreditAdjusted)
def credit_adjusted(book: "Book", event: CreditAdjusted) -> None:
    player = book.touch(book.tree.players[event.player])
    player.credit_limit_minor = event.after_minor
    player.credit_seq = book.seq


class GrantTemporaryCredit(Command, needs=Permission.CREDIT_CHANGE):
    """Give credit on top of the limit until a time, instead of any given before.

    until_ns: until when, in the future.
    """

    player: str
    credit_minor: int
    until_ns: int
    reason: Reason


class TemporaryCreditGranted(Event, shown_to=Permission.FIGURES_VIEW):
    """A player has temporary credit.

    before_minor, before_until_ns: what it replaces, 0 if nothing.
    """

    player: str
    before_minor: int
    before_until_ns: int
    credit_minor: int
    until_ns: int
    reason: str


class ExpireTemporaryCredit(Command):
    """The temporary credit ends (the engine sends it when the timer is due)."""

    player: str


class TemporaryCreditExpired(Event, shown_to=Permission.FIGURES_VIEW):
    """A player's temporary credit has ended."""

    player: str
    credit_minor: int


@decides(GrantTemporaryCredit)
def grant_temporary_credit(book: "Book", command: GrantTemporaryCredit, context: "Context") -> TemporaryCreditGranted:
    require_not_own(context.user)
    player = book.tree.player_within(context.user, command.player)
    if type(command.until_ns) is not int or not context.at_ns < command.until_ns < START_NS_MAX:
        raise Rejected("expiry_invalid", "Temporary credit ends in the future.")
    return TemporaryCreditGranted(
        player.number,
        player.temporary_credit_minor,
        player.temporary_until_ns,
        require_credit(command.credit_minor),
        command.until_ns,
        command.reason,
    )


@evolves(TemporaryCreditGranted)
def temporary_credit_granted(book: "Book", event: TemporaryCreditGranted) -> None:
    player = book.touch(book.tree.players[event.player])
    player.temporary_credit_minor = event.credit_minor
    player.temporary_until_ns = event.until_ns
    player.credit_seq = book.seq
    book.timers.schedule("temporary_credit", event.player, event.until_ns)


@fires("temporary_credit")
def temporary_credit_is_due(subject: str) -> Command:
    return ExpireTemporaryCredit(subject)


@decides(ExpireTemporaryCredit)
def expire_temporary_credit(
    book: "Book", command: ExpireTemporaryCredit, context: "Context"
) -> TemporaryCreditExpired | tuple[()]:
    player = book.tree.players[command.player]
    if not player.temporary_until_ns or context.at_ns < player.temporary_until_ns:
        return ()
    return TemporaryCreditExpired(player.number, player.temporary_credit_minor)


@evolves(TemporaryCreditExpired)
def temporary_credit_expired(book: "Book", event: TemporaryCreditExpired) -> None:
    player = book.touch(book.tree.players[event.player])
    player.temporary_credit_minor = player.temporary_until_ns = 0
    player.credit_seq = book.seq
    book.timers.unschedule("temporary_credit", event.player)


class EnterTransaction(Command, needs=Permission.TRANSACTION_ENTER):
    """Book money that changed hands.

    kind: `receipt` (the player has paid the agent, balance up), `disbursement` (the agent has paid, balance down) or
    `adjustment`.
    amount_minor: > 0 for a receipt or a disbursement; an adjustment has a sign, from the player's side.
    """

    player: str
    kind: TransactionKind
    amount_minor: int
    description: Reason


class TransactionEntered(Event, shown_to=Permission.FIGURES_VIEW):
    """A player's balance moved by a transaction.

    change_minor: from the player's side.
    """

    player: str
    kind: str
    change_minor: int
    description: str


@decides(EnterTransaction)
def enter_transaction(book: "Book", command: EnterTransaction, context: "Context") -> TransactionEntered:
    require_not_own(context.user)
    player = book.tree.player_within(context.user, command.player)
    amount = command.amount_minor
    whole = type(amount) is int and 0 < abs(amount) <= STAKE_MINOR_MAX
    if not whole or (amount < 0 and command.kind != "adjustment"):
        raise Rejected("amount_invalid", "The amount is not one that can be booked.", most=STAKE_MINOR_MAX)
    change = -amount if command.kind == "disbursement" else amount
    if abs(player.balance_minor + change) > max(BALANCE_MINOR_MAX, abs(player.balance_minor)):
        raise Rejected("amount_invalid", "The balance would be larger than can be kept.", most=BALANCE_MINOR_MAX)
    return TransactionEntered(player.number, command.kind, change, command.description)


@evolves(TransactionEntered)
def transaction_entered(book: "Book", event: TransactionEntered) -> None:
    player = book.tree.players[event.player]
    account = ADJUSTMENTS if event.kind == "adjustment" else CASH
    book.ledger.post(player, account, event.change_minor, event.kind, 0, event.description)


class SetPlayerLimits(Command, needs=Permission.LIMITS_CHANGE):
    """Set a player's own limits, tighter than the book's or None for the book's."""

    player: str
    stake_max_minor: int | None
    win_max_minor: int | None
    active: bool
    reason: Reason


class PlayerLimits(msgspec.Struct, frozen=True, gc=False):
    """A player's own limits, None for the book's, and whether the account takes wagers."""

    stake_max_minor: int | None
    win_max_minor: int | None
    active: bool


class PlayerLimitsSet(Event, shown_to=Permission.FIGURES_VIEW):
    """A player has other limits."""

    player: str
    before: PlayerLimits
    after: PlayerLimits
    reason: str


@decides(SetPlayerLimits)
def set_player_limits(book: "Book", command: SetPlayerLimits, context: "Context") -> PlayerLimitsSet | tuple[()]:
    require_not_own(context.user)
    player = book.tree.player_within(context.user, command.player)
    for limit in (command.stake_max_minor, command.win_max_minor):
        if limit is not None and (type(limit) is not int or not 0 <= limit <= STAKE_MINOR_MAX):
            raise Rejected("limits_invalid", "A limit is not negative, and bounded.", most=STAKE_MINOR_MAX)
    before = PlayerLimits(player.stake_max_minor, player.win_max_minor, player.active)
    after = PlayerLimits(command.stake_max_minor, command.win_max_minor, command.active)
    return PlayerLimitsSet(player.number, before, after, command.reason) if before != after else ()


@evolves(PlayerLimitsSet)
def player_limits_set(book: "Book", event: PlayerLimitsSet) -> None:
    player = book.touch(book.tree.players[event.player])
    player.stake_max_minor = event.after.stake_max_minor
    player.win_max_minor = event.after.win_max_minor
    player.active = event.after.active
    player.limits_seq = book.seq


@grounds(AdjustCredit)
@grounds(GrantTemporaryCredit)
def credit_ground(book: "Book", command: AdjustCredit | GrantTemporaryCredit) -> int:
    """The player's credit, also temporary: what they wager with it, win or lose does not change it."""
    player = book.tree.players.get(command.player)
    return player.credit_seq if player else 0


@grounds(EnterTransaction)
def balance_ground(book: "Book", command: EnterTransaction) -> int:
    """The player's balance: transactions and settlements move it, open wagers do not."""
    player = book.tree.players.get(command.player)
    return player.balance_seq if player else 0


@grounds(SetPlayerLimits)
def player_limits_ground(book: "Book", command: SetPlayerLimits) -> int:
    """The player's own limits, and whether the account takes wagers."""
    player = book.tree.players.get(command.player)
    return player.limits_seq if player else 0
