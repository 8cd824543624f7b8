"""Closing: the figures of the day that is over, and whether the live log agrees with the books themselves."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from runline.demo.summary import Running, hold_text, open_wagers
from runline.demo.terminal import Figures, Terminal
from runline.demo.view import money
from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.messages import HOUSE, Rejected
from runline.engine.engine import Engine
from runline.evaluate.terminal import show_trace
from runline.evaluate.trace import trace


class Closed(msgspec.Struct, frozen=True):
    """What a book itself says, as of a position. Amounts in minor units.

    balances_minor: the sum of the players' balances. ledger_minor: the sum of every account of the ledger, theirs among them.
    """

    position: int
    open_wagers: int
    balances_minor: int
    ledger_minor: int


def closed(book: Book) -> Closed:
    """Read a book's sums."""
    balances = sum(player.balance_minor for player in book.tree.players.values())
    own = sum(account.balance_minor for account in book.ledger.accounts.values())
    return Closed(book.seq, open_wagers(book), balances, balances + own)


async def is_settled(engine: Engine, books: Sequence[str]) -> bool:
    """Whether every book has taken every confirmed result and has no settlement left to do."""

    def last_confirmed(house: House) -> int:
        return max((result.confirmed_seq for result in house.catalog.results.values()), default=0)

    try:
        _, confirmed_seq = await engine.query(HOUSE, last_confirmed)
        for name in books:
            _, (taken_seq, jobs) = await engine.query(
                name, lambda book: (book.results_taken.house_seq, len(book.jobs.by_number))
            )
            if jobs or taken_seq < confirmed_seq:
                return False
    except Rejected:
        return False
    return True


def faults_of(terminal: Terminal, books: dict[str, Closed], *, ended: bool) -> list[str]:
    """What should not be so, in words: the live log, folded, says something else than a book; or, if the day has ended,
    wagers are open still."""
    found: list[str] = []
    for name, book in books.items():
        figures = terminal.figures[name]
        for what, ours, theirs in (
            ("position", terminal.books[name].seq, book.position),
            ("open wagers", open_wagers(terminal.books[name]), book.open_wagers),
            ("net win", figures.net_win_minor, -book.balances_minor),
            ("sum of the ledger", 0, book.ledger_minor),
        ):
            if ours != theirs:
                found.append(f"{name}: {what} is {theirs:,}, but {ours:,} by the live log")
        if ended and book.open_wagers:
            found.append(f"{name}: {book.open_wagers:,} wagers are open after the last result")
    return found


def show_books(console: Console, figures: dict[str, Figures], books: dict[str, Closed]) -> None:
    """A column for each book. The figures are those of the live log, the last three are the book's own."""
    table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0), header_style="dim")
    table.add_column("")
    for name in books:
        table.add_column(name, justify="right")
    standing = [(figures[name], book) for name, book in books.items()]
    for label, texts in (
        ("wagers", [f"{figure.wagers:,}" for figure, _ in standing]),
        ("voided", [f"{figure.voided:,}" for figure, _ in standing]),
        ("handle", [money(figure.handle_minor) for figure, _ in standing]),
        ("settled handle", [money(figure.settled_minor) for figure, _ in standing]),
        ("net win", [money(figure.net_win_minor) for figure, _ in standing]),
        ("hold", [hold_text(figure) for figure, _ in standing]),
        ("open wagers", [f"{book.open_wagers:,}" for _, book in standing]),
        ("players' balances", [money(book.balances_minor) for _, book in standing]),
        ("sum of the ledger", [money(book.ledger_minor) for _, book in standing]),
    ):
        table.add_row(label, *texts)
    console.print(table)


def show_refusals(console: Console, running: Running) -> None:
    """A row for each code: whose commands it refused, and how often."""
    sources: dict[str, Counter[str]] = {
        "wagers": running.bettors.refused,
        "staff": refusals(running.operators.outcomes),
        "feed": refusals(running.feed.outcomes),
    }
    codes = sum(sources.values(), Counter())
    if not codes:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("refused")
    for name in sources:
        table.add_column(name, justify="right")
    for code, _ in codes.most_common():
        table.add_row(code, *(f"{source[code]:,}" if source[code] else "" for source in sources.values()))
    console.print(table)


def refusals(outcomes: Counter[str]) -> Counter[str]:
    """The codes of refusals among outcomes."""
    return Counter({code: number for code, number in outcomes.items() if code not in ("changed", "unchanged")})


def show_largest(console: Console, running: Running, database: Path) -> None:
    """The way of the largest ticket through the engine."""
    largest = running.bettors.largest
    found = trace(database, largest.command) if largest else None
    if largest is None or found is None:
        return
    console.print(
        f"The largest wager, {money(largest.risk_minor)}: ticket {largest.number:,} of {largest.book}, as `trace` shows it:",
        highlight=False,
    )
    show_trace(console, found)
