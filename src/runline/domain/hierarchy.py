"""Hierarchy: a book's tree of agents, and the players under them.

Rule: the tree stores parents only. Everyone sees and acts on their own subtree; moving a subtree changes one row.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.access import PLAYER_ROLE, User, grantable, require_room
from runline.domain.bounds import AGENT_DEPTH_MAX, AGENTS_MAX, CREDIT_MINOR_MAX, PLAYERS_MAX
from runline.domain.identifiers import identifier, same_again
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT, Nodes, Occupant
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.permissions import Permission
from runline.domain.state import Row, State, at_once, by_pieces

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context


class Agent(Row, table="agents", read_by=("parent",)):
    """A node of the tree.

    parent: the agent above, "" for the root.
    """

    name: str
    parent: str
    changed_seq: int = 0


class Player(Row, table="players"):
    """A player on credit. All amounts in minor units of the book's currency.

    number: the account number.
    agent: the one agent above.
    temporary_until_ns: when the temporary credit ends, 0 without one.
    balance_minor: positive means that the player is ahead.
    stake_max_minor, win_max_minor: the player's own limits, None for the book's.
    credit_seq, limits_seq, balance_seq: the positions at which credit (also temporary), own limits and balance last changed, 0 if
    they are as they were at first.
    """

    number: str
    agent: str
    credit_limit_minor: int
    temporary_credit_minor: int = 0
    temporary_until_ns: int = 0
    balance_minor: int = 0
    stake_max_minor: int | None = None
    win_max_minor: int | None = None
    active: bool = True
    credit_seq: int = 0
    limits_seq: int = 0
    balance_seq: int = 0
    changed_seq: int = 0


class Extent(msgspec.Struct):
    """How much an agent's subtree holds.

    levels: the agents in it, by how many levels they stand below its top. held: what else, by what it is.
    """

    levels: list[int] = []
    held: dict[Occupant, int] = {}

    def add(self, other: "Extent", sign: Literal[1, -1], lower: int) -> None:
        """Add (1) or take away (-1) a subtree, whose top stands so many levels below."""
        for level, agents in enumerate(other.levels, lower):
            self.add_agents(level, sign * agents)
        for what, count in other.held.items():
            self.add_held(what, sign * count)

    def add_agents(self, level: int, count: int) -> None:
        """Count agents that stand so many levels below."""
        levels = self.levels
        levels.extend([0] * (level + 1 - len(levels)))
        levels[level] += count
        while levels and not levels[-1]:
            levels.pop()

    def add_held(self, what: Occupant, count: int) -> None:
        """Count what else there is."""
        left = self.held.get(what, 0) + count
        if left:
            self.held[what] = left
        else:
            self.held.pop(what, None)


class Tree(Nodes, named="tree", streams=("book",), keeps={Agent: "agents", Player: "players"}):
    """A book's agents and players."""

    __slots__ = ("agents", "branches", "children", "extents", "players", "players_at")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.agents: dict[str, Agent] = {}
        self.players: dict[str, Player] = {}
        self.children: dict[str, Ordered[str]] = {}
        self.players_at: dict[str, Ordered[str]] = {}
        self.extents: dict[str, Extent] = {}
        self.branches: dict[str, str] = {}
        """The branch in which a node stands, of those that were asked for since an agent was moved."""

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        children: dict[str, list[str]] = {}
        for agent in self.agents.values():
            children.setdefault(agent.parent, []).append(agent.name)
        players: dict[str, list[str]] = {}
        for some in by_pieces(self.players.values()):
            for player in some:
                players.setdefault(player.agent, []).append(player.number)
            yield
        self.children = {parent: Ordered(names) for parent, names in children.items()}
        self.players_at = {}
        for agent_name, numbers in players.items():
            self.players_at[agent_name] = Ordered(numbers)
            yield
        self.extents = {name: Extent() for name in self.agents}
        self.branches = {}
        for name in self.agents:
            for lower, above in enumerate(self.chain(name)):
                self.extents[above].add_agents(lower, 1)

    def add_agent(self, agent: Agent) -> None:
        """Take in a new agent."""
        self.agents[agent.name] = self.state.touch(agent)
        self.children.setdefault(agent.parent, Ordered()).add(agent.name)
        self.extents[agent.name] = Extent()
        for lower, above in enumerate(self.chain(agent.name)):
            self.extents[above].add_agents(lower, 1)

    def hang(self, agent: Agent, parent: str) -> None:
        """Hang an agent, with all below, under another parent."""
        moved = self.extents[agent.name]
        self.branches = {}
        for lower, above in enumerate(self.chain(agent.parent), 1):
            self.extents[above].add(moved, -1, lower)
        self.children[agent.parent].discard(agent.name)
        self.state.touch(agent).parent = parent
        self.children.setdefault(parent, Ordered()).add(agent.name)
        for lower, above in enumerate(self.chain(parent), 1):
            self.extents[above].add(moved, 1, lower)

    def add_player(self, player: Player) -> None:
        """Take in a new player."""
        self.players[player.number] = self.state.touch(player)
        self.players_at.setdefault(player.agent, Ordered()).add(player.number)

    def move_player(self, player: Player, agent: str) -> None:
        """Hang a player under another agent."""
        numbers = self.players_at[player.agent]
        numbers.discard(player.number)
        if not numbers:
            del self.players_at[player.agent]
        self.state.touch(player).agent = agent
        self.players_at.setdefault(agent, Ordered()).add(player.number)

    def players_of(self, agent: str) -> Ordered[str]:
        """The players directly under an agent."""
        return self.players_at.get(agent, NO_KEYS)

    def take_room(self, node: str, what: Occupant, count: int) -> None:
        for above in self.chain(node):
            self.extents[above].add_held(what, count)

    def branch_of(self, node: str) -> str:
        branch = self.branches.get(node)
        if branch is None:
            above = self.chain(node)
            branch = self.branches[node] = above[-2] if len(above) > 1 else ""
        return branch

    def held_in_branch(self, node: str, what: Occupant) -> int:
        extent = self.extents[self.branch_of(node)]
        return sum(extent.levels) if what == "agents" else extent.held.get(what, 0)

    def subtree(self, top: str, start: str = "") -> Iterator[str]:
        node = start or top
        yield node
        following = [iter(self.children.get(node, NO_KEYS))]
        """Who is still to come, level by level: below the node, beside it, beside its parent."""
        above: list[Iterator[str]] = []
        while node != top:
            parent = self.agents[node].parent
            above.append(self.children[parent].after(node))
            node = parent
        following[:0] = reversed(above)
        while following:
            for node in following[-1]:
                yield node
                below = self.children.get(node)
                if below:
                    following.append(iter(below))
                    break
            else:
                following.pop()

    def below(self, top: str, node: str) -> bool:
        if top == ROOT:
            return True
        while node:
            if node == top:
                return True
            agent = self.agents.get(node)
            if agent is None:
                return False
            node = agent.parent
        return False

    def known(self, node: str) -> bool:
        return node in self.agents

    @property
    def number_of_players(self) -> int:
        return len(self.players)

    def node_of_player(self, player: str) -> str | None:
        known = self.players.get(player)
        return known.agent if known else None

    def chain(self, node: str) -> list[str]:
        nodes: list[str] = []
        while node:
            nodes.append(node)
            node = self.agents[node].parent
        return nodes

    def above_player(self, player: str) -> tuple[str, ...]:
        """A player's agent and all above it, upwards to the root; () if there is no such player."""
        known = self.players.get(player)
        return tuple(self.chain(known.agent)) if known is not None else ()

    def apart(self, one: str, other: str) -> tuple[str, ...]:
        """The nodes at or above one of two nodes that are not at or above the other as well."""
        first, second = self.chain(one), self.chain(other)
        return tuple(name for name in (*first, *second) if (name in first) != (name in second))

    def height(self, node: str) -> int:
        """Levels of agents below a node."""
        return len(self.extents[node].levels) - 1

    def player_within(self, user: User, number: str) -> Player:
        """The player, if the user may act on them: their own account, or one of their subtree.

        Raises Rejected `unknown_player` (at the root only; to others the unknown and the foreign look alike) or
        `not_permitted`.
        """
        player = self.players.get(number)
        if user.player:
            if player is None or user.player != number:
                raise Rejected("not_permitted", "That is not your account.")
            return player
        if player is None:
            if user.node == ROOT:
                raise Rejected("unknown_player", f"There is no player {number!r}.", player=number)
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        if not self.below(user.node, player.agent):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        return player

    def require_scope(self, user: User, scope: str, subject: str) -> None:
        if scope == "agent":
            self.require_node(user, subject)
        elif scope == "player":
            self.player_within(user, subject)
        elif user.node != ROOT:
            raise Rejected("not_permitted", "Only the whole book's staff may close this.")


