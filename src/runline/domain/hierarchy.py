"""Hierarchy: a book's tree of agents, and the players under them.

Rule: the tree stores parents only. Everyone sees and acts on their own subtree; moving a subtree changes one row.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from runline.domain.access import PLAYER_ROLE, ROOT, Held, User, grantable, require_room
from runline.domain.bounds import AGENT_DEPTH_MAX, AGENTS_MAX, CREDIT_MINOR_MAX, PLAYERS_MAX
from runline.domain.identifiers import identifier, reason_text
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.permissions import Permission
from runline.domain.settings import SettingsState
from runline.domain.state import Row


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
    held: dict[Held, int] = {}

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

    def add_held(self, what: Held, count: int) -> None:
        """Count what else there is."""
        left = self.held.get(what, 0) + count
        if left:
            self.held[what] = left
        else:
            self.held.pop(what, None)


class TreeState(SettingsState):
    """A book's agents and players."""

    held: ClassVar[dict[type[Row], str]] = {**SettingsState.held, Agent: "agents", Player: "players"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.agents: dict[str, Agent] = {}
        self.players: dict[str, Player] = {}
        self.children: dict[str, Ordered[str]] = {}
        self.players_at: dict[str, Ordered[str]] = {}
        self.extents: dict[str, Extent] = {}

    def derive(self) -> None:
        super().derive()
        children: dict[str, list[str]] = {}
        for agent in self.agents.values():
            children.setdefault(agent.parent, []).append(agent.name)
        players: dict[str, list[str]] = {}
        for player in self.players.values():
            players.setdefault(player.agent, []).append(player.number)
        self.children = {parent: Ordered(names) for parent, names in children.items()}
        self.players_at = {agent: Ordered(numbers) for agent, numbers in players.items()}
        own: dict[str, Extent] = {name: Extent([1]) for name in self.agents}
        for role in self.roles.values():
            own[role.node].add_held("roles", 1)
        for user in self.users.values():
            own[user.node].add_held("players" if user.player else "users", 1)
        for session in self.sessions.values():
            own[self.users[session.user].node].add_held("sessions", 1)
        self.extents = {name: Extent() for name in self.agents}
        for name, extent in own.items():
            for lower, above in enumerate(self.chain(name)):
                self.extents[above].add(extent, 1, lower)

    def add_agent(self, agent: Agent) -> None:
        """Take in a new agent."""
        self.agents[agent.name] = self.touch(agent)
        self.children.setdefault(agent.parent, Ordered()).add(agent.name)
        self.extents[agent.name] = Extent()
        for lower, above in enumerate(self.chain(agent.name)):
            self.extents[above].add_agents(lower, 1)

    def hang(self, agent: Agent, parent: str) -> None:
        """Hang an agent, with all below, under another parent."""
        moved = self.extents[agent.name]
        for lower, above in enumerate(self.chain(agent.parent), 1):
            self.extents[above].add(moved, -1, lower)
        self.children[agent.parent].discard(agent.name)
        self.touch(agent).parent = parent
        self.children.setdefault(parent, Ordered()).add(agent.name)
        for lower, above in enumerate(self.chain(parent), 1):
            self.extents[above].add(moved, 1, lower)

    def take_room(self, node: str, what: Held, sign: Literal[1, -1]) -> None:
        for above in self.chain(node):
            self.extents[above].add_held(what, sign)

    def part_of(self, node: str) -> str:
        part = ""
        agents = self.agents
        while node != ROOT:
            part = node
            node = agents[node].parent
        return part

    def held_in_part(self, node: str, what: Held) -> int:
        extent = self.extents[self.part_of(node)]
        return sum(extent.levels) if what == "agents" else extent.held.get(what, 0)

    def add_player(self, player: Player) -> None:
        """Take in a new player."""
        self.players[player.number] = self.touch(player)
        self.players_at.setdefault(player.agent, Ordered()).add(player.number)

    def players_of(self, agent: str) -> Ordered[str]:
        """The players directly under an agent."""
        return self.players_at.get(agent, NO_KEYS)

    def subtree(self, top: str, start: str = "") -> Iterator[str]:
        """The agents of a subtree, each before those below it, by name among those of one parent; from `start` on, which must
        stand in it. The tree must not change meanwhile."""
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

    def known_node(self, node: str) -> bool:
        return node in self.agents

    @property
    def number_of_players(self) -> int:
        return len(self.players)

    def node_of_player(self, player: str) -> str | None:
        known = self.players.get(player)
        return known.agent if known else None

    def chain(self, node: str) -> list[str]:
        """A node and all above it, upwards to the root."""
        nodes: list[str] = []
        while node:
            nodes.append(node)
            node = self.agents[node].parent
        return nodes

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

    def layer_around(self, player: str, agent: str) -> tuple[str, str] | None:
        """The nearest layer that closes betting to a player or to an agent's part of the tree: its scope and subject."""
        if self.closed_by("player", player):
            return "player", player
        agents = self.layers.get("agent", set())
        for node in self.chain(agent) if agents else ():
            if node in agents:
                return "agent", node
        return None


class CreateAgent(Command, needs=Permission.AGENT_CREATE):
    """Add an agent below another."""

    agent: str
    parent: str


class AgentCreated(Event, shown_to=Permission.FIGURES_VIEW):
    """There is a new agent."""

    agent: str
    parent: str


@decides(CreateAgent)
def create_agent(book: TreeState, command: CreateAgent, context: Any) -> AgentCreated:
    name = identifier(command.agent, "agent")
    book.require_node(context.user, command.parent)
    if name in book.agents:
        raise Rejected("already_exists", f"The id {name!r} is taken.", agent=name)
    require_room(book, context.user, len(book.agents), AGENTS_MAX, "agents")
    if len(book.chain(command.parent)) > AGENT_DEPTH_MAX:
        raise Rejected("too_deep", "The tree is as deep as it may be.", most=AGENT_DEPTH_MAX)
    return AgentCreated(name, command.parent)


@evolves(AgentCreated)
def agent_created(book: TreeState, event: AgentCreated) -> None:
    book.add_agent(Agent(event.agent, event.parent))


class CreatePlayer(Command, needs=Permission.PLAYER_CREATE):
    """Open a player's account. The player is also a user, who may act on that account only.

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
def create_player(book: TreeState, command: CreatePlayer, context: Any) -> PlayerCreated:
    number = book.new_user_name(command.player, "player")
    book.require_node(context.user, command.agent)
    require_room(book, context.user, len(book.players), PLAYERS_MAX, "players")
    if command.credit_limit_minor and Permission.CREDIT_CHANGE.value not in book.held_by(context.user):
        raise Rejected("not_permitted", "Giving credit needs credit_change.", permission="credit_change")
    grantable(book, context.user, PLAYER_ROLE, command.agent)
    return PlayerCreated(number, command.agent, require_credit(command.credit_limit_minor))


@evolves(PlayerCreated)
def player_created(book: TreeState, event: PlayerCreated) -> None:
    book.add_player(Player(event.player, event.agent, event.credit_limit_minor))
    book.add_user(User(event.player, event.agent, PLAYER_ROLE, event.player))


class MoveAgent(Command, needs=Permission.AGENT_MOVE):
    """Hang an agent, with all below, under another parent. Both ends must lie in the mover's subtree.

    Roles that are kept above the agent and not above its new parent count no more for those who move; a preview names whose.
    """

    agent: str
    parent: str
    reason: str


class AgentMoved(Event, shown_to=Permission.FIGURES_VIEW, changes_sight=True):
    """An agent has another parent."""

    agent: str
    before: str
    after: str
    reason: str


@decides(MoveAgent)
def move_agent(book: TreeState, command: MoveAgent, context: Any) -> AgentMoved | tuple[()]:
    book.require_node(context.user, command.agent)
    book.require_node(context.user, command.parent)
    if command.agent in (ROOT, context.user.node):
        raise Rejected("not_permitted", "You cannot move the node you stand at.")
    if book.below(command.agent, command.parent):
        raise Rejected("not_a_tree", "An agent cannot stand below itself.")
    if len(book.chain(command.parent)) + book.height(command.agent) > AGENT_DEPTH_MAX:
        raise Rejected("too_deep", "The tree would be deeper than it may be.", most=AGENT_DEPTH_MAX)
    before = book.agents[command.agent].parent
    if before == command.parent:
        return ()
    return AgentMoved(command.agent, before, command.parent, reason_text(command.reason))


@grounds(MoveAgent)
def move_ground(book: TreeState, command: MoveAgent) -> int:
    """Where the agent and the new parent hang."""
    return max(book.moved_seq(Agent, command.agent), book.moved_seq(Agent, command.parent))


@grounds(CreateAgent)
def new_agent_ground(book: TreeState, command: CreateAgent) -> int:
    """Whether there is such an agent, and where the parent hangs."""
    return max(book.moved_seq(Agent, command.agent), book.moved_seq(Agent, command.parent))


@grounds(CreatePlayer)
def new_player_ground(book: TreeState, command: CreatePlayer) -> int:
    """Whether the account number is taken, and where the agent hangs."""
    return max(book.moved_seq(User, command.player), book.moved_seq(Agent, command.agent))
