"""Finding: what must be found of what somebody has typed: everything there is, looked at one by one."""

from collections.abc import Callable, Iterable
from typing import Any

from runline.simulate.oracle.asking import Page, Reader
from runline.simulate.oracle.rules import Asked
from runline.simulate.oracle.sight import agent_of
from runline.simulate.oracle.state import Book, Stream
from runline.simulate.oracle.tree import is_below

Row = dict[str, Any]

MOST = 20
LETTERS_MOST = 64


def what_is_found(
    stream: Stream, reader: Reader, asked: Asked, games: Iterable[Any], ticket_of: Callable[[int], Row | None]
) -> Page:
    """A page of `find`. games: those in memory. ticket_of: the ticket of a number, as pages show it."""
    text, limit = asked.text.strip(), min(asked.limit, MOST)
    if not text or len(text) > LETTERS_MOST or not text.isprintable():
        return Page([])
    rows: list[Row] = []
    if not reader.player:
        rows += people(stream, reader, text, limit)
    if "board_view" in reader.may:
        rows += [game_row(game) for game in sorted(games, key=how_near) if is_meant(game, text.casefold())][:limit]
    ticket = ticket_of(int(text)) if text.isdecimal() and len(text) < 20 else None
    if ticket is not None and may_see(stream, reader, ticket["player"]):
        title, player, status = ticket["selection"], ticket["player"], ticket["status"]
        rows.append(row_of("ticket", str(ticket["number"]), title, ticket["agent"], player, status))
    return Page(rows)


def may_see(stream: Stream, reader: Reader, player: str) -> bool:
    """Whether somebody may see a player's tickets."""
    if reader.player:
        return player == reader.player
    return "ticker_view" in reader.may and is_below(stream, reader.node, agent_of(stream, player))


def people(stream: Stream, reader: Reader, text: str, limit: int) -> list[Row]:
    """Players, agents and staff of a part of the tree."""

    def fits(name: str) -> bool:
        return name.startswith((text, text.upper(), text.lower(), text.capitalize()))

    rows: list[Row] = []
    if isinstance(stream, Book) and "figures_view" in reader.may:
        players = sorted((name, one) for name, one in stream.players.items() if fits(name))
        rows += [
            row_of("player", name, "", one.agent, name, "active" if one.active else "revoked")
            for name, one in players
            if is_below(stream, reader.node, one.agent)
        ][:limit]
        agents = sorted(stream.parents.items())
        mine = [(name, parent) for name, parent in agents if fits(name) and is_below(stream, reader.node, name)]
        rows += [row_of("agent", name, "", parent, "", "active") for name, parent in mine[:limit]]
    if "roles_manage" in reader.may:
        staff = [one for name, one in sorted(stream.users.items()) if fits(name) and not one.player]
        rows += [
            row_of("user", one.name, one.role, one.node, "", "active" if one.active else "revoked")
            for one in staff
            if is_below(stream, reader.node, one.node)
        ][:limit]
    return rows


def how_near(game: Any) -> tuple[bool, int, str]:
    """Where a game stands among those that are found."""
    is_over = game.status in ("final", "cancelled")
    return is_over, -game.start_ns if is_over else game.start_ns, game.name


def is_meant(game: Any, typed: str) -> bool:
    """Whether somebody means a game."""
    numbers = (str(game.rotation), str(game.rotation + 1))
    if typed.isdecimal() and any(number.startswith(typed) for number in numbers):
        return True
    return f" {typed}" in f" {game.away} {game.home} {game.name}".casefold()


def game_row(game: Any) -> Row:
    """A game as it is found."""
    return row_of("game", game.name, f"{game.rotation} {game.away} at {game.home}", "", "", game.status)


def row_of(kind: str, name: str, title: str, node: str, player: str, status: str) -> Row:
    return {"kind": kind, "name": name, "title": title, "node": node, "player": player, "status": status}
