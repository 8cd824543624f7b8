"""Standing: what accounts and markets must be shown in the order of a figure, all of them worked out one by one."""

from collections.abc import Callable, Mapping
from typing import Any

from runline.simulate.oracle.answers import refuse_unless
from runline.simulate.oracle.asking import Page, Reader, cut
from runline.simulate.oracle.exposure import open_legs
from runline.simulate.oracle.pages import exposure_row, player_row
from runline.simulate.oracle.rules import Asked
from runline.simulate.oracle.sight import agent_of
from runline.simulate.oracle.state import ROOT, Book, Stream
from runline.simulate.oracle.tree import is_below

Row = dict[str, Any]
Key = tuple[int, str]

FIGURES = {"balance": "balance_minor", "pending": "pending_minor", "available": "available_minor"}


def part_of(stream: Stream, reader: Reader, node: str, player: str = "") -> tuple[Book, str]:
    """The book, and the top of what is asked about."""
    assert isinstance(stream, Book)
    if player:
        refuse_unless(is_below(stream, reader.node, agent_of(stream, player)), "not_permitted")
    if node:
        refuse_unless(is_below(stream, reader.node, node), "not_permitted")
        refuse_unless(node in stream.parents, "unknown_agent", agent=node)
    return stream, node or reader.node


def accounts(stream: Stream, reader: Reader, asked: Asked, now_ns: int) -> Page:
    book, top = part_of(stream, reader, asked.agent)
    rows = []
    for name, player in book.players.items():
        if is_below(book, top, player.agent) and asked.active in ("", "yes" if player.active else "no"):
            rows.append(player_row(book, name, now_ns) | {"open_wagers": len(book.of_player.get(name, {}))})
    figure = {**FIGURES, "credit": "credit_limit_minor"}.get(asked.sort)
    return in_order(rows, asked, lambda row: (row[figure] if figure else 0, row["player"]), by_name=not figure)


def risk(stream: Stream, reader: Reader, asked: Asked, games: Mapping[str, Any]) -> Page:
    book, top = part_of(stream, reader, asked.node, asked.player)
    rows = []
    for market, legs in open_legs(book, top, asked.player).items():
        fixture = market.rsplit(":", 2)[0]
        game = games.get(fixture)
        names = ("league", "sport", "rotation", "away", "home", "start_ns", "status")
        about = {name: getattr(game, name, 0 if name in ("rotation", "start_ns") else "") for name in names}
        about["fixture"] = fixture
        if all(asked.fields[name] in ("", about[name]) for name in ("league", "sport", "fixture")):
            rows.append({**exposure_row(market, legs), **about})

    def figure(row: Row) -> int:
        figures: dict[str, int] = {"worst": row["worst"]["exposure_minor"], "risk": sum(row["risk_minor"].values())}
        found: int = {**figures, "wagers": row["wagers"], "start": row["start_ns"]}[asked.sort]
        return found

    return in_order(rows, asked, lambda row: (figure(row), row["market"]))


def in_order(rows: list[Row], asked: Asked, key: Callable[[Row], Key], by_name: bool = False) -> Page:
    """A page of rows in the order of their numbers, and of names where those are the same, or of names alone."""
    sign = -1 if asked.order == "descending" else 1
    backwards = by_name and sign < 0
    keyed = sorted(
        (((sign * key(row)[0], key(row)[1]), row) for row in rows), key=lambda one: one[0], reverse=backwards
    )
    if asked.after:
        text, _, name = asked.after.partition(":")
        digits = text.removeprefix("-")
        if not digits.isdecimal() or len(digits) >= 20:
            return Page([])
        last = sign * int(text), name
        keyed = [one for one in keyed if (one[0] < last if backwards else one[0] > last)]
    return cut(keyed, asked.limit, lambda one: f"{sign * one[0]}:{one[1]}")


def is_mine(stream: Stream, reader: Reader, actor: str) -> bool:
    """Whether who did something stands where the reader looks; engine and gateway stand at the top."""
    user = stream.users.get(actor)
    return is_below(stream, reader.node, user.node if user else ROOT)


def actor_told(reader: Reader, actor: str) -> str:
    """Who did something: for who may see the log, and of what one has done oneself."""
    may = not reader.player and "log_view" in reader.may
    return actor if may or actor == reader.user.name else ""
