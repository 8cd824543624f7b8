"""Moving: an agent, with all below, hangs under another parent.

Rule: a move is one row. Authority follows the tree as it is: a role that was kept above those who move and is no longer counts no
more for them.
"""

from typing import TYPE_CHECKING

from runline.domain.bounds import AGENT_DEPTH_MAX
from runline.domain.hierarchy import Agent
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context


class MoveAgent(Command, needs=Permission.AGENT_MOVE):
    """Hang an agent, with all below, under another parent. Both ends must lie in the mover's subtree.

    Roles that are kept above the agent and not above its new parent count no more for those who move; a preview names whose.
    """

    agent: str
    parent: str
    reason: Reason


class AgentMoved(Event, shown_to=Permission.FIGURES_VIEW, changes_sight=True):
    """An agent has another parent."""

    agent: str
    before: str
    after: str
    reason: str


@decides(MoveAgent)
def move_agent(book: "Book", command: MoveAgent, context: "Context") -> AgentMoved | tuple[()]:
    book.tree.require_node(context.user, command.agent)
    book.tree.require_node(context.user, command.parent)
    if command.agent in (ROOT, context.user.node):
        raise Rejected("not_permitted", "You cannot move the node you stand at.")
    if book.tree.below(command.agent, command.parent):
        raise Rejected("not_a_tree", "An agent cannot stand below itself.")
    if len(book.tree.chain(command.parent)) + book.tree.height(command.agent) > AGENT_DEPTH_MAX:
        raise Rejected("too_deep", "The tree would be deeper than it may be.", most=AGENT_DEPTH_MAX)
    before = book.tree.agents[command.agent].parent
    if before == command.parent:
        return ()
    return AgentMoved(command.agent, before, command.parent, command.reason)


@evolves(AgentMoved)
def agent_moved(book: "Book", event: AgentMoved) -> None:
    book.tree.hang(book.tree.agents[event.agent], event.after)


@grounds(MoveAgent)
def move_ground(book: "Book", command: MoveAgent) -> int:
    """Where the agent and the new parent hang."""
    return max(book.moved_seq(Agent, command.agent), book.moved_seq(Agent, command.parent))
