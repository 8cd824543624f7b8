"""Figures: all that stands in a stream, as Runline has it, in the shape of the oracle's figures."""

from collections.abc import Iterable
from typing import Any

import msgspec

from runline.domain.access import Access, Role, User
from runline.domain.accounts import available_minor
from runline.domain.book import Book
from runline.domain.catalog import Fixture, Market, Result
from runline.domain.cluster import Wishes
from runline.domain.held import HeldLine
from runline.domain.hierarchy import Player
from runline.domain.house import House
from runline.domain.lateness import LateWindow
from runline.domain.lines import departure
from runline.domain.nodes import ROOT
from runline.domain.risk import AgentSums
from runline.domain.tickets import Ticket
from runline.domain.watch import Feed

plain = msgspec.to_builtins


def figures(state: Any, tickets: Iterable[Ticket]) -> dict[str, Any]:
    """The figures of a stream. tickets: all of a book's, those too that have left memory."""
    access = state.access
    found: dict[str, Any] = {
        "permissions": {name: permissions_of(access, user) for name, user in access.users.items()},
        "users": {name: of_user(user) for name, user in access.users.items()},
        "roles": {name: of_role(role) for name, role in access.roles.items()},
        "passwords": {name: one.password_seq for name, one in state.credentials.by_user.items()},
        "sessions": {name: of_row(one, "name") for name, one in state.sessions.by_name.items()},
        "layers": {"/".join(place): layer.node for place, layer in state.suspensions.layers.items()},
        "timers": {"/".join(which): timer.due_ns for which, timer in state.timers.by_subject.items()},
        "aside": {number: row.duty for number, row in state.aside.by_number.items()},
    }
    if isinstance(state, House):
        return {**found, **in_house(state)}
    return {**found, **in_book(state, tickets)} if isinstance(state, Book) else found


def permissions_of(access: Access, user: User) -> tuple[str, ...]:
    held = access.held_by(user) if user.active else ()
    return tuple(one for one in access.roles[user.role].permissions if one in held)


def of_row(row: Any, *without: str) -> dict[str, Any]:
    """A row's fields."""
    fields = plain(row)
    return {name: fields[name] for name in fields if name not in (*without, "changed_seq")}


def of_user(user: User) -> dict[str, Any]:
    pairs = {
        "revoked": (user.revoked_node, user.revoked_role),
        "lowered": (user.lowered_node, user.lowered_role),
    }
    return {
        "name": user.name,
        "node": user.node,
        "role": user.role,
        "player": user.player,
        "active": user.active,
        **pairs,
    }


def of_role(role: Role) -> dict[str, Any]:
    narrowed = (role.narrowed_node, role.narrowed_role)
    return {"node": role.node, "permissions": role.permissions, "narrowed": narrowed}


def of_game(row: Fixture) -> dict[str, Any]:
    return of_row(row, "age")


def of_market(row: Market) -> dict[str, Any]:
    fields = of_row(row, "age", "fixture", "line_quarters", "off_board")
    return {**fields, "game": row.fixture, "line": row.line_quarters, "off": row.off_board, "seq": row.changed_seq}


def of_held(row: HeldLine) -> dict[str, Any]:
    fields = of_row(row, "fixture", "line_quarters", "held_seq", "held_ns")
    return {
        **fields,
        "game": row.fixture,
        "line": row.line_quarters,
        "seq": row.held_seq,
        "at_ns": row.held_ns,
    }


def of_result(row: Result) -> dict[str, Any]:
    return {**of_row(row, "fixture", "age", "confirmations"), "times": row.confirmations}


def of_window(row: LateWindow) -> dict[str, Any]:
    return {**of_row(row, "fixture"), "seq": row.changed_seq}


def of_feed(row: Feed) -> dict[str, Any]:
    return of_row(row, "name")


