"""Risk: what is open. Pending risk of players and agents, and the exposure of each selection, at every node of the tree.

Rule: everything here is derived from the open wagers and never stored.
"""

from typing import ClassVar, Literal

import msgspec

from runline.domain.access import ROOT
from runline.domain.grading import SIDES
from runline.domain.hierarchy import AgentMoved
from runline.domain.ledger import LedgerState
from runline.domain.messages import evolves
from runline.domain.state import Row


class Stand(msgspec.Struct, gc=False):
    """What stands on one side of a market: what the book would keep, and what it would pay out on top."""

    risk_minor: int = 0
    win_minor: int = 0
    wagers: int = 0


class AgentSums(msgspec.Struct):
    """The sums of an agent's subtree, in minor units.

    stands: what stands on each side of each market with open wagers.
    """

    pending_minor: int = 0
    open_wagers: int = 0
    balance_minor: int = 0
    stands: dict[str, dict[str, Stand]] = {}

    def stand(self, market: str, side: str) -> Stand:
        """What stands on a side of a market."""
        sides = self.stands.get(market)
        if sides is None:
            sides = self.stands[market] = {}
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

    def add(self, other: "AgentSums", sign: Literal[1, -1]) -> None:
        """Add (1) or take away (-1) the sums of a subtree."""
        self.pending_minor += sign * other.pending_minor
        self.open_wagers += sign * other.open_wagers
        self.balance_minor += sign * other.balance_minor
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
        self.market_moved: dict[str, int] = {}
        """The position at which a wager on a market last closed or opened again, the latest at the end."""
        self.sums: dict[str, AgentSums] = {}
        self.above: dict[str, tuple[AgentSums, ...]] = {}
        self.paths: dict[str, dict[str, dict[str, tuple[Stand, ...]]]] = {}
        """By market, side and agent: what stands there for the agent and for all above."""

    def derive(self) -> None:
        super().derive()
        self.pending = {}
        self.market_moved = {}
        self.derive_sums()

    def derive_sums(self) -> None:
        """Rebuild the agents' sums from balances and pending risk (open wagers are counted by `risk`)."""
        self.sums = {name: AgentSums() for name in self.agents}
        self.above = {}
        self.paths = {}
        for player in self.players.values():
            for sums in self.sums_above(player.agent):
                sums.balance_minor += player.balance_minor

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
        for sums in self.sums_above(agent):
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
        self.market_moved.pop(market, None)
        self.market_moved[market] = self.seq

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
    book.touch(book.agents[event.agent]).parent = event.after
    book.above = {}
    book.paths = {}
