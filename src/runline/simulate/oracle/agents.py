"""Agents: the nodes of a book's tree, how they come and are moved."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import room
from runline.simulate.oracle.rules import REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Book
from runline.simulate.oracle.text import an_id
from runline.simulate.oracle.tree import a_node, is_below, subtree, upwards

LEVELS_MOST = 16


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
    room(book, moment.user, "AGENTS_MAX", "agents")
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
