"""Ledger: double entry. Every movement of money debits one account and credits another by the same amount.

Rule: the ledger sums to zero, checked at every entry: players' balances and the book's own accounts together.
"""

from typing import ClassVar

from runline.domain.hierarchy import Player, TreeState
from runline.domain.invariants import check
from runline.domain.state import Row

GRADING = "grading"
"""What the book has lost to (−) and won from (+) players by wagers, from the book's side."""

CASH = "cash"
"""What was paid in and out."""

ADJUSTMENTS = "adjustments"
"""What was given or taken by hand."""


class LedgerAccount(Row, table="ledger_accounts"):
    """One of the book's own accounts. Players' accounts are their balances."""

    name: str
    balance_minor: int = 0
    changed_seq: int = 0


class LedgerEntry(Row, table="ledger_entries", read_by=("player",)):
    """A movement: `amount_minor` (> 0) from `debit` to `credit`. Written once, never changed, not kept in memory.

    number: the position of the event that made it.
    kind: won, lost, reversal, receipt, disbursement, adjustment.
    wager: the ticket it belongs to, or 0.
    player: the player whose balance it moves.
    balance_before_minor, balance_after_minor: of that player.
    """

    number: int
    at_ns: int
    kind: str
    debit: str
    credit: str
    amount_minor: int
    player: str
    wager: int
    balance_before_minor: int
    balance_after_minor: int
    description: str
    changed_seq: int = 0


class LedgerState(TreeState):
    """A book's ledger."""

    held: ClassVar[dict[type[Row], str]] = {**TreeState.held, LedgerAccount: "ledger_accounts"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.ledger_accounts: dict[str, LedgerAccount] = {}
        self.ledger_sum_minor = 0

    def derive(self) -> None:
        super().derive()
        self.ledger_sum_minor = sum(account.balance_minor for account in self.ledger_accounts.values()) + sum(
            player.balance_minor for player in self.players.values()
        )
        check(self.ledger_sum_minor == 0, f"the ledger sums to {self.ledger_sum_minor}, not to zero")

    def post(self, player: Player, account: str, change_minor: int, kind: str, wager: int, description: str) -> None:
        """Move a player's balance by `change_minor` against one of the book's accounts."""
        if change_minor == 0:
            return
        other = self.ledger_accounts[account]
        before, other_before = player.balance_minor, other.balance_minor
        self.touch(player).balance_minor = before + change_minor
        player.balance_seq = self.seq
        self.touch(other).balance_minor = other_before - change_minor
        self.ledger_sum_minor += player.balance_minor - before + other.balance_minor - other_before
        check(self.ledger_sum_minor == 0, "an entry does not balance")
        name = f"player:{player.number}"
        debit, credit = (account, name) if change_minor > 0 else (name, account)
        self.touch(
            LedgerEntry(
                self.seq,
                self.at_ns,
                kind,
                debit,
                credit,
                abs(change_minor),
                player.number,
                wager,
                before,
                player.balance_minor,
                description,
            )
        )
