"""Figures: those of the agents and players of a subtree, live."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from runline.domain.audience import Audience
from runline.domain.hierarchy import AgentCreated
from runline.domain.messages import Event
from runline.domain.moving import AgentMoved, PlayerMoved
from runline.domain.permissions import Permission
from runline.domain.queries.bounds import IMAGE_PLAYERS_MAX
from runline.domain.shown import agent_figures, player_figures
from runline.domain.topics import Changed, Key, Topic, TopicRows, changes

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.house import House


def agents(book: "Book", house: "House", audience: Audience, place: Any) -> Iterator[Key]:
    """The agents of a subtree."""
    if audience.player or not book.tree.below(audience.node, place or audience.node):
        return iter(())
    return ((name, name) for name in book.tree.subtree(audience.node, place or "") if name != place)


def agent(book: "Book", house: "House", audience: Audience, key: str, now_ns: int) -> Any:
    """An agent's figures."""
    return agent_figures(book, key)


def agent_stands_there(book: "Book", house: "House", audience: Audience, key: str) -> bool:
    """Whether an agent stands in the subtree."""
    return not audience.player and key in book.tree.agents and book.tree.below(audience.node, key)


def players(book: "Book", house: "House", audience: Audience, place: Any) -> Iterator[Key]:
    """The players of a subtree, unless they are too many for one image; a player's own account."""
    if audience.player:
        if place is None:
            yield audience.player, audience.player
        return
    sums = book.risk.sums.get(audience.node)
    start, after = place or (audience.node, "")
    if sums is None or sums.players > IMAGE_PLAYERS_MAX or not book.tree.below(audience.node, start):
        return
    for node in book.tree.subtree(audience.node, start):
        if node != start:
            yield "", (node, "")
        for number in book.tree.players_of(node).after(after):
            yield number, (node, number)
        after = ""


def player(book: "Book", house: "House", audience: Audience, key: str, now_ns: int) -> Any:
    """A player's account."""
    return player_figures(book, book.tree.players[key], now_ns)


def player_stands_there(book: "Book", house: "House", audience: Audience, key: str) -> bool:
    """Whether a player stands in the subtree, or is who looks."""
    found = book.tree.players.get(key)
    if found is None or audience.player:
        return found is not None and key == audience.player
    return book.tree.below(audience.node, found.agent)


@changes("agents")
def sums_move(book: "Book", house: "House", event: Event, seq: int) -> Iterable[Changed]:
    """Whatever is about a player moves the figures of all above."""
    above = book.tree.above_player(getattr(event, "player", ""))
    return (Changed(above, nodes=above),) if above else ()


@changes("players")
def an_account_moves(book: "Book", house: "House", event: Event, seq: int) -> Iterable[Changed]:
    number = getattr(event, "player", "")
    above = book.tree.above_player(number)
    return (Changed((number,), nodes=above, player=number),) if above else ()


@changes("agents", AgentCreated)
def an_agent_comes(book: "Book", house: "House", event: AgentCreated, seq: int) -> Iterable[Changed]:
    return (Changed((event.agent,), nodes=tuple(book.tree.chain(event.agent))),)


@changes("agents", AgentMoved)
def agents_move(book: "Book", house: "House", event: AgentMoved, seq: int) -> Iterable[Changed]:
    """Reading goes along the tree, which is another one now."""
    apart = book.tree.apart(event.before, event.after)
    shared = tuple(name for name in book.tree.chain(event.before) if name not in apart)
    return (
        Changed(whole=True, nodes=apart),
        Changed((event.agent, *apart), walked=True, nodes=(event.agent, *shared)),
    )


@changes("players", AgentMoved)
def players_move(book: "Book", house: "House", event: AgentMoved, seq: int) -> Iterable[Changed]:
    apart = book.tree.apart(event.before, event.after)
    shared = tuple(name for name in book.tree.chain(event.before) if name not in apart)
    return Changed(whole=True, nodes=apart), Changed(walked=True, nodes=(event.agent, *shared))


@changes("agents", PlayerMoved)
def agents_lose_and_win(book: "Book", house: "House", event: PlayerMoved, seq: int) -> Iterable[Changed]:
    """The figures of those above the player before; of those above now they change as by whatever is about a player."""
    above = tuple(book.tree.chain(event.before))
    return (Changed(above, nodes=above),)


@changes("players", PlayerMoved)
def a_player_moves(book: "Book", house: "House", event: PlayerMoved, seq: int) -> Iterable[Changed]:
    """Those who see the player no more, or only now, read anew; to those above both the player stands elsewhere in the order."""
    apart = book.tree.apart(event.before, event.after)
    shared = tuple(name for name in book.tree.chain(event.before) if name not in apart)
    return Changed(whole=True, nodes=apart), Changed(walked=True, nodes=shared)


DECLARED = (
    Topic(
        "figures",
        "Figures of the agents of my subtree, by `agent`, and of its players, by `player` (for a player: my own account).",
        Permission.FIGURES_VIEW,
        players=True,
        house=False,
        events=False,
    ),
    TopicRows("agents", "figures", agents, agent, agent_stands_there),
    TopicRows("players", "figures", players, player, player_stands_there, under="players"),
)
