"""Risk: what is open. Pending risk of players and agents, and what stands in each market, at every node of the tree.

Rule: everything here is derived from the open tickets and never stored. What stands is counted by side and line as tickets come
and go; what a market can cost is worked out of that when somebody asks (see `outcomes`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from runline.domain.accounts import TransactionEntered
from runline.domain.bounds import CLOSED_REMEMBERED
from runline.domain.hierarchy import PlayerCreated
from runline.domain.legs import LegGraded, LegReversed, LegVoided
from runline.domain.messages import evolves
from runline.domain.moving import AgentMoved, PlayerMoved
from runline.domain.nodes import ROOT
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.outcomes import Cases, Place, Stand, cases_of
from runline.domain.placed import Selection
from runline.domain.state import Part, at_once, by_pieces
from runline.domain.tickets import Ticket, WagerPlaced, WagerReversed, WagerSettled, WagerVoided

if TYPE_CHECKING:
    from runline.domain.book import Book


class Stands(dict[str, dict[Place, Stand]]):
    """What stands in each market with open wagers, by side and line. There are never more of these than open wagers."""

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

    def stand(self, market: str, place: Place) -> Stand:
        """What stands on a side of a market at a line."""
        places = self.stands.get(market)
        if places is None:
            places = self.stands[market] = {}
            if self.stands.order is not None:
                self.stands.order.add(market)
        stand = places.get(place)
        if stand is None:
            stand = places[place] = Stand()
        return stand

    def forget_stand(self, market: str, place: Place) -> None:
        """Forget a side of a market at a line on which nothing stands any more."""
        if self.stands[market][place].wagers == 0:
            del self.stands[market][place]
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
        for market, places in other.stands.items():
            for place, moved in places.items():
                stand = self.stand(market, place)
                stand.risk_minor += sign * moved.risk_minor
                stand.win_minor += sign * moved.win_minor
                stand.wagers += sign * moved.wagers
                self.forget_stand(market, place)


def legs_standing(ticket: Ticket) -> tuple[Selection, ...]:
    """The legs of an open ticket that are open; of a straight that is the ticket itself."""
    return ticket.legs_at(ticket.standing()) if ticket.more or ticket.ended else (ticket,)


class Risk(Part, named="risk", streams=("book",)):
    """What is open in a book."""

    __slots__ = ("above", "closed_before", "closed_on", "paths", "pending", "sums", "tickets", "tree")

    def __init__(self, book: "Book") -> None:
        super().__init__(book)
        self.tree, self.tickets = book.tree, book.tickets
        self.pending: dict[str, int] = {}
        self.closed_on: dict[int, Ticket] = {}
        self.closed_before: dict[int, Ticket] = {}
        """The tickets that closed or opened again last, by the position of that event: it names no market."""
        self.sums: dict[str, AgentSums] = {}
        self.above: dict[str, tuple[AgentSums, ...]] = {}
        self.paths: dict[str, dict[Place, dict[str, tuple[Stand, ...]]]] = {}
        """By market, side and line, and agent: what stands there for the agent and for all above."""

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        self.pending = {}
        self.closed_on, self.closed_before = {}, {}
        self.sums = {name: AgentSums() for name in self.tree.agents}
        self.above = {}
        self.paths = {}
        yield from self.deriving_own()
        agents, chain = self.tree.agents, self.tree.chain
        for name in sorted(agents, key=lambda name: len(chain(name)), reverse=True):
            above = agents[name].parent
            if above:
                self.sums[above].add(self.sums[name], 1)
                yield

    def deriving_own(self) -> Iterator[None]:
        """Count what each agent's own players have, with the agent alone: what stands below is added level by level, from the
        lowest one upwards, and not ticket by ticket."""
        sums_of, players, pending = self.sums, self.tree.players, self.pending
        for some in by_pieces(players.values()):
            for player in some:
                sums = sums_of[player.agent]
                sums.balance_minor += player.balance_minor
                sums.players += 1
            yield
        for tickets in by_pieces(self.tickets.by_number.values()):
            for ticket in tickets:
                if ticket.status != "open":
                    continue
                number, risk_minor, win_minor = ticket.player, ticket.risk_minor, ticket.win_minor
                pending[number] = pending.get(number, 0) + risk_minor
                sums = sums_of[players[number].agent]
                sums.pending_minor += risk_minor
                sums.open_wagers += 1
                for leg in legs_standing(ticket):
                    stand = sums.stand(leg.market, (leg.side, leg.line_quarters))
                    stand.risk_minor += risk_minor
                    stand.win_minor += win_minor
                    stand.wagers += 1
            yield

    def opened(self, ticket: Ticket) -> None:
        """Count an open ticket."""
        self.count(ticket.player, legs_standing(ticket), ticket.risk_minor, ticket.win_minor, 1)

    def closed(self, ticket: Ticket, stood: tuple[int, ...]) -> None:
        """Stop counting a ticket that was open. stood: the legs that were, by number."""
        legs = ticket.legs_at(stood) if ticket.more else (ticket,)
        self.count(ticket.player, legs, -ticket.risk_minor, -ticket.win_minor, -1)

    def leg_turned(self, number: int, leg: int, sign: Literal[1, -1]) -> None:
        """A leg of a ticket that stays open is open again (1) or has ended (-1): only what stands in its market changes."""
        ticket = self.tickets.by_number[number]
        self.note_stake(ticket)
        risk_minor, win_minor = sign * ticket.risk_minor, sign * ticket.win_minor
        self.count(ticket.player, ticket.legs_at((leg,)), risk_minor, win_minor, sign, legs_alone=True)

    def sums_above(self, agent: str) -> tuple[AgentSums, ...]:
        """The sums of an agent and of all above."""
        above = self.above.get(agent)
        if above is None:
            chain = self.tree.chain(agent)
            above = self.above[agent] = tuple(self.sums.setdefault(name, AgentSums()) for name in chain)
        return above

    def count(
        self,
        player: str,
        legs: Iterable[Selection],
        risk_minor: int,
        win_minor: int,
        wagers: int,
        legs_alone: bool = False,
    ) -> None:
        """Add (wagers=1) or take away (wagers=-1, amounts negative) an open ticket: its risk with the player and all above, its
        risk and win on the side of each leg, at its line. legs_alone: only the latter."""
        agent = self.tree.players[player].agent
        if not legs_alone:
            self.pending[player] = self.pending.get(player, 0) + risk_minor
            for sums in self.above.get(agent) or self.sums_above(agent):
                sums.pending_minor += risk_minor
                sums.open_wagers += wagers
        paths = self.paths
        for leg in legs:
            market, place = leg.market, (leg.side, leg.line_quarters)
            try:
                path = paths[market][place][agent]
            except KeyError:
                path = self.stands_above(market, place, agent)
            for stand in path:
                stand.risk_minor += risk_minor
                stand.win_minor += win_minor
                stand.wagers += wagers
            if not path[0].wagers:
                self.forget_stands(market, place, agent)

    def forget_stands(self, market: str, place: Place, agent: str) -> None:
        """Forget a side of a market at a line on which nothing of an agent's players stands any more: for the agent, and for
        those above of whose players nothing does either."""
        agents = self.paths[market][place]
        for name, sums in zip(self.tree.chain(agent), self.sums_above(agent), strict=True):
            if sums.stands[market][place].wagers:
                break
            sums.forget_stand(market, place)
            agents.pop(name, None)
        if not agents:
            del self.paths[market][place]
            if not self.paths[market]:
                del self.paths[market]

    def note_stake(self, ticket: Ticket) -> None:
        """Note that a ticket closes or opens again: the event does not say what it is about."""
        if len(self.closed_on) >= CLOSED_REMEMBERED:
            self.closed_before, self.closed_on = self.closed_on, {}
        self.closed_on[self.state.seq] = ticket

    def stake_closed_at(self, seq: int) -> Ticket | None:
        """The ticket that closed or opened again at a position, as it is by now; None if that was too long ago."""
        return self.closed_on.get(seq) or self.closed_before.get(seq)

    def markets(self, node: str) -> Ordered[str]:
        """The markets with open wagers of a node's players, in their order."""
        sums = self.sums.get(node)
        return sums.stands.ordered() if sums else NO_KEYS

    def stands_above(self, market: str, place: Place, agent: str) -> tuple[Stand, ...]:
        """What stands on a side of a market at a line for an agent and for all above."""
        places = self.paths.get(market)
        if places is None:
            places = self.paths[market] = {}
        agents = places.get(place)
        if agents is None:
            agents = places[place] = {}
        path = agents.get(agent)
        if path is None:
            path = agents[agent] = tuple(sums.stand(market, place) for sums in self.sums_above(agent))
        return path

    def sums_of(self, player: str) -> AgentSums:
        """What a player alone has in the sums of an agent."""
        sums = AgentSums(balance_minor=self.tree.players[player].balance_minor, players=1)
        for number in self.tickets.open_of.get(player, ()):
            ticket = self.tickets.by_number[number]
            sums.pending_minor += ticket.risk_minor
            sums.open_wagers += 1
            for leg in legs_standing(ticket):
                stand = sums.stand(leg.market, (leg.side, leg.line_quarters))
                stand.risk_minor += ticket.risk_minor
                stand.win_minor += ticket.win_minor
                stand.wagers += 1
        return sums

    def balance_moved(self, player: str, change_minor: int) -> None:
        """Count a movement of a player's balance in the agents' sums."""
        for sums in self.sums_above(self.tree.players[player].agent):
            sums.balance_minor += change_minor

    def stands(self, node: str = ROOT) -> dict[str, dict[Place, Stand]]:
        """What stands in each market with open wagers of a node's players, by side and line."""
        sums = self.sums.get(node)
        return sums.stands if sums else {}

    def exposure(self, market: str, node: str = ROOT) -> Cases:
        """What a market can cost by the wagers of a node's players."""
        return cases_of(market, self.stands(node).get(market) or {})


