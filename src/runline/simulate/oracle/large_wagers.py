"""Large wagers: from which amount at risk on a wager is large, to whoever looks at a node."""

from typing import Any

from runline.simulate.oracle.accounts import AMOUNT_MOST
from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.asking import Page, Reader, cut, nodes_in_order, page
from runline.simulate.oracle.rules import REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Book, House
from runline.simulate.oracle.tree import a_node, upwards


def large_from(book: Book, nodes: list[str]) -> int:
    """What counts by some nodes, the first that has an amount of its own before the others; half of the largest stake by none."""
    said = [amount for amount in map(book.large_from.get, nodes) if amount is not None]
    return said[0] if said else (book.stake_max + 1) // 2


def is_large(book: Book, node: str, risk: int) -> bool:
    """Whether a wager is large to whoever looks at a node."""
    least = large_from(book, upwards(book, node))
    return least > 0 and risk >= least


@command("SetLargeWager", needs="settings_change", reasons=REASON)
def set_large_wager(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    a_node(book, moment.user, asked.node)
    least = asked.least_minor
    refuse_unless(least is None or 0 <= least <= AMOUNT_MOST, "amount_invalid", most=AMOUNT_MOST)
    before = book.large_from.get(asked.node)
    if least == before:
        return []
    return [happens("LargeWagerSet", node=asked.node, before_minor=before, after_minor=least, reason=asked.reason)]


@event("LargeWagerSet")
def large_wager_set(book: Book, at: Asked) -> None:
    book.large_from[at.node] = at.after_minor
    book.touch("large", at.node)


@ground("SetLargeWager")
def large_wager_ground(book: Book, asked: Asked) -> int:
    looked_at = [("settings", "")]
    if asked.node in book.parents:
        looked_at += [(what, node) for node in upwards(book, asked.node) for what in ("large", "agent")]
    return max(book.when_moved(*one) for one in looked_at)


@page("large_wagers", "ticker_view")
def large_wagers(book: Book, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    if asked.node:
        a_node(book, reader.user, asked.node)
        return Page([] if asked.after else [row(book, asked.node)])
    nodes = nodes_in_order(book, reader.node)
    if asked.after:
        nodes = nodes[nodes.index(asked.after) + 1 :] if asked.after in nodes else []
    return cut([(node, row(book, node)) for node in nodes], asked.limit)


def row(book: Book, node: str) -> dict[str, Any]:
    """What counts at a node, by its own amount and without."""
    path = upwards(book, node)
    own = book.large_from.get(node)
    return {
        "node": node,
        "least_minor": large_from(book, path),
        "own_minor": own,
        "above_minor": large_from(book, path[1:]),
    }
