"""Rows: the rows of the topics in which the newest value counts. They are the very rows of the queries.

Rule: the rows of an image are read by the same indexes as a query's pages, some at a time; a row is made once for all who see
it alike (its flavour).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import msgspec

from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.shown import agent_figures, board_fixture, closed_to, exposure_of, player_figures
from runline.domain.state import State
from runline.domain.topics import Topic
from runline.domain.vocabulary import VocabularyError
from runline.live.limits import IMAGE_PLAYERS_MAX

Key = tuple[str, Any]
"""A row's key, "" for none (something was passed that has no row), and the place behind it, from where reading goes on."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of row.

    keys: (state, house, audience, place) -> the rows of an image behind a place, None for the beginning. row: (state, house,
    audience, key, now_ns) -> the row. shown: (state, house, audience, key) -> whether there is such a row for them. flavour:
    (state, audience) -> what a row depends on beside its key.
    """

    name: str
    topic: str
    keys: Callable[[Any, House, Audience, Any], Iterator[Key]]
    row: Callable[[Any, House, Audience, str, int], Any]
    shown: Callable[[Any, House, Audience, str], bool]
    flavour: Callable[[Any, Audience], Hashable]


def line_keys(state: State, house: House, audience: Audience, place: Any) -> Iterator[Key]:
    """The games on the board."""
    return ((name, (rotation, name)) for rotation, name in house.catalog.board_of("scheduled").after(place or (-1, "")))


def line_row(state: State, house: House, audience: Audience, key: str, now_ns: int) -> Any:
    """A game with its lines."""
    return board_fixture(state, house, house.catalog.fixtures[key], audience, now_ns)


def line_flavour(state: State, audience: Audience) -> Hashable:
    """What closes the board to an audience alone."""
    return closed_to(state, audience) if isinstance(state, Book) else None


def exposure_keys(book: Book, house: House, audience: Audience, place: Any) -> Iterator[Key]:
    """The markets with open wagers of a subtree."""
    return ((name, name) for name in book.risk.markets(audience.node).after(place or ""))


def agent_keys(book: Book, house: House, audience: Audience, place: Any) -> Iterator[Key]:
    """The agents of a subtree."""
    if audience.player or not book.tree.below(audience.node, place or audience.node):
        return iter(())
    return ((name, name) for name in book.tree.subtree(audience.node, place or "") if name != place)


def player_keys(book: Book, house: House, audience: Audience, place: Any) -> Iterator[Key]:
    """The players of a subtree, unless they are too many for one image; a player's own account."""
    if audience.player:
        if place is None:
            yield audience.player, audience.player
        return
    sums = book.risk.sums.get(audience.node)
    start, after = place or (audience.node, "")
    if sums is None or sums.players > IMAGE_PLAYERS_MAX or not book.tree.below(audience.node, start):
        return
    for agent in book.tree.subtree(audience.node, start):
        if agent != start:
            yield "", (agent, "")
        for number in book.tree.players_of(agent).after(after):
            yield number, (agent, number)
        after = ""


def agent_shown(book: Book, house: House, audience: Audience, key: str) -> bool:
    """Whether an agent stands in the subtree."""
    return not audience.player and key in book.tree.agents and book.tree.below(audience.node, key)


def player_shown(book: Book, house: House, audience: Audience, key: str) -> bool:
    """Whether a player stands in the subtree, or is who looks."""
    player = book.tree.players.get(key)
    if player is None or audience.player:
        return player is not None and key == audience.player
    return book.tree.below(audience.node, player.agent)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "lines",
            "lines",
            line_keys,
            line_row,
            lambda state, house, audience, key: key in house.catalog.fixtures,
            line_flavour,
        ),
        Kind(
            "exposure",
            "exposure",
            exposure_keys,
            lambda book, house, audience, key, now_ns: exposure_of(book, key, audience.node),
            lambda book, house, audience, key: True,
            lambda book, audience: audience.node,
        ),
        Kind(
            "agents",
            "figures",
            agent_keys,
            lambda book, house, audience, key, now_ns: agent_figures(book, key),
            agent_shown,
            lambda book, audience: None,
        ),
        Kind(
            "players",
            "figures",
            player_keys,
            lambda book, house, audience, key, now_ns: player_figures(book, book.tree.players[key], now_ns),
            player_shown,
            lambda book, audience: None,
        ),
    )
}


def require_kinds(topics: Iterable[Topic]) -> None:
    """Refuse a topic of which nobody would ever be sent anything: one of rows of which nothing is known here.

    Raises VocabularyError.
    """
    known = {kind.topic for kind in KINDS.values()}
    for topic in topics:
        if not (topic.events or topic.timed or topic.name in known):
            raise VocabularyError(f"The topic {topic.name} has no events, and there is no kind of row for it.")


def kinds_of(topics: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of row of some topics."""
    return tuple(name for name, kind in KINDS.items() if kind.topic in topics)


class Cache:
    """Rows that are made, as JSON, for all who see them alike. Whoever learns that a row has changed forgets it here."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[Hashable, bytes]] = {}

    def forget(self, kind: str, key: str) -> None:
        """A row has changed."""
        self.rows.pop((kind, key), None)

    def find(self, kind: str, flavour: Hashable, key: str) -> bytes | None:
        """A row, if it was made."""
        made = self.rows.get((kind, key))
        return made.get(flavour) if made is not None else None

    def keep(self, kind: str, flavour: Hashable, key: str, row: Any) -> bytes:
        """Keep a row; returns it as JSON."""
        text = msgspec.json.encode(row)
        self.rows.setdefault((kind, key), {})[flavour] = text
        return text
