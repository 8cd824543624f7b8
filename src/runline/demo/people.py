"""People: the house, its two books, and everyone in them. Set up through the public door like everything else."""

from collections.abc import Sequence
from random import Random

import msgspec

from runline.domain.book import VIEWER_ROLE
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Command
from runline.domain.nodes import ROOT
from runline.domain.permissions import FEED_MAY, Permission
from runline.domain.roles import SetRole
from runline.domain.users import CreateUser
from runline.engine.bus import Bus
from runline.engine.requests import Accepted, Request

PLATFORM = "platform"
"""Who owns the house of a new database."""

FEED = "feed.lines"
AGENT_ROLE = "agent"
AGENT_MAY = (
    Permission.FIGURES_VIEW,
    Permission.TICKER_VIEW,
    Permission.BOARD_VIEW,
    Permission.CREDIT_CHANGE,
    Permission.WAGER_VOID,
)

DESK_ROLE = "desk"
DESK_MAY = (
    Permission.FIGURES_VIEW,
    Permission.TICKER_VIEW,
    Permission.BOARD_VIEW,
    Permission.SUSPEND,
    Permission.LINE_MOVE,
)

RESULTS_DESK = "results.desk"
RESULTS_ROLE = "results"
RESULTS_MAY = (
    Permission.FIGURES_VIEW,
    Permission.BOARD_VIEW,
    Permission.LOG_VIEW,
    Permission.FIXTURES_MANAGE,
    Permission.RESULT_ENTER,
    Permission.RESULT_CONFIRM,
)
"""Of whoever enters the results of the house's games by hand, and confirms them."""

CREDITS = (300, 500, 1_000, 1_500, 2_500, 5_000, 10_000)
CREDIT_WEIGHTS = (10, 25, 30, 15, 12, 6, 2)
"""Credit limits in whole units, and how common each is."""

WAGERS_PER_CREDIT = 8_000
"""As many wagers as these limits bear in a day; for more, every limit is multiplied."""

PLAYER_FIRST = 21
"""Where the numbers of an agent's players begin: A1021."""

REQUESTS_MAX = 1_000


class BookPlan(msgspec.Struct, frozen=True):
    """How a book is made: a master agent, agents below (a letter each), sub-agents below those, players below those.

    agents: their letters. sub_agents: of each agent; 0 if the players are directly below the agents.
    players: of each agent at the bottom.
    """

    name: str
    agents: str
    sub_agents: int
    players: int


BOOKS = (
    BookPlan("harbor", agents="ABCDE", sub_agents=4, players=25),
    BookPlan("summit", agents="KL", sub_agents=0, players=20),
)
"""500 players under 20 sub-agents of 5 agents, and 40 players under 2 agents."""


class Seat(msgspec.Struct, frozen=True):
    """An agent: the node of the tree, the one above, and all players below."""

    node: str
    parent: str
    players: list[str]

    @property
    def user(self) -> str:
        """The agent. Whoever looks at the demo may sign in as one."""
        return f"agent.{self.node}"

    @property
    def clerk(self) -> str:
        """Whom the demo lets act there: simulated people do nothing in the name of whoever looks."""
        return f"clerk.{self.node}"


class People(msgspec.Struct, frozen=True):
    """Everyone in one book.

    owner: holds everything. desk: moves lines and suspends. agents, and their clerks: may change credit and void. sub_agents:
    may only look.
    """

    book: str
    owner: str
    desk: str
    agents: list[Seat]
    sub_agents: list[Seat]

    @property
    def players(self) -> list[str]:
        """All players."""
        return [player for agent in self.agents for player in agent.players]


async def set_up(bus: Bus, seed: int, wagers: float) -> list[People]:
    """Open the books and create everyone. wagers: how many are to be expected."""
    random = Random(seed)
    scale = 1 + int(wagers / WAGERS_PER_CREDIT)
    house: list[Command] = [OpenBook(plan.name, f"{plan.name}.owner") for plan in BOOKS]
    house.append(SetRole("feed", ROOT, tuple(Permission(value) for value in FEED_MAY), "lines and results"))
    house.append(CreateUser(FEED, ROOT, "feed"))
    house.append(SetRole(RESULTS_ROLE, ROOT, RESULTS_MAY, "results by hand"))
    house.append(CreateUser(RESULTS_DESK, ROOT, RESULTS_ROLE))
    await send_all(bus, HOUSE, PLATFORM, house)
    everyone: list[People] = []
    for plan in BOOKS:
        people = people_of(plan)
        await send_all(bus, plan.name, people.owner, creating(people, random, scale))
        everyone.append(people)
    return everyone


def people_of(plan: BookPlan) -> People:
    """Who is in a book: agent A, sub-agents A1 to A4 below, players A1021 to A1045 below A1."""
    agents: list[Seat] = []
    sub_agents: list[Seat] = []
    for letter in plan.agents:
        agent = Seat(letter, f"{plan.name}.master", [])
        agents.append(agent)
        below = [Seat(f"{letter}{number}", letter, []) for number in range(1, plan.sub_agents + 1)]
        sub_agents += below
        for number, seat in enumerate(below or [agent], start=1):
            first = 1_000 * number + PLAYER_FIRST
            seat.players.extend(f"{letter}{place}" for place in range(first, first + plan.players))
        if below:
            agent.players.extend(player for seat in below for player in seat.players)
    return People(plan.name, f"{plan.name}.owner", f"{plan.name}.desk", agents, sub_agents)


def creating(people: People, random: Random, scale: int) -> list[Command]:
    """The commands that create a book's people, from the top down."""
    master = f"{people.book}.master"
    commands: list[Command] = [
        SetRole(AGENT_ROLE, ROOT, AGENT_MAY, "agents"),
        SetRole(DESK_ROLE, ROOT, DESK_MAY, "lines and suspensions"),
        CreateUser(people.desk, ROOT, DESK_ROLE),
        CreateAgent(master, ROOT),
    ]
    for seats, role in ((people.agents, AGENT_ROLE), (people.sub_agents, VIEWER_ROLE)):
        for seat in seats:
            commands.append(CreateAgent(seat.node, seat.parent))
            commands += (CreateUser(user, seat.node, role) for user in (seat.user, seat.clerk))
    for seat in people.sub_agents or people.agents:
        for player in seat.players:
            credit = random.choices(CREDITS, CREDIT_WEIGHTS)[0] * scale
            commands.append(CreatePlayer(player, seat.node, 100 * credit))
    return commands


async def send_all(bus: Bus, stream: str, actor: str, commands: Sequence[Command]) -> None:
    """Send commands in their order; all must be accepted."""
    for start in range(0, len(commands), REQUESTS_MAX):
        part = commands[start : start + REQUESTS_MAX]
        outcomes = await bus.send([Request(stream, bus.new_id(), actor, command) for command in part])
        for command, outcome in zip(part, outcomes, strict=True):
            if not isinstance(outcome, Accepted):
                raise RuntimeError(f"setting up the demo was refused: {command}: {outcome}")
