"""Bench `pages`: what a page of each list costs the loop in a book with many of everything, from the first page to the last.

A page is found, made and written as JSON in one step, in which nothing else happens. Floor: writing the rows of the dearest page
of players, which are made already.
"""

import gc
import os
import time
from pathlib import Path

import msgspec

from runline.bootstrap import running_engine
from runline.domain.access import User
from runline.domain.audience import audience_of
from runline.domain.board import PostLines
from runline.domain.book import Book
from runline.domain.fixtures import CreateFixture
from runline.domain.hierarchy import CreateAgent
from runline.domain.house import House
from runline.domain.messages import HOUSE, Command
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Page
from runline.domain.roles import SetRole
from runline.domain.suspension import Suspend
from runline.domain.users import CreateUser
from runline.engine.bus import Bus
from runline.evaluate.bench.load import BOOK, HOUR_NS, LINES, OWNER, loaded, player_number, send_all, set_up
from runline.store.memory import MemoryStore

LISTS = ("players", "users", "figures", "board", "roles", "suspensions")
LEVELS = 12
CLERK = "clerk"
CLERKS_NODE = "A5"
ROUNDS = 5


async def fill(bus: Bus, players: int) -> None:
    """A book with so many players, a tenth as many agents, a twentieth as many games, and some thousand roles and layers."""
    await set_up(bus, players, LEVELS)
    start_ns = time.time_ns() + 24 * HOUR_NS
    games: list[Command] = []
    for number in range(players // 20):
        name = f"G{number:06d}"
        games += (
            CreateFixture(name, "MLB", 10_001 + 2 * number, "Visitors", "Home", start_ns),
            PostLines(name, 1, LINES),
        )
    await send_all(bus, HOUSE, "platform", games)
    agents: list[Command] = [CreateAgent(f"B{number:06d}", f"A{number % 10}") for number in range(players // 10)]
    await send_all(bus, BOOK, OWNER, agents)
    nodes = [f"A{number % 10}-{number // 10 % 10}+{LEVELS - 1}" for number in range(players // 25)]
    roles: list[Command] = [
        SetRole(f"R{number:06d}", node, (Permission.BOARD_VIEW,), "bench") for number, node in enumerate(nodes)
    ]
    layers: list[Command] = [Suspend("player", player_number(20 * number), "bench") for number in range(players // 20)]
    everything = (Permission.FIGURES_VIEW, Permission.BOARD_VIEW, Permission.ROLES_MANAGE, Permission.SUSPEND)
    clerk: list[Command] = [SetRole(CLERK, CLERKS_NODE, everything, "bench"), CreateUser(CLERK, CLERKS_NODE, CLERK)]
    await send_all(bus, BOOK, OWNER, roles + layers + clerk)


def page_ms(house: House, book: Book, user: User, name: str, after: str, now_ns: int) -> tuple[float, Page]:
    """(milliseconds of the loop, the largest page of a list after a place): the best of some rounds, for what disturbs a machine
    only ever adds."""
    query = book.vocabulary.queries[name]
    assert query.show is not None
    asked = query.asked(after=after, limit=query.rows_max)
    best_ns = 2**62
    page = Page([])
    for _ in range(ROUNDS):
        before_ns = time.thread_time_ns()
        page = query.show(book, house, user, audience_of(book, user), asked, now_ns)
        msgspec.json.encode(page)
        best_ns = min(best_ns, time.thread_time_ns() - before_ns)
    return best_ns / 1e6, page


def walk(house: House, book: Book, user: User, name: str, now_ns: int) -> tuple[float, Page, int]:
    """(the milliseconds of the dearest page of a list, that page, how many rows all pages have)."""
    dearest_ms, dearest, rows = 0.0, Page([]), 0
    after = ""
    while True:
        took_ms, page = page_ms(house, book, user, name, after, now_ns)
        if took_ms > dearest_ms:
            dearest_ms, dearest = took_ms, page
        rows += len(page.items)
        after = page.next
        if not after:
            return dearest_ms, dearest, rows


def written_ms(page: Page) -> float:
    """How long the rows of a page take to be written, in milliseconds."""
    best_ns = 2**62
    for _ in range(10 * ROUNDS):
        before_ns = time.thread_time_ns()
        msgspec.json.encode(page)
        best_ns = min(best_ns, time.thread_time_ns() - before_ns)
    return best_ns / 1e6


async def bench_pages(folder: Path, *, players: int) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    store = MemoryStore(os.urandom)
    async with running_engine(store) as (engine, bus):
        await fill(bus, players)
        house, books = await loaded(store, engine.vocabulary)
        book, now_ns = books[BOOK], engine.clock.now_ns()
        users = book.access.users
        gc.collect()
        found = {name: walk(house, book, users[OWNER], name, now_ns) for name in LISTS}
        below = {name: walk(house, book, users[CLERK], name, now_ns) for name in LISTS}
        if found["players"][2] != players:
            raise RuntimeError(f"the pages have {found['players'][2]} of {players} players")
        figures = {"players_page_ms_max": max(found["players"][0], below["players"][0])}
        figures["page_ms_max"] = max(took_ms for took_ms, _, _ in (*found.values(), *below.values()))
        for name in LISTS[1:]:
            figures[f"{name}_page_ms_max"] = max(found[name][0], below[name][0])
        figures |= {f"{name}_rows": float(found[name][2]) for name in LISTS}
        return figures, {"players_page_ms_max": written_ms(found["players"][1])}
