"""Risk: what is open. Pending risk of players and agents, and the exposure of each selection, at every node of the tree.

Rule: everything here is derived from the open wagers and never stored.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from runline.domain.access import ROOT
from runline.domain.bounds import CLOSED_REMEMBERED
from runline.domain.grading import SIDES
from runline.domain.hierarchy import AgentMoved, Player
from runline.domain.ledger import LedgerState
from runline.domain.messages import evolves
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.state import Row


@dataclass(slots=True)
class Stand:
    """What stands on one side of a market: what the book would keep, and what it would pay out on top."""

    risk_minor: int = 0
    win_minor: int = 0
    wagers: int = 0


class Stands(dict[str, dict[str, Stand]]):
    """What stands on each side of each market with open wagers."""

    order: Ordered[str] | None = None
    """The markets in their order, once somebody has asked for it."""

    def ordered(self) -> Ordered[str]:
        """The markets in their order."""
        if self.order is None:
            self.order = Ordered(self)
        return self.order


@dataclass(slots=True)
class AgentSums:
    """The sums of an agent's subtree, in minor units. players: how many there are."""

    pending_minor: int = 0
    open_wagers: int = 0
    balance_minor: int = 0
    stands: Stands = field(default_factory=Stands)
    players: int = 0

    def stand(self, market: str, side: str) -> Stand:
        """What stands on a side of a market."""
        sides = self.stands.get(market)
        if sides is None:
            sides = self.stands[market] = {}
            if self.stands.order is not None:
                self.stands.order.add(market)
        stand = sides.get(side)
        if stand is None:
            stand = sides[side] = Stand()
        return stand

    def forget_stand(self, market: str, side: str) -> None:
        """Forget a side of a market on which nothing stands any more."""
        if self.stands[market][side].wagers == 0:
            del self.stands[market][side]
            if not self.stands[market]:
                del self.stands[market]
                if self.stands.order is not None:
                    self.stands.order.discard(market)

    def add(self, other: "AgentSums", sign: Literal[1, -1]) -> None:
        """Add (1) or take away (-1) the sums of a subtree."""
        self.pending_minor += sign * other.pending_minor
        self.open_wagers += sign * other.open_wagers
        self.balance_minor += sign * other.balance_minor
        self.players += sign * other.players
        for market, sides in other.stands.items():
            for side, moved in sides.items():
                stand = self.stand(market, side)
                stand.risk_minor += sign * moved.risk_minor
                stand.win_minor += sign * moved.win_minor
                stand.wagers += sign * moved.wagers
                self.forget_stand(market, side)


class RiskState(LedgerState):
    """What is open in a book."""

    held: ClassVar[dict[type[Row], str]] = LedgerState.held

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.pending: dict[str, int] = {}
        self.closed_on: dict[int, str] = {}
        self.closed_before: dict[int, str] = {}
        """The markets of the tickets that closed or opened again last, by the position of that event: it does not name them."""
        self.sums: dict[str, AgentSums] = {}
        self.above: dict[str, tuple[AgentSums, ...]] = {}
        self.paths: dict[str, dict[str, dict[str, tuple[Stand, ...]]]] = {}
        """By market, side and agent: what stands there for the agent and for all above."""

    def derive(self) -> None:
        super().derive()
        self.pending = {}
        self.closed_on, self.closed_before = {}, {}
        self.derive_sums()

    def derive_sums(self) -> None:
        """Rebuild the agents' sums from balances and pending risk (open wagers are counted by `risk`)."""
        self.sums = {name: AgentSums() for name in self.agents}
        self.above = {}
        self.paths = {}
        for player in self.players.values():
            for sums in self.sums_above(player.agent):
                sums.balance_minor += player.balance_minor
                sums.players += 1

    def add_player(self, player: Player) -> None:
        super().add_player(player)
        for sums in self.sums_above(player.agent):
            sums.players += 1

    def sums_above(self, agent: str) -> tuple[AgentSums, ...]:
        """The sums of an agent and of all above."""
        above = self.above.get(agent)
        if above is None:
            chain = self.chain(agent)
            above = self.above[agent] = tuple(self.sums.setdefault(name, AgentSums()) for name in chain)
        return above

    def risk(self, player: str, market: str, side: str, risk_minor: int, win_minor: int, wagers: int) -> None:
        """Add (wagers=1) or take away (wagers=-1, amounts negative) an open wager's risk everywhere it counts."""
        self.pending[player] = self.pending.get(player, 0) + risk_minor
        agent = self.players[player].agent
        for sums in self.above.get(agent) or self.sums_above(agent):
            sums.pending_minor += risk_minor
            sums.open_wagers += wagers
        path = self.stands_above(market, side, agent)
        for stand in path:
            stand.risk_minor += risk_minor
            stand.win_minor += win_minor
            stand.wagers += wagers
        if path[0].wagers == 0:
            for sums in self.sums_above(agent):
                sums.forget_stand(market, side)
            del self.paths[market][side]
            if not self.paths[market]:
                del self.paths[market]

    def note_market(self, market: str) -> None:
        """Note that a wager on a market closes or opens again: its event does not name the market."""
        if len(self.closed_on) >= CLOSED_REMEMBERED:
            self.closed_before, self.closed_on = self.closed_on, {}
        self.closed_on[self.seq] = market

    def market_closed_at(self, seq: int) -> str:
        """The market of the ticket that closed or opened again at a position; "" if that was too long ago."""
        return self.closed_on.get(seq) or self.closed_before.get(seq, "")

    def markets(self, node: str) -> Ordered[str]:
        """The markets with open wagers of a node's players, in their order."""
        sums = self.sums.get(node)
        return sums.stands.ordered() if sums else NO_KEYS

    def stands_above(self, market: str, side: str, agent: str) -> tuple[Stand, ...]:
        """What stands on a side of a market for an agent and for all above."""
        sides = self.paths.get(market)
        if sides is None:
            sides = self.paths[market] = {}
        agents = sides.get(side)
        if agents is None:
            agents = sides[side] = {}
        path = agents.get(agent)
        if path is None:
            path = agents[agent] = tuple(sums.stand(market, side) for sums in self.sums_above(agent))
        return path

    def balance_moved(self, player: str, agent: str, change_minor: int) -> None:
        """Count a movement of a balance in the agents' sums."""
        for sums in self.sums_above(agent):
            sums.balance_minor += change_minor

    def stands(self, node: str = ROOT) -> dict[str, dict[str, Stand]]:
        """What stands on each side of each market with open wagers, of a node's players."""
        sums = self.sums.get(node)
        return sums.stands if sums else {}

    def exposure(self, market: str, node: str = ROOT) -> dict[str, int]:
        """What is lost to a node's players if a side wins, less what is kept from the others, in minor units, by side."""
        sides = self.stands(node).get(market, {})
        kept = sum(stand.risk_minor for stand in sides.values())
        nothing = Stand()
        exposures: dict[str, int] = {}
        for side in SIDES[market.rsplit(":", 1)[1]]:
            stand = sides.get(side, nothing)
            exposures[side] = stand.win_minor - (kept - stand.risk_minor)
        return exposures


@evolves(AgentMoved)
def agent_moved(book: RiskState, event: AgentMoved) -> None:
    moved = book.sums.get(event.agent, AgentSums())
    for sums in book.sums_above(event.before):
        sums.add(moved, -1)
    for sums in book.sums_above(event.after):
        sums.add(moved, 1)
    book.hang(book.agents[event.agent], event.after)
    book.above = {}
    book.paths = {}