class CreateAgent(Command, needs=Permission.AGENT_CREATE):
    """Add an agent below another. To add it again as it stands changes nothing."""

    agent: str
    parent: str


class AgentCreated(Event, shown_to=Permission.FIGURES_VIEW):
    """There is a new agent."""

    agent: str
    parent: str


@decides(CreateAgent)
def create_agent(book: "Book", command: CreateAgent, context: "Context") -> AgentCreated | tuple[()]:
    name = identifier(command.agent, "agent")
    book.tree.require_node(context.user, command.parent)
    known = book.tree.agents.get(name)
    if known is not None and known.parent and book.tree.below(context.user.node, known.parent):
        return same_again(command, name, parent=known.parent)
    if known is not None:
        raise Rejected("already_exists", f"The id {name!r} is taken.", id=name)
    require_room(book, context.user, len(book.tree.agents), AGENTS_MAX, "agents")
    if len(book.tree.chain(command.parent)) > AGENT_DEPTH_MAX:
        raise Rejected("too_deep", "The tree is as deep as it may be.", most=AGENT_DEPTH_MAX)
    return AgentCreated(name, command.parent)


@evolves(AgentCreated)
def agent_created(book: "Book", event: AgentCreated) -> None:
    book.tree.add_agent(Agent(event.agent, event.parent))


