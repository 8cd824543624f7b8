"""Access: who may do what, and within which subtree.

Rule: authority is judged by the writer, against the roles and the tree as they are at that event. A user has one role and
stands at one node of the tree; a role counts where it is kept and below, so that a move ends those that stay behind. Nobody
grants what they do not hold, nor outside their own subtree.

Rule: whoever commands a user stands above them (`require_above`). Their node is the user's or above it, and they hold all that
the user's role holds; at the same node they hold more, or are an owner and the user is not. The owner whom the house names
stands above a book's other owners; other owners are equals, and nobody commands an equal. One may always give up one's own.
What was taken from above, of a user or of a role, is given back from there or above only (`require_revoker`, `taken_by`).
"""

from collections.abc import Collection, Iterator
from typing import Literal

from runline.domain.bounds import KEPT_FOR_THE_WHOLE, LOWERED_LOOKED_MAX
from runline.domain.identifiers import identifier
from runline.domain.messages import ENGINE, GATEWAY, Command, Rejected, lacking
from runline.domain.nodes import ROOT, Occupant
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.state import Part, Row, State, at_once, by_pieces

OWNER = "owner"
"""The role that holds everything; the first user of a stream has it."""

PLAYER_ROLE = "player"
"""The role of every player; `StartBook` makes it. It never grows beyond what a player may do with their own account."""


class Role(Row, table="roles"):
    """A named list of permissions, kept at a node; users at or below that node may have it.

    permissions: values of `Permission`, in their order.
    narrowed_node, narrowed_role: where whoever took permissions out of it stood, and by which role; "" if nobody did.
    """

    name: str
    node: str
    permissions: tuple[str, ...]
    narrowed_node: str = ""
    narrowed_role: str = ""
    changed_seq: int = 0


class User(Row, table="users"):
    """Someone who acts: staff of a node, or a player on their own account.

    node: the agent whose subtree they see.
    player: the account number if this is a player, else "".
    active: false once revoked. revoked_node, revoked_role: where whoever revoked them stood, and by which role; "" if active.
    lowered_node, lowered_role: the same of whoever gave them a role that holds less than the one before; "" if nobody did.
    """

    name: str
    node: str
    role: str
    player: str
    active: bool = True
    revoked_node: str = ""
    revoked_role: str = ""
    lowered_node: str = ""
    lowered_role: str = ""
    changed_seq: int = 0


NOTHING: frozenset[str] = frozenset()

INTERNAL_USERS = {name: User(name, ROOT, OWNER, "") for name in (ENGINE, GATEWAY)}


