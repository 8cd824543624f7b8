"""Nodes: where in a stream somebody stands, and what is below whom.

Rule: whatever asks where somebody stands (roles, sessions, suspensions) asks the part `tree`. A book's is the tree of its agents
(`hierarchy.py`); the house has the root only.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from runline.domain.messages import Rejected
from runline.domain.state import Part

if TYPE_CHECKING:
    from runline.domain.access import User

ROOT = "root"
"""The node at the top of a book's tree (and the only node of the house)."""

Occupant = Literal["agents", "players", "users", "roles", "sessions"]
"""What takes room in a stream. users: staff."""


class Nodes(Part, ABC):
    """The nodes of a stream, and what is held at each."""

    __slots__ = ()

    @abstractmethod
    def known(self, node: str) -> bool:
        """Whether there is such a node."""

    @abstractmethod
    def below(self, top: str, node: str) -> bool:
        """Whether a node is `top` or stands below it."""

    @abstractmethod
    def chain(self, node: str) -> list[str]:
        """A node and all above it, upwards to the root."""

    @abstractmethod
    def subtree(self, top: str, start: str = "") -> Iterator[str]:
        """The nodes of a subtree, each before those below it, by name among those of one parent; from `start` on, which must
        stand in it. The tree must not change meanwhile."""

    @abstractmethod
    def take_room(self, node: str, what: Occupant, count: int) -> None:
        """Count what is held at a node (negative: stop counting)."""

    @abstractmethod
    def branch_of(self, node: str) -> str:
        """The branch that a node stands in: the agent right below the root, with everything below it; "" for the root.
        Whoever works in a branch can make users and agents there, so that what is shared is shared out by branch."""

    @abstractmethod
    def held_in_branch(self, node: str, what: Occupant) -> int:
        """How much the branch of the tree holds that a node stands in."""

    @abstractmethod
    def node_of_player(self, player: str) -> str | None:
        """The agent of a player."""

    @property
    @abstractmethod
    def number_of_players(self) -> int:
        """How many of the users are players."""

    @abstractmethod
    def require_scope(self, user: "User", scope: str, subject: str) -> None:
        """Refuse a scope of suspension that this stream does not have or this user may not close."""

    def require_node(self, user: "User", node: str) -> None:
        """Refuse a node that is unknown or outside the user's subtree (which look alike to those below the root)."""
        if not self.below(user.node, node):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        if not self.known(node):
            raise Rejected("unknown_agent", f"There is no agent {node!r}.", agent=node)


class OneNode(Nodes, named="tree", streams=("house",)):
    """A stream without a tree: it has the root, no players, and nobody who would take too much room."""

    __slots__ = ()

    def known(self, node: str) -> bool:
        return node == ROOT

    def below(self, top: str, node: str) -> bool:
        return top == ROOT or top == node

    def chain(self, node: str) -> list[str]:
        return [ROOT]

    def subtree(self, top: str, start: str = "") -> Iterator[str]:
        yield ROOT

    def take_room(self, node: str, what: Occupant, count: int) -> None:
        """Nothing is counted."""

    def branch_of(self, node: str) -> str:
        return ""

    def held_in_branch(self, node: str, what: Occupant) -> int:
        return 0

    def node_of_player(self, player: str) -> str | None:
        return None

    @property
    def number_of_players(self) -> int:
        return 0

    def require_scope(self, user: "User", scope: str, subject: str) -> None:
        if scope in ("agent", "player"):
            raise Rejected("scope_invalid", "The house has no agents and players.")
        if user.node != ROOT:
            raise Rejected("not_permitted", "Only the whole book's staff may close this.")
