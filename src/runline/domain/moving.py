"""Moving: an agent, with all below, hangs under another parent; a player hangs under another agent.

Rule: a move is one row (of a player, theirs and that of the user they are). Authority follows the tree as it is: a role that was
kept above those who move and is no longer counts no more for them. What is open and what is booked goes along.
"""

from typing import TYPE_CHECKING

from runline.domain.access import User
from runline.domain.bounds import AGENT_DEPTH_MAX, MOVED_WAGERS_MAX
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


class AgentMoved(Event, shown_to=Permission.FIGURES_VIEW, changes_sight=True, leaves="before"):
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


class MovePlayer(Command, needs=Permission.AGENT_MOVE):
    """Hang a player under another agent. Both ends must lie in the mover's subtree.

    The account goes as it stands: balance, credit, limits, open wagers. From this event on it counts in the figures of the new
    agent and of those above, and only they see and command it (those above the one before see that it goes, and nothing after);
    what was logged, and the agent that stands on a ticket, stay.
    """

    player: str
    agent: str
    reason: Reason


class PlayerMoved(Event, shown_to=Permission.FIGURES_VIEW, changes_sight=True, leaves="before"):
    """A player has another agent."""

    player: str
    before: str
    after: str
    reason: str


@decides(MovePlayer)
def move_player(book: "Book", command: MovePlayer, context: "Context") -> PlayerMoved | tuple[()]:
    player = book.tree.player_within(context.user, command.player)
    book.tree.require_node(context.user, command.agent)
    if player.agent == command.agent:
        return ()
    if len(book.tickets.open_of.get(player.number, ())) > MOVED_WAGERS_MAX:
        raise Rejected("too_many", "More wagers are open than are moved at once.", most=MOVED_WAGERS_MAX)
    return PlayerMoved(player.number, player.agent, command.agent, command.reason)


@evolves(PlayerMoved)
def player_moved(book: "Book", event: PlayerMoved) -> None:
    book.tree.move_player(book.tree.players[event.player], event.after)
    book.access.move_player(book.access.users[event.player], event.after)
    book.sessions.follow(event.player, event.before, event.after)


@grounds(MovePlayer)
def move_player_ground(book: "Book", command: MovePlayer) -> int:
    """Where the player stands, as a user, and where the new agent hangs."""
    return max(book.moved_seq(User, command.player), book.moved_seq(Agent, command.agent))