class Access(Part, named="access", streams=("house", "book"), keeps={Role: "roles", User: "users"}):
    """The users and roles of a stream."""

    __slots__ = (
        "allowed",
        "first_owner",
        "holders",
        "kept",
        "lowered",
        "role_order",
        "roles",
        "tree",
        "users",
        "users_at",
    )

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.tree = state.tree
        self.first_owner = ""
        """The owner whom the house names; "" where there is none."""
        self.roles: dict[str, Role] = {}
        self.users: dict[str, User] = {}
        self.allowed: dict[str, frozenset[str]] = {}
        self.holders: dict[str, dict[str, dict[str, None]]] = {}
        """The staff who have a role, by role and by the node where they stand. (Players have a role of their own, and nobody has
        it beside them.)"""
        self.lowered: dict[str, dict[str, dict[str, int]]] = {}
        """How many of those who have a role were lowered: by that role, by where whoever did it stood, and by which role."""
        self.kept: dict[str, dict[str, None]] = {}
        """The roles, by the node that keeps them."""
        self.role_order: Ordered[str] = Ordered()
        """The names of all roles, in order."""
        self.users_at: dict[str, Ordered[str]] = {}
        """The users who stand at each node."""

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        self.allowed = {role.name: frozenset(role.permissions) for role in self.roles.values()}
        self.kept = {}
        for role in self.roles.values():
            self.kept.setdefault(role.node, {})[role.name] = None
        self.role_order = Ordered(self.roles)
        self.holders = {}
        self.lowered = {}
        names: dict[str, list[str]] = {}
        players: dict[str, int] = {}
        for some in by_pieces(self.users.values()):
            for user in some:
                self.note_holder(user)
                self.count_lowered(user, 1)
                names.setdefault(user.node, []).append(user.name)
                if user.player:
                    players[user.node] = players.get(user.node, 0) + 1
            yield
        self.users_at = {}
        for node, found in names.items():
            self.users_at[node] = Ordered(found)
            yield
        for node, kept in self.kept.items():
            self.tree.take_room(node, "roles", len(kept))
        for node, found in names.items():
            self.tree.take_room(node, "players", players.get(node, 0))
            self.tree.take_room(node, "users", len(found) - players.get(node, 0))

    def add_role(self, role: Role) -> None:
        """Take in a new role."""
        self.roles[role.name] = self.state.touch(role)
        self.allowed[role.name] = frozenset(role.permissions)
        self.kept.setdefault(role.node, {})[role.name] = None
        self.role_order.add(role.name)
        self.tree.take_room(role.node, "roles", 1)

    def add_user(self, user: User) -> None:
        """Take in a new user."""
        self.users[user.name] = self.state.touch(user)
        self.note_holder(user)
        self.users_at.setdefault(user.node, Ordered()).add(user.name)
        self.tree.take_room(user.node, "players" if user.player else "users", 1)

    def move_player(self, user: User, node: str) -> None:
        """Let a player, as a user, stand at another node."""
        names = self.users_at[user.node]
        names.discard(user.name)
        if not names:
            del self.users_at[user.node]
        self.tree.take_room(user.node, "players", -1)
        self.state.touch(user).node = node
        self.users_at.setdefault(node, Ordered()).add(user.name)
        self.tree.take_room(node, "players", 1)

    def note_holder(self, user: User) -> None:
        """Note that a user has their role."""
        if not user.player:
            self.holders.setdefault(user.role, {}).setdefault(user.node, {})[user.name] = None

    def count_lowered(self, user: User, sign: Literal[1, -1]) -> None:
        """Count (1) or stop counting (-1) a user among the lowered, if they are."""
        if not user.lowered_node:
            return
        nodes = self.lowered.setdefault(user.role, {})
        roles = nodes.setdefault(user.lowered_node, {})
        roles[user.lowered_role] = roles.get(user.lowered_role, 0) + sign
        if not roles[user.lowered_role]:
            del roles[user.lowered_role]
            if not roles:
                del nodes[user.lowered_node]

    def counts(self, role: Role, node: str) -> bool:
        """Whether a role counts for somebody who stands at a node."""
        return role.node == ROOT or self.tree.below(role.node, node)

    def held_by(self, user: User) -> frozenset[str]:
        """What a user may do: what their role holds, if it counts where they stand."""
        role = user.role
        if role in self.kept[ROOT] or self.tree.below(self.roles[role].node, user.node):
            return self.allowed[role]
        return NOTHING

    def branch_of(self, name: str) -> str:
        """The branch of the tree in which a user stands; "" for the root, and for those who stand nowhere."""
        user = self.users.get(name)
        return self.tree.branch_of(user.node) if user is not None else ""

    def users_of(self, node: str) -> Ordered[str]:
        """The users who stand at a node."""
        return self.users_at.get(node, NO_KEYS)

    def new_user_name(self, name: str, what: str) -> str:
        """The id of a new user, if it is one and free. Players are users too; engine and gateway are never free."""
        if identifier(name, what) in self.users or name in INTERNAL_USERS:
            raise Rejected("already_exists", f"The id {name!r} is taken.")
        return name

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        known = self.users.get(user)
        return known.node if known else None


def require_room(state: State, user: User, count: int, most: int, what: Occupant) -> None:
    """Refuse one more of what there are so many of already. The last places are kept for the staff of the whole stream; of the
    others, no branch of the tree may hold more than it leaves free: whoever comes next finds room.

    Raises Rejected `too_many`.
    """
    if user.node != ROOT:
        most -= most // KEPT_FOR_THE_WHOLE
        held = state.tree.held_in_branch(user.node, what)
        if most > count and held >= most - count:
            raise Rejected("too_many", f"Your branch of the tree holds as many {what} as it may.", most=held)
    if count >= most:
        raise Rejected("too_many", f"There are as many {what} as there may be.", most=most)


def authorize(state: State, command: Command, actor: str) -> User:
    """Who asks, if they may: the writer calls this as it executes.

    Raises Rejected `not_permitted`.
    """
    needs = command.needs
    if needs is None:
        if actor != command.sender:
            raise Rejected("not_permitted", "Only Runline itself may do this.")
        return INTERNAL_USERS[actor]
    access = state.access
    user = access.users.get(actor)
    if user is None or not user.active:
        raise Rejected("not_permitted", "This user may not act here.")
    role = user.role
    # Most roles are kept at the root and count everywhere.
    if needs not in (access.allowed[role] if role in access.kept[ROOT] else access.held_by(user)):
        raise lacking(needs)
    return user


