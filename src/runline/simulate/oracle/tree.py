"""Tree: who stands below whom. A book's is that of its agents, the house has the root only."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.rules import REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Book, Player, Stream, User
from runline.simulate.oracle.text import an_id

LEVELS_MOST = 16


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


@command("CreateAgent", needs="agent_create")
def create_agent(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    an_id(asked.agent)
    a_node(book, moment.user, asked.parent)
    if asked.agent in book.parents:
        parent = book.parents[asked.agent]
        seen = parent != "" and is_below(book, moment.user.node, parent)
        if seen and parent == asked.parent:
            return []
        raise Refused("already_exists", id=asked.agent, **({"differs": {"parent": parent}} if seen else {}))
    refuse_unless(len(upwards(book, asked.parent)) + 1 <= LEVELS_MOST + 1, "too_deep", most=LEVELS_MOST)
    return [happens("AgentCreated", agent=asked.agent, parent=asked.parent)]


@event("AgentCreated")
def agent_created(book: Book, at: Asked) -> None:
    book.parents[at.agent] = at.parent
    book.touch("agent", at.agent)


@command("MoveAgent", needs="agent_move", reasons=REASON)
def move_agent(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    a_node(book, moment.user, asked.agent)
    a_node(book, moment.user, asked.parent)
    refuse_unless(asked.agent not in (ROOT, moment.user.node), "not_permitted")
    refuse_unless(not is_below(book, asked.agent, asked.parent), "not_a_tree")
    own = len(upwards(book, asked.agent))
    lowest = max(len(upwards(book, node)) - own for node in subtree(book, asked.agent))
    refuse_unless(len(upwards(book, asked.parent)) + lowest <= LEVELS_MOST, "too_deep", most=LEVELS_MOST)
    before = book.parents[asked.agent]
    if before == asked.parent:
        return []
    return [happens("AgentMoved", agent=asked.agent, before=before, after=asked.parent, reason=asked.reason)]


@event("AgentMoved")
def agent_moved(book: Book, at: Asked) -> None:
    book.parents[at.agent] = at.after
    book.touch("agent", at.agent)


@ground("CreateAgent", "MoveAgent")
def agent_ground(book: Book, asked: Asked) -> int:
    return max(book.when_moved("agent", asked.agent), book.when_moved("agent", asked.parent))
