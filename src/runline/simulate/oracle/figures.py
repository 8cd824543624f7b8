"""Figures: all that stands in a stream, as plain values that can be compared, and what follows from it: what everybody may do,
what is pending, and what each node of the tree is exposed to."""

from typing import Any

from runline.simulate.oracle.accounts import available, pending
from runline.simulate.oracle.exposure import exposures
from runline.simulate.oracle.people import may
from runline.simulate.oracle.state import Book, House, Stream
from runline.simulate.oracle.tree import is_below


def figures_of(state: Stream) -> dict[str, Any]:
    """The figures of a stream."""
    found: dict[str, Any] = {
        "permissions": {name: may(state, user) for name, user in state.users.items()},
        "users": {name: vars(user) for name, user in state.users.items()},
        "roles": {name: vars(role) for name, role in state.roles.items()},
        "passwords": dict(state.passwords),
        "sessions": {name: vars(session) for name, session in state.sessions.items()},
        "layers": {"/".join(place): layer.node for place, layer in state.layers.items()},
        "timers": {"/".join(timer): due_ns for timer, due_ns in state.timers.items()},
        "aside": dict(state.aside),
    }
    if isinstance(state, House):
        return {**found, **house_figures(state)}
    return {**found, **book_figures(state)} if isinstance(state, Book) else found


def entries_of(book: Book) -> dict[int, dict[str, Any]]:
    """The ledger's entries, by the position of what made them."""
    return {number: dict(vars(entry)) for number, entry in book.entries.items()}


def house_figures(house: House) -> dict[str, Any]:
    """What stands in the house."""
    return {
        "leagues": dict(house.leagues),
        "games": {name: vars(game) for name, game in house.games.items()},
        "markets": {name: vars(market) for name, market in house.markets.items()},
        "held": {name: vars(held) for name, held in house.held.items()},
        "results": {name: vars(known) for name, known in house.results.items()},
        "archived": {name: known.confirmed_seq for name, (_, _, known) in house.archived.items()},
        "guard": {"/".join(place): rule for place, rule in house.guard.items()},
        "zones": {"/".join(place): zone for place, zone in house.zones.items()},
        "starts": {name: tuple(starts) for name, starts in house.starts.items()},
        "postponed": sorted(house.postponed),
        "windows": {name: tuple(vars(window) for window in windows) for name, windows in house.windows.items()},
        "feeds": {name: vars(feed) for name, feed in house.feeds.items()},
        "wishes": dict(house.wishes),
        "books": {name: owner for name, (owner, _) in house.opened.items()},
    }


def book_figures(book: Book) -> dict[str, Any]:
    """What a book's money stands at, and by what it goes."""
    players = book.players
    markets = sorted({leg.market for ticket in book.open.values() for leg in ticket.legs if leg.ended is None})
    below = {node: [name for name, one in players.items() if is_below(book, node, one.agent)] for node in book.parents}
    waits = {number: pending(book, number) for number in players}
    return {
        "agents": dict(book.parents),
        "players": {number: vars(player) for number, player in players.items()},
        "pending": waits,
        "available": {number: available(book, number, book.at_ns) for number in players},
        "accounts": dict(book.accounts),
        "settings": (book.stake_min, book.stake_max, book.win_max, book.locks_stay_open),
        "large from": {node: amount for node, amount in book.large_from.items() if amount is not None},
        "lines": {name: vars(line) for name, line in book.lines.items()},
        "jobs": {
            number: (job.game, job.stage, job.cursor, job.done, job.house_seq, job.score)
            for number, job in book.jobs.items()
        },
        "taken": book.taken_seq,
        "nodes": {
            node: {
                "balance": sum(players[name].balance for name in names),
                "pending": sum(waits[name] for name in names),
                "open": sum(len(book.of_player.get(name, ())) for name in names),
                "players": len(names),
            }
            for node, names in below.items()
        },
        "exposure": {node: exposures(book, node, markets) for node in book.parents},
        "tickets": {
            number: {
                "status": one.status,
                "result": one.result,
                "returned": one.returned,
                "risk": one.risk,
                "win": one.win,
                "settlement": one.settlement,
                "legs": tuple(leg.ended for leg in one.legs),
            }
            for number, one in book.tickets.items()
        },
    }