def grantable(state: State, granter: User, role_name: str, node: str) -> Role:
    """The role, if this granter may give it to someone at this node."""
    role = state.access.roles.get(role_name)
    if role is None or not (state.tree.below(granter.node, role.node) or state.tree.below(role.node, granter.node)):
        raise Rejected("unknown_role", f"There is no role {role_name!r}.", role=role_name)
    held = state.access.held_by(granter)
    for permission in role.permissions:
        if permission not in held:
            raise Rejected("not_permitted", f"You do not hold {permission} yourself.", permission=permission)
    if role_name == OWNER and granter.role != OWNER:
        raise Rejected("not_permitted", "Only an owner makes an owner.")
    if not state.tree.below(role.node, node):
        raise Rejected("role_elsewhere", "This role is not kept at or above that node.", node=role.node)
    return role


def user_within(state: State, asker: User, name: str) -> User:
    """A user of the asker's subtree (to those below the root the unknown and the foreign look alike)."""
    user = state.access.users.get(name)
    if user is None or not state.tree.below(asker.node, user.node):
        if asker.node == ROOT:
            raise Rejected("unknown_user", f"There is no user {name!r}.", user=name)
        raise Rejected("not_permitted", "That is outside your part of the tree.")
    return user


def stands_above(state: State, asker: User, user: User) -> bool:
    """Whether an asker, in whose subtree the user is and who holds all that the user's role holds, stands above the user."""
    if user.node != asker.node:
        return True
    if OWNER in (asker.role, user.role) and asker.role != user.role:
        return asker.role == OWNER
    if asker.role == OWNER:
        return asker.name == state.access.first_owner
    return state.access.held_by(asker) > state.access.allowed[user.role]


def require_above(state: State, asker: User, user: User, *, or_equal: bool = False) -> None:
    """Refuse who does not stand above a user (see the rules above), unless it is about themselves.

    or_equal: an equal will do.
    """
    if user is asker:
        return
    if not state.tree.below(asker.node, user.node):
        raise Rejected("not_permitted", "That is outside your part of the tree.")
    held = state.access.held_by(asker)
    for permission in state.access.roles[user.role].permissions:
        if permission not in held:
            raise Rejected("not_permitted", "They hold what you do not hold.", permission=permission)
    equal_is_enough = or_equal and user.name != state.access.first_owner and (user.role != OWNER or asker.role == OWNER)
    if not equal_is_enough and not stands_above(state, asker, user):
        raise Rejected("not_permitted", "They stand beside you, not below.")


def require_revoker(state: State, asker: User, user: User) -> None:
    """Refuse to give authority to a user who was revoked from above the asker."""
    if not user.active and not reaches(state, asker.node, asker.role, user.revoked_node, user.revoked_role):
        raise Rejected("not_permitted", "They were revoked from above; only there they are restored.")


def require_lowerer(state: State, asker: User, role: Role) -> None:
    """Refuse to widen a role that somebody has who was lowered from above the asker: they would be given it back. (Where more
    have lowered its holders than are looked at, only the root's staff widen it, above whom nobody stands but at the root.)"""
    nodes = state.access.lowered.get(role.name)
    if not nodes:
        return
    below_root = asker.node != ROOT
    if (below_root and len(nodes) > LOWERED_LOOKED_MAX) or not all(
        reaches(state, asker.node, asker.role, node, by)
        for node in (nodes if below_root else (ROOT,))
        for by in nodes.get(node, ())
    ):
        raise Rejected("not_permitted", "Somebody who has it was lowered from above; only there it is widened.")


def taken_by(
    state: State, asker: User, node: str, role: str, before: Collection[str], after: Collection[str]
) -> tuple[str, str]:
    """Who has taken something, once `before` becomes `after`: where they stand, and by which role; "" if nobody has. node, role:
    who had taken something until now.

    Raises Rejected `not_permitted` if something would be given back that was taken from above the asker.
    """
    reached = not node or reaches(state, asker.node, asker.role, node, role)
    if reached:
        return ("", "") if set(after) >= set(before) else (asker.node, asker.role)
    if not set(after) <= set(before):
        raise Rejected("not_permitted", "Something was taken from above; only there it is given back.")
    return node, role


def reaches(state: State, node: str, role: str, other_node: str, other_role: str) -> bool:
    """Whether what is done at a node by a role comes from as high as what is done at another by another."""
    if node != other_node:
        return state.tree.below(node, other_node)
    return role == OWNER or (other_role != OWNER and state.access.allowed[role] >= state.access.allowed[other_role])
