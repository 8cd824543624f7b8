"""Listing: `runline player`, `wagers` and `log`: what stands, in a table or as JSON."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from runline.client import AsyncClient
from runline.remote.calling import call
from runline.remote.declared import require_events
from runline.remote.keeping import SignIn
from runline.remote.where import Where
from runline.remote.words import Row, amount, fields_in_words, time_of
from runline.shell import DONE, FAILED, UnusableError, complain, in_words

TICKETS_SHOWN = 20
MOVEMENTS_SHOWN = 10
PAGE_ROWS = 100


class Found(msgspec.Struct):
    """Rows of a query. more: whether there are more than were asked for. position: at which they are true."""

    rows: list[Row]
    more: bool
    position: int


async def rows_of(client: AsyncClient, query: str, most: int, **params: Any) -> Found:
    """Up to `most` rows of a query, from as many pages as it takes."""
    rows: list[Row] = []
    after, position = "", 0
    with Console(stderr=True).status(f"{query} …") as status:
        while True:
            page = await client.ask(query, limit=min(PAGE_ROWS, most), after=after, **params)
            rows += page.items
            position = position or page.position
            after = page.next
            if not after or len(rows) >= most:
                return Found(rows[:most], bool(after) or len(rows) > most, position)
            status.update(f"{query}: {len(rows):,} …")


def say_rows(rows: list[Row]) -> None:
    """Rows as JSON, a line each."""
    for row in rows:
        print(msgspec.json.encode(row).decode())


def terminal() -> Console:
    """Where tables go: as wide as they are where it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def show_player(where: Where, number: str, *, as_json: bool) -> int:
    """`runline player`: 0, 1 if it is refused or there is none."""

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        account = await client.ask("players", player=number)
        if not account.items or account.items[0]["player"] != number:
            return complain(f"there is no player {number} whom {sign_in.user or 'you'} may see", FAILED)
        (card,) = account.items
        at_least = account.position
        tickets = await rows_of(client, "wagers", TICKETS_SHOWN, player=number, status="open", at_least=at_least)
        ledger = await rows_of(client, "ledger", MOVEMENTS_SHOWN, player=number, at_least=at_least)
        if as_json:
            said = {"position": account.position, "player": card, "open": tickets.rows, "ledger": ledger.rows}
            print(msgspec.json.encode(said).decode())
        else:
            show_card(card, tickets, ledger, account.position)
        return DONE

    return call(where, work)


def show_card(card: Row, tickets: Found, ledger: Found, position: int) -> None:
    """An account on the terminal."""
    console = terminal()
    open_or_closed = "open" if card["active"] else "closed: takes no wagers"
    console.print(f"[bold]{card['player']}[/bold], below {card['agent']}, {open_or_closed}; as of #{position:,}\n")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("balance", amount(card["balance_minor"]))
    table.add_row("credit limit", amount(card["credit_limit_minor"]))
    if card["temporary_credit_minor"]:
        table.add_row("temporary credit", amount(card["temporary_credit_minor"]))
    table.add_row("pending", amount(card["pending_minor"]))
    table.add_row("available", amount(card["available_minor"]))
    for label, name in (("largest stake", "stake_max_minor"), ("largest win", "win_max_minor")):
        if card[name] is not None:
            table.add_row(label, amount(card[name]))
    console.print(table)
    console.print("\n[bold]Open tickets[/bold]" if tickets.rows else "\nNo open tickets.")
    if tickets.rows:
        console.print(table_of(tickets.rows))
    if tickets.more:
        console.print(f"and older ones: runline wagers --player {card['player']} --status open")
    console.print("\n[bold]Last movements[/bold]" if ledger.rows else "\nNo movements of money.")
    if ledger.rows:
        moved = Table(box=None, pad_edge=False)
        for name in ("time", "", "amount", "balance"):
            moved.add_column(name, justify="right" if name in ("amount", "balance") else "left")
        for row in ledger.rows:
            change = row["balance_after_minor"] - row["balance_before_minor"]
            what = f"{row['kind']} #{row['wager']:,}" if row["wager"] else row["kind"]
            moved.add_row(time_of(row["at_ns"]), what, amount(change), amount(row["balance_after_minor"]))
        console.print(moved)


def table_of(tickets: list[Row]) -> Table:
    """Tickets in a table."""
    table = Table(box=None, pad_edge=False)
    for name in ("time", "ticket", "player", "wager", "risk", "to win", ""):
        table.add_column(
            name, justify="right" if name in ("ticket", "risk", "to win") else "left", no_wrap=name != "wager"
        )
    for row in tickets:
        became = str(row["result"] or row["status"])
        if row["returned_minor"] is not None:
            became += f", returned {amount(row['returned_minor'])}"
        table.add_row(
            time_of(row["placed_ns"]),
            f"#{row['number']:,}",
            row["player"],
            row["selection"],
            amount(row["risk_minor"]),
            amount(row["win_minor"]),
            became,
        )
    return table


def show_wagers(where: Where, most: int, *, as_json: bool, **filters: str | int) -> int:
    """`runline wagers`: 0, 1 if it is refused."""

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        found = await rows_of(client, "wagers", most, **filters)
        if as_json:
            say_rows(found.rows)
        elif not found.rows:
            print("No wagers.")
        else:
            terminal().print(table_of(found.rows))
            if found.more:
                print(f"The first {len(found.rows):,}; --last shows more.")
        return DONE

    return call(where, work)


def show_log(where: Where, most: int, *, as_json: bool, **filters: str) -> int:
    """`runline log`: 0, 1 if it is refused, 2 if there is no such event."""
    try:
        require_events(filter(None, [filters.get("type", "")]))
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        found = await rows_of(client, "log", most, **filters)
        if as_json:
            say_rows(found.rows)
        elif not found.rows:
            print("No activity.")
        else:
            table = Table(box=None, pad_edge=False)
            for name in ("time", "#", "by", "what", ""):
                table.add_column(name, justify="right" if name == "#" else "left", no_wrap=bool(name))
            for row in found.rows:
                what = in_words(row["event"]["type"])
                table.add_row(
                    time_of(row["at_ns"]), f"{row['seq']:,}", row["actor"], what, fields_in_words(row["event"])
                )
            terminal().print(table)
            if found.more:
                print(f"The newest {len(found.rows):,}; --last shows more.")
        return DONE

    return call(where, work)
