"""Tree: who stands below whom. A book's is that of its agents, the house has the root only."""

from runline.simulate.oracle.answers import Refused, refuse_unless
from runline.simulate.oracle.state import ROOT, Book, Player, Stream, User


def upwards(stream: Stream, node: str) -> list[str]:
    """A node and all above it, up to the root."""
    if not isinstance(stream, Book):
        return [ROOT]
    path = []
    while node:
        path.append(node)
        node = stream.parents[node]
    return path


def is_below(stream: Stream, top: str, node: str) -> bool:
    """Whether a node is `top`, or stands below it. What is not known stands below the root."""
    if top in (ROOT, node):
        return True
    return isinstance(stream, Book) and node in stream.parents and top in upwards(stream, node)


def nodes(stream: Stream) -> list[str]:
    """All nodes."""
    return list(stream.parents) if isinstance(stream, Book) else [ROOT]


def a_node(stream: Stream, user: User, node: str) -> None:
    """A node of the user's subtree. Below the root, the unknown and the foreign look alike."""
    refuse_unless(is_below(stream, user.node, node), "not_permitted")
    refuse_unless(node in nodes(stream), "unknown_agent")


def a_player(book: Book, user: User, number: str) -> Player:
    """An account that the user may act on: their own, or one of their subtree."""
    player = book.players.get(number)
    if user.player:
        refuse_unless(player and user.player == number, "not_permitted")
    elif player is None:
        raise Refused("unknown_player" if user.node == ROOT else "not_permitted")
    else:
        refuse_unless(is_below(book, user.node, player.agent), "not_permitted")
    assert player is not None
    return player


def subtree(book: Book, top: str) -> list[str]:
    """A node and all below it."""
    return [node for node in book.parents if is_below(book, top, node)]
