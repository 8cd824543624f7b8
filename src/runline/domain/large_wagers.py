"""Large wagers: from which amount at risk on a wager is large, so that whoever looks at a node is told of it.

Rule: a node goes by its own amount, else by that of the nearest node above that has one; the whole book, without one, by half of
its largest stake. What a wager is to somebody is said by the node that they look at, not by that of its player.
"""

from typing import TYPE_CHECKING

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.bounds import STAKE_MINOR_MAX
from runline.domain.hierarchy import Agent
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.ordered import Ordered
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import nodes_from, page_of
from runline.domain.settings import BookSettings, LimitsSet
from runline.domain.state import Part, Row

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context
    from runline.domain.house import House

LARGE_SHARE = 2
"""Where nobody has said more, a wager is large from the book's largest stake divided by this."""


class LargeFrom(Row, table="large_from"):
    """From where on a wager is large at a node: one row for each that has had an amount of its own.

    least_minor: the least risk that is large, in minor units; 0: none is; None: it goes by the node above again.
    """

    node: str
    least_minor: int | None = None
    changed_seq: int = 0


class LargeWagers(Part, named="large_wagers", keeps={LargeFrom: "by_node"}):
    """From where on wagers are large in a book."""

    __slots__ = ("by_node", "least_minor", "lowest", "settings", "tree")

    def __init__(self, book: "Book") -> None:
        super().__init__(book)
        self.tree, self.settings = book.tree, book.settings
        self.by_node: dict[str, LargeFrom] = {}
        self.lowest: Ordered[tuple[int, str]] = Ordered()
        """The amounts that nodes have of their own, the least first, without those at which none is large."""
        self.least_minor = 0
        """The least risk that is large to anybody in the book; 0 if none is. Of most wagers nothing else is looked at."""

    def derive(self) -> None:
        self.lowest = Ordered((row.least_minor, row.node) for row in self.by_node.values() if row.least_minor)
        if self.settings.by_book:
            self.find_least()

    def find_least(self) -> None:
        """Find the least that is large to anybody."""
        book_minor = self.least_at(ROOT)
        own_minor, _ = next(iter(self.lowest), (book_minor, ROOT))
        self.least_minor = min(own_minor, book_minor or own_minor)

    def put(self, node: str, least_minor: int | None) -> None:
        """Give a node an amount of its own, or let it go by the node above."""
        row = self.by_node.setdefault(node, LargeFrom(node))
        if row.least_minor:
            self.lowest.discard((row.least_minor, node))
        self.state.touch(row).least_minor = least_minor
        if least_minor:
            self.lowest.add((least_minor, node))
        self.find_least()

    def own_at(self, node: str) -> int | None:
        """The amount that a node has of its own, None if it goes by the node above."""
        row = self.by_node.get(node)
        return row.least_minor if row else None

    def least_at(self, node: str) -> int:
        """The least risk that is large to whoever looks at a node, in minor units; 0 if none is."""
        return self.least_of(self.tree.chain(node))

    def least_of(self, chain: list[str]) -> int:
        """The same by a node and all above it; by none it is what counts without an amount of anybody's own."""
        for node in chain:
            own_minor = self.own_at(node)
            if own_minor is not None:
                return own_minor
        return -(-self.settings.current.stake_max_minor // LARGE_SHARE)

    def is_large(self, risk_minor: int, node: str) -> bool:
        """Whether a wager is large to whoever looks at a node."""
        return 0 < self.least_at(node) <= risk_minor


class SetLargeWager(Command, needs=Permission.SETTINGS_CHANGE):
    """Say from which risk on a wager is large at a node: whoever looks there is told of it (the notification `large_wager`).

    node: in whose subtree the player stands. Nodes below without an amount of their own go by it too.
    least_minor: the least risk that is large, in minor units, ≥ 0. 0: none is. None: as at the node above; at the root half of
    the book's largest stake.
    """

    node: str
    least_minor: int | None
    reason: Reason


class LargeWagerSet(Event):
    """From another risk on a wager is large at a node.

    before_minor, after_minor: the node's own amount, None for that of the node above.
    """

    node: str
    before_minor: int | None
    after_minor: int | None
    reason: str


@decides(SetLargeWager)
def set_large_wager(book: "Book", command: SetLargeWager, context: "Context") -> LargeWagerSet | tuple[()]:
    book.tree.require_node(context.user, command.node)
    after = command.least_minor
    if after is not None and (type(after) is not int or not 0 <= after <= STAKE_MINOR_MAX):
        raise Rejected("amount_invalid", "An amount at risk is not negative, and bounded.", most=STAKE_MINOR_MAX)
    before = book.large_wagers.own_at(command.node)
    return LargeWagerSet(command.node, before, after, command.reason) if before != after else ()


@evolves(LargeWagerSet)
def large_wager_set(book: "Book", event: LargeWagerSet) -> None:
    book.large_wagers.put(event.node, event.after_minor)


@evolves(LimitsSet)
def half_of_the_largest_stake_moves(book: "Book", event: LimitsSet) -> None:
    book.large_wagers.find_least()


@grounds(SetLargeWager)
def large_wager_ground(book: "Book", command: SetLargeWager) -> int:
    """What counts at the node: its own amount, those above, where it hangs, the book's limits."""
    chain = book.tree.chain(command.node) if book.tree.known(command.node) else ()
    rows = ((kind, node) for node in chain for kind in (LargeFrom, Agent))
    return max(book.moved_seq(kind, key) for kind, key in (*rows, (BookSettings, book.stream)))


class LargeWagerRow(msgspec.Struct):
    """From which risk on a wager is large at a node, in minor units; 0: none is.

    least_minor: what counts there. own_minor: the node's own amount, None if it goes by the node above. above_minor: what counts
    without one of its own.
    """

    node: str
    least_minor: int
    own_minor: int | None
    above_minor: int


class LargeWagersAsked(Asked[LargeWagerRow], frozen=True, kw_only=True):
    """node: only that one of my subtree."""

    node: str = ""


@query("large_wagers", needs=Permission.TICKER_VIEW, asked=LargeWagersAsked, row=LargeWagerRow)
def large_wagers(
    book: "Book", house: "House", user: User, audience: Audience, asked: LargeWagersAsked, now_ns: int
) -> Page:
    """From which risk on a wager is large, at every node of my subtree."""
    if asked.node:
        book.tree.require_node(user, asked.node)
        return Page([large_wager_row(book, asked.node)] if not asked.after else [])
    rows = (large_wager_row(book, node) for node in nodes_from(book, audience.node, asked.after) if node != asked.after)
    return page_of(rows, asked, lambda row: row.node)


def large_wager_row(book: "Book", node: str) -> LargeWagerRow:
    """What counts at a node."""
    large, chain = book.large_wagers, book.tree.chain(node)
    return LargeWagerRow(node, large.least_of(chain), large.own_at(node), large.least_of(chain[1:]))