def of_player(row: Player) -> dict[str, Any]:
    return {
        "agent": row.agent,
        "credit": row.credit_limit_minor,
        "temporary": row.temporary_credit_minor,
        "until_ns": row.temporary_until_ns,
        "balance": row.balance_minor,
        "stake_max": row.stake_max_minor,
        "win_max": row.win_max_minor,
        "active": row.active,
    }


def of_ticket(row: Ticket) -> dict[str, Any]:
    return {
        "status": row.status,
        "result": row.result,
        "returned": row.returned_minor,
        "risk": row.risk_minor,
        "win": row.win_minor,
        "settlement": row.settlement,
        "legs": plain(tuple(leg.ended for leg in row.legs)),
    }


def in_house(house: House) -> dict[str, Any]:
    catalog, lateness = house.catalog, house.lateness
    archived = {name: row.confirmed_seq for name, row in catalog.archived.items()}
    return {
        "leagues": {name: row.sport for name, row in catalog.leagues.items()},
        "games": {name: of_game(row) for name, row in catalog.fixtures.items()},
        "markets": {name: of_market(row) for name, row in catalog.markets.items()},
        "held": {name: of_held(row) for name, row in house.held_lines.by_market.items()},
        "results": {name: of_result(row) for name, row in catalog.results.items()},
        "archived": archived,
        "guard": {"/".join(place): (row.limit, row.action) for place, row in house.guard.rules.items()},
        "zones": {"/".join(place): row.zone for place, row in house.zones.by_place.items()},
        "starts": {
            name: tuple((row.until_seq, row.start_ns) for row in rows) for name, rows in lateness.starts_of.items()
        },
        "postponed": sorted(lateness.postponed),
        "windows": {name: tuple(of_window(row) for row in rows) for name, rows in lateness.windows_of.items()},
        "feeds": {name: of_feed(row) for name, row in house.watch.feeds.items()},
        "wishes": {
            subject: (one.wanted, one.cluster_node, one.changed_seq)
            for subject, one in house.part(Wishes).by_subject.items()
        },
        "books": {name: row.owner for name, row in house.books.by_name.items()},
    }


def in_book(book: Book, tickets: Iterable[Ticket]) -> dict[str, Any]:
    players, settings = book.tree.players, book.settings.current
    markets = sorted(book.risk.stands(ROOT))
    limits = (settings.stake_min_minor, settings.stake_max_minor, settings.win_max_minor)
    return {
        "agents": {name: row.parent for name, row in book.tree.agents.items()},
        "players": {number: of_player(row) for number, row in players.items()},
        "pending": {number: book.risk.pending.get(number, 0) for number in players},
        "available": {number: available_minor(book, player, book.at_ns) for number, player in players.items()},
        "accounts": {name: account.balance_minor for name, account in book.ledger.accounts.items()},
        "settings": (*limits, settings.locks_stay_open),
        "large from": {
            node: row.least_minor for node, row in book.large_wagers.by_node.items() if row.least_minor is not None
        },
        "lines": {name: plain(departure(row)) for name, row in book.lines.by_market.items()},
        "jobs": {
            number: (job.subject, job.stage, job.cursor, job.done, by.house_seq, plain(by.score))
            for number, job in book.jobs.by_number.items()
            for by in [book.settlement.by_job[number]]
        },
        "taken": book.results_taken.house_seq,
        "nodes": {
            node: {
                "balance": sums.balance_minor,
                "pending": sums.pending_minor,
                "open": sums.open_wagers,
                "players": sums.players,
            }
            for node in book.tree.agents
            for sums in [book.risk.sums.get(node, AgentSums())]
        },
        "exposure": {
            node: {
                market: {"worst": one.worst.exposure_minor, "best": one.best.exposure_minor, "sides": one.sides}
                for market in markets
                for one in [book.risk.exposure(market, node)]
            }
            for node in book.tree.agents
        },
        "tickets": {row.number: of_ticket(row) for row in tickets},
    }
