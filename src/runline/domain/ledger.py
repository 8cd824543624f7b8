"""Ledger: double entry. Every movement of money debits one account and credits another by the same amount.

Rule: the ledger sums to zero, checked at every entry: players' balances and the book's own accounts together.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from runline.domain.hierarchy import Player
from runline.domain.invariants import check
from runline.domain.state import Part, Row, at_once, by_pieces

if TYPE_CHECKING:
    from runline.domain.book import Book

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


class Movement(msgspec.Struct):
    """A movement of money: `amount_minor` (> 0) from `debit` to `credit`.

    number: the position of the event that made it.
    kind: `won`, `lost`, `reversal`, `receipt`, `disbursement`, `adjustment`.
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


class LedgerEntry(Row, Movement, table="ledger_entries", read_by=("player",)):
    """A movement as it is stored. Written once, never changed, not kept in memory."""

    changed_seq: int = 0


class Ledger(Part, named="ledger", streams=("book",), keeps={LedgerAccount: "accounts"}):
    """A book's ledger."""

    __slots__ = ("accounts", "sum_minor", "tree")

    def __init__(self, book: "Book") -> None:
        super().__init__(book)
        self.tree = book.tree
        self.accounts: dict[str, LedgerAccount] = {}
        self.sum_minor = 0

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        self.sum_minor = sum(account.balance_minor for account in self.accounts.values())
        for players in by_pieces(self.tree.players.values()):
            self.sum_minor += sum(player.balance_minor for player in players)
            yield
        check(self.sum_minor == 0, f"the ledger sums to {self.sum_minor}, not to zero")

    def open(self, account: LedgerAccount) -> None:
        """Take in one of a new book's accounts."""
        self.accounts[account.name] = self.state.touch(account)

    def post(self, player: Player, account: str, change_minor: int, kind: str, wager: int, description: str) -> None:
        """Move a player's balance by `change_minor` against one of the book's accounts."""
        if change_minor == 0:
            return
        state, other = self.state, self.accounts[account]
        before, other_before = player.balance_minor, other.balance_minor
        state.touch(player).balance_minor = before + change_minor
        player.balance_seq = state.seq
        state.touch(other).balance_minor = other_before - change_minor
        self.sum_minor += player.balance_minor - before + other.balance_minor - other_before
        check(self.sum_minor == 0, "an entry does not balance")
        name = f"player:{player.number}"
        debit, credit = (account, name) if change_minor > 0 else (name, account)
        state.write(
            LedgerEntry(
                state.seq,
                state.at_ns,
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