@evolves(PlayerCreated)
def player_counts(book: "Book", event: PlayerCreated) -> None:
    for sums in book.risk.sums_above(event.agent):
        sums.players += 1


@evolves(AgentMoved)
def sums_move(book: "Book", event: AgentMoved) -> None:
    risk = book.risk
    moved = risk.sums.get(event.agent, AgentSums())
    for sums in risk.sums_above(event.before):
        sums.add(moved, -1)
    for sums in risk.sums_above(event.after):
        sums.add(moved, 1)
    risk.above = {}
    risk.paths = {}


@evolves(PlayerMoved)
def sums_of_a_player_move(book: "Book", event: PlayerMoved) -> None:
    risk = book.risk
    moved = risk.sums_of(event.player)
    apart = book.tree.apart(event.before, event.after)
    above = book.tree.chain(event.before)
    for name in apart:
        risk.sums.setdefault(name, AgentSums()).add(moved, -1 if name in above else 1)
    # What is kept of paths upwards may lead to what stands no more.
    risk.paths = {}


@evolves(TransactionEntered)
def transaction_counts(book: "Book", event: TransactionEntered) -> None:
    book.risk.balance_moved(event.player, event.change_minor)


@evolves(WagerPlaced)
def risk_is_taken(book: "Book", event: WagerPlaced) -> None:
    book.risk.count(event.player, (event,), event.risk_minor, event.win_minor, 1)