class CreatePlayer(Command, needs=Permission.PLAYER_CREATE):
    """Open a player's account. The player is also a user, who may act on that account only. To open it again as it stands changes
    nothing.

    player: the account number, unique in the book, also among users.
    credit_limit_minor: ≥ 0.
    """

    player: str
    agent: str
    credit_limit_minor: int


class PlayerCreated(Event, shown_to=Permission.FIGURES_VIEW):
    """There is a new player."""

    player: str
    agent: str
    credit_limit_minor: int


def require_credit(minor: int) -> int:
    if type(minor) is not int or not 0 <= minor <= CREDIT_MINOR_MAX:
        raise Rejected("amount_invalid", "Credit is not negative, and bounded.", most=CREDIT_MINOR_MAX)
    return minor


@decides(CreatePlayer)
def create_player(book: "Book", command: CreatePlayer, context: "Context") -> PlayerCreated | tuple[()]:
    known = book.tree.players.get(command.player)
    sees = Permission.FIGURES_VIEW.value in book.access.held_by(context.user)
    if known is not None and sees and book.tree.below(context.user.node, known.agent):
        stands = {"agent": known.agent, "credit_limit_minor": known.credit_limit_minor}
        return same_again(command, known.number, active=known.active, **stands)
    number = book.access.new_user_name(command.player, "player")
    book.tree.require_node(context.user, command.agent)
    require_room(book, context.user, len(book.tree.players), PLAYERS_MAX, "players")
    if command.credit_limit_minor and Permission.CREDIT_CHANGE.value not in book.access.held_by(context.user):
        raise Rejected("not_permitted", "Giving credit needs credit_change.", permission="credit_change")
    grantable(book, context.user, PLAYER_ROLE, command.agent)
    return PlayerCreated(number, command.agent, require_credit(command.credit_limit_minor))


@evolves(PlayerCreated)
def player_created(book: "Book", event: PlayerCreated) -> None:
    book.tree.add_player(Player(event.player, event.agent, event.credit_limit_minor))
    book.access.add_user(User(event.player, event.agent, PLAYER_ROLE, event.player))


@grounds(CreateAgent)
def new_agent_ground(book: "Book", command: CreateAgent) -> int:
    """Whether there is such an agent, and where the parent hangs."""
    return max(book.moved_seq(Agent, command.agent), book.moved_seq(Agent, command.parent))


@grounds(CreatePlayer)
def new_player_ground(book: "Book", command: CreatePlayer) -> int:
    """Whether the account number is taken, and where the agent hangs."""
    return max(book.moved_seq(User, command.player), book.moved_seq(Agent, command.agent))
