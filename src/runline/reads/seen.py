"""Seen: a snapshot of what is stored, as somebody may see it."""

from typing import Any

from runline.domain.access import NOTHING, PLAYER_ROLE, Role, User
from runline.domain.audience import Audience, sees
from runline.domain.hierarchy import Agent, Player
from runline.domain.messages import HOUSE, Event, Rejected
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.sessions import Session, over_ns
from runline.domain.state import Row
from runline.domain.users import RoleHeld
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import Logged
from runline.engine.ports import Snapshot, Wanted
from runline.reads.limits import ROLES_LOOKED_MAX


def outside() -> Rejected:
    """The refusal of who asks for more than their own."""
    return Rejected("not_permitted", "That is outside your part of the tree.")


class SeenSnapshot:
    """A snapshot as somebody may see it: who asks of it, and what their subtree is.

    vocabulary: what its log tells. session: who asks; actor: who asks without one, from inside Runline.

    Raises Rejected `not_permitted`, `signed_out`.
    """

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary, session: str, actor: str, now_ns: int) -> None:
        self.snapshot = snapshot
        self.vocabulary = vocabulary
        self.house = snapshot.of_stream(HOUSE)
        self.now_ns = now_ns
        self.roles: dict[str, list[Any]] = {}
        """(position, role) of those whose roles were asked for, the last first."""
        self.nodes: dict[tuple[type[Row], str], str | None] = {}
        """Where those stand that were asked for."""
        if session:
            held = snapshot.row(Session, session)
            if held is None or over_ns(held) <= now_ns:
                raise Rejected("signed_out", "This session has ended. Sign in again.")
            actor = held.user
        one = snapshot.row(User, actor)
        role = snapshot.row(Role, one.role) if one is not None else None
        if one is None or role is None or not one.active:
            raise Rejected("not_permitted", "This user may not act here.")
        permissions = frozenset(role.permissions) if self.stands_below(role.node, one.node) else NOTHING
        self.audience = Audience(one.node, one.player, permissions)
        self.user = one.name
        self.within = snapshot.subtree(one.node) if one.node != ROOT else None

    def stands_below(self, top: str, node: str) -> bool:
        """Whether a node is another one or stands below it."""
        if top == ROOT:
            return True
        while node not in (top, ROOT):
            agent = self.snapshot.row(Agent, node)
            node = agent.parent if agent is not None else ROOT
        return node == top

    # What `sees` asks of a tree

    @property
    def tree(self) -> "SeenSnapshot":
        """What is below what: it knows that itself."""
        return self

    def below(self, top: str, node: str) -> bool:
        """Whether a node stands in the asker's subtree (which is the only one that is asked for)."""
        return self.within is None or node in self.within

    def subtree_of(self, agent: str) -> frozenset[str]:
        """An agent of the asker's subtree, and all below.

        Raises Rejected `not_permitted`, `unknown_agent`.
        """
        if self.audience.player or not self.below("", agent):
            raise outside()
        if self.snapshot.row(Agent, agent) is None:
            raise Rejected("unknown_agent", "There is no such agent.", agent=agent)
        return self.snapshot.subtree(agent)

    def part_of(self, node: str, player: str) -> tuple[frozenset[str] | None, dict[str, str]]:
        """Whose tickets are asked about: those of a node and all below ("" for all that the asker sees), or of one player.

        Returns (the nodes, None for all; the fields that narrow them to the player).

        Raises Rejected `not_permitted`, `unknown_agent`.
        """
        if player and not self.below("", self.node_of_player(player) or ROOT):
            raise outside()
        fields = {"player": player} if player else {}
        if node:
            return self.subtree_of(node), fields
        return (self.within if not player else None), fields

    def node_of_player(self, player: str) -> str | None:
        """The agent of a player."""
        return self.node_of(Player, "agent", player)

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        return self.node_of(User, "node", user)

    def node_of(self, row_type: type[Row], field: str, name: str) -> str | None:
        known = row_type, name
        if known not in self.nodes:
            row = self.snapshot.row(row_type, name)
            self.nodes[known] = getattr(row, field) if row is not None else None
        return self.nodes[known]

    def is_within(self, user: str) -> bool:
        """Whether a user stands in the asker's subtree. (Who is no user stands at the top.)"""
        return self.below("", self.node_of_user(user) or ROOT)

    def role_of(self, actor: str, seq: int) -> str:
        """The role that an actor held as the event at a position happened, "" of who is no user, or of another subtree."""
        if not self.is_within(actor):
            return ""
        if actor not in self.roles:
            user = self.snapshot.row(User, actor)
            held = [(0, PLAYER_ROLE)] if user is not None and user.player else []
            if user is not None and not user.player:
                held = self.snapshot.find(RoleHeld, Wanted({"user": actor}), ROLES_LOOKED_MAX, "role").numbers
            self.roles[actor] = held
        return next((role for number, role in self.roles[actor] if number < seq), "")

    def actor(self, entry: Logged) -> str:
        """Who did what an entry of the log tells, "" for who may not see the log, unless it is the asker."""
        may = not self.audience.player and self.audience.may(Permission.LOG_VIEW)
        return entry.actor if may or entry.actor == self.user else ""

    def event(self, entry: Logged) -> Event | None:
        """The event of an entry of the log, if the asker may see it."""
        event = entry.event(self.vocabulary)
        return event if sees(self.audience, self, event) else None