@evolves(WagerVoided)
def risk_is_free(book: "Book", event: WagerVoided) -> None:
    risk, ticket = book.risk, book.tickets.by_number[event.wager]
    risk.note_stake(ticket)
    risk.closed(ticket, event.stood)


@evolves(WagerSettled)
def risk_is_paid(book: "Book", event: WagerSettled) -> None:
    risk, ticket = book.risk, book.tickets.by_number[event.wager]
    risk.note_stake(ticket)
    risk.closed(ticket, event.stood)
    change = event.returned_minor - ticket.risk_minor
    if change:
        risk.balance_moved(ticket.player, change)


@evolves(WagerReversed)
def risk_is_back(book: "Book", event: WagerReversed) -> None:
    risk, ticket = book.risk, book.tickets.by_number[event.wager]
    risk.note_stake(ticket)
    risk.opened(ticket)
    if event.change_minor:
        risk.balance_moved(ticket.player, event.change_minor)


@evolves(LegGraded)
def leg_stands_no_more(book: "Book", event: LegGraded) -> None:
    book.risk.leg_turned(event.wager, event.leg, -1)


@evolves(LegVoided)
def leg_is_void(book: "Book", event: LegVoided) -> None:
    book.risk.leg_turned(event.wager, event.leg, -1)


@evolves(LegReversed)
def leg_stands_again(book: "Book", event: LegReversed) -> None:
    book.risk.leg_turned(event.wager, event.leg, 1)
