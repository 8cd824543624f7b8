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
from typing import Any, ClassVar, Literal

from runline.domain.aside import SetbackState
from runline.domain.bounds import KEPT_FOR_THE_WHOLE, LOWERED_LOOKED_MAX, ROLES_MAX, ROLES_PER_NODE_MAX, STAFF_MAX
from runline.domain.identifiers import identifier, reason_text
from runline.domain.messages import ENGINE, GATEWAY, Command, Event, Rejected, decides, evolves, grounds
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.permissions import PLAYER_MAY, Permission
from runline.domain.state import Row

ROOT = "root"
"""The node at the top of a book's tree (and the only node of the house)."""

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


Held = Literal["agents", "players", "users", "roles", "sessions"]
"""What takes room in a stream. users: staff."""

NOTHING: frozenset[str] = frozenset()

INTERNAL_USERS = {name: User(name, ROOT, OWNER, "") for name in (ENGINE, GATEWAY)}


class AccessState(SetbackState):
    """A stream with users and roles."""

    held: ClassVar[dict[type[Row], str]] = {**SetbackState.held, Role: "roles", User: "users"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
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
        super().derive()
        self.allowed = {role.name: frozenset(role.permissions) for role in self.roles.values()}
        self.kept = {}
        for role in self.roles.values():
            self.kept.setdefault(role.node, {})[role.name] = None
        self.role_order = Ordered(self.roles)
        self.holders = {}
        self.lowered = {}
        names: dict[str, list[str]] = {}
        for user in self.users.values():
            self.note_holder(user)
            self.count_lowered(user, 1)
            names.setdefault(user.node, []).append(user.name)
        self.users_at = {node: Ordered(found) for node, found in names.items()}

    def add_role(self, role: Role) -> None:
        """Take in a new role."""
        self.roles[role.name] = self.touch(role)
        self.allowed[role.name] = frozenset(role.permissions)
        self.kept.setdefault(role.node, {})[role.name] = None
        self.role_order.add(role.name)
        self.take_room(role.node, "roles", 1)

    def add_user(self, user: User) -> None:
        """Take in a new user."""
        self.users[user.name] = self.touch(user)
        self.note_holder(user)
        self.users_at.setdefault(user.node, Ordered()).add(user.name)
        self.take_room(user.node, "players" if user.player else "users", 1)

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

    def take_room(self, node: str, what: Held, sign: Literal[1, -1]) -> None:
        """Count (1) or stop counting (-1) what is held at a node. A stream without a tree has nobody who would take too much."""

    def part_of(self, node: str) -> str:
        """The part of the tree that a node stands in: the agent right below the root, with everything below it; "" for the root.
        Whoever works in a part can make users and agents there, so that what is shared is shared out by part."""
        return ""

    def held_in_part(self, node: str, what: Held) -> int:
        """How much the part of the tree holds that a node stands in."""
        return 0

    def counts(self, role: Role, node: str) -> bool:
        """Whether a role counts for somebody who stands at a node."""
        return role.node == ROOT or self.below(role.node, node)

    def held_by(self, user: User) -> frozenset[str]:
        """What a user may do: what their role holds, if it counts where they stand."""
        role = user.role
        if role in self.kept[ROOT] or self.below(self.roles[role].node, user.node):
            return self.allowed[role]
        return NOTHING

    def first_owner(self) -> str:
        """The owner whom the house names; "" where there is none."""
        return ""

    def users_of(self, node: str) -> Ordered[str]:
        """The users who stand at a node."""
        return self.users_at.get(node, NO_KEYS)

    def subtree(self, top: str, start: str = "") -> Iterator[str]:
        """The nodes of a subtree, from `start` on. A stream without a tree has the root only."""
        yield ROOT

    def chain(self, node: str) -> list[str]:
        """A node and all above it. A stream without a tree has the root only."""
        return [ROOT]

    def below(self, top: str, node: str) -> bool:
        """Whether a node is `top` or stands below it. A stream without a tree has the root only."""
        return top == ROOT or top == node

    def known_node(self, node: str) -> bool:
        """Whether there is such a node."""
        return node == ROOT

    def new_user_name(self, name: str, what: str) -> str:
        """The id of a new user, if it is one and free. Players are users too; engine and gateway are never free."""
        if identifier(name, what) in self.users or name in INTERNAL_USERS:
            raise Rejected("already_exists", f"The id {name!r} is taken.")
        return name

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        known = self.users.get(user)
        return known.node if known else None

    def node_of_role(self, role: str) -> str | None:
        """Where a role is kept."""
        known = self.roles.get(role)
        return known.node if known else None

    def node_of_player(self, player: str) -> str | None:
        """The agent of a player. A stream without a tree has no players."""
        return None

    @property
    def number_of_players(self) -> int:
        """How many of the users are players."""
        return 0

    def end_sessions(self, user: str) -> None:
        """End all sessions of a user."""

    def require_node(self, user: User, node: str) -> None:
        """Refuse a node that is unknown or outside the user's subtree (which look alike to those below the root)."""
        if not self.below(user.node, node):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        if not self.known_node(node):
            raise Rejected("unknown_agent", f"There is no agent {node!r}.", agent=node)


def require_room(state: AccessState, user: User, count: int, most: int, what: Held) -> None:
    """Refuse one more of what there are so many of already. The last part is kept for the staff of the whole stream; of the
    others, no part of the tree may hold more than it leaves free: whoever comes next finds room.

    Raises Rejected `too_many`.
    """
    if user.node != ROOT:
        most -= most // KEPT_FOR_THE_WHOLE
        held = state.held_in_part(user.node, what)
        if most > count and held >= most - count:
            raise Rejected("too_many", f"Your part of the tree holds as many {what} as it may.", most=held)
    if count >= most:
        raise Rejected("too_many", f"There are as many {what} as there may be.", most=most)


def authorize(state: AccessState, command: Command, actor: str) -> User:
    """Who asks, if they may: the writer calls this as it executes.

    Raises Rejected `not_permitted`.
    """
    needs = command.needs
    if needs is None:
        if actor != command.sender:
            raise Rejected("not_permitted", "Only Runline itself may do this.")
        return INTERNAL_USERS[actor]
    user = state.users.get(actor)
    if user is None or not user.active:
        raise Rejected("not_permitted", "This user may not act here.")
    role = user.role
    # Most roles are kept at the root and count everywhere.
    if needs not in (state.allowed[role] if role in state.kept[ROOT] else state.held_by(user)):
        raise Rejected("not_permitted", f"This needs the permission {needs.value}.", permission=needs.value)
    return user


class SetRole(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Create a role or change its permissions. It bites at its event for everyone who has the role; nobody changes one that an
    equal has, nor widens one that was narrowed, or that somebody has who was lowered, from above.

    role: the role's name.
    node: the node that keeps it (existing roles stay where they are).
    permissions: the whole list.
    reason: shown in the activity log.
    """

    role: str
    node: str
    permissions: tuple[Permission, ...]
    reason: str


class RoleSet(Event, changes_sight=True, notice="role_change"):
    """A role has exactly these permissions now. narrowed_node, narrowed_role: where whoever took something out of it stands, and
    by which role; "" if nothing was taken, or all was given back."""

    role: str
    node: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    narrowed_node: str
    narrowed_role: str
    reason: str


@decides(SetRole)
def set_role(state: AccessState, command: SetRole, context: Any) -> RoleSet | tuple[()]:
    role = state.roles.get(identifier(command.role, "role"))
    node = role.node if role else command.node
    state.require_node(context.user, node)
    if command.role == OWNER:
        raise Rejected("not_permitted", "The owner's role cannot be changed.")
    if role and command.node != role.node:
        raise Rejected("role_elsewhere", "This role is kept at another node.", node=role.node)
    if role is None:
        require_room(state, context.user, len(state.roles), ROLES_MAX, "roles")
        if node != ROOT and len(state.kept.get(node, ())) >= ROLES_PER_NODE_MAX:
            raise Rejected("too_many", "There are as many roles here as there may be.", most=ROLES_PER_NODE_MAX)
    if len(command.permissions) > len(Permission):
        raise Rejected("too_many", "A permission stands in the list twice.", most=len(Permission))
    after = tuple(permission.value for permission in Permission if permission in command.permissions)
    before = role.permissions if role else ()
    if role and role.node == context.user.node:
        # Whoever stands further down stands below. Who has the role beside the asker is the same in rank as any other who has.
        beside = state.holders.get(role.name, {}).get(role.node, ())
        peer = next((name for name in beside if name != context.user.name), None)
        if peer is not None:
            require_above(state, context.user, state.users[peer])
    held = state.held_by(context.user)
    for permission in (*before, *after):
        if permission not in held:
            raise Rejected("not_permitted", f"You do not hold {permission} yourself.", permission=permission)
        if command.role == PLAYER_ROLE and permission not in PLAYER_MAY:
            raise Rejected("not_permitted", f"No player may hold {permission}.", permission=permission)
    narrowed = ("", "")
    if role:
        if before == after:
            return ()
        if not set(after) <= set(before):
            require_lowerer(state, context.user, role)
        narrowed = taken_by(state, context.user, role.narrowed_node, role.narrowed_role, before, after)
    return RoleSet(command.role, node, before, after, *narrowed, reason_text(command.reason))


@evolves(RoleSet)
def role_set(state: AccessState, event: RoleSet) -> None:
    role = state.roles.get(event.role)
    if role is None:
        state.add_role(Role(event.role, event.node, event.after))
        return
    role.permissions = event.after
    role.narrowed_node, role.narrowed_role = event.narrowed_node, event.narrowed_role
    state.allowed[event.role] = frozenset(event.after)
    state.touch(role)


@grounds(SetRole)
def set_role_ground(state: AccessState, command: SetRole) -> int:
    """The role itself."""
    return state.moved_seq(Role, command.role)


class CreateUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Let someone act at a node. House staff and owners of several books get their authority in a book by this.

    user: their id, the same in every stream.
    node: the agent whose subtree they see.
    role: one of the roles kept at or above that node.
    """

    user: str
    node: str
    role: str


class UserCreated(Event):
    """Someone may act at a node."""

    user: str
    node: str
    role: str
    player: str


class AssignRole(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Give a user another role."""

    user: str
    role: str
    reason: str


class RoleAssigned(Event, changes_sight=True, notice="role_change"):
    """A user has another role. node, role: where whoever took something by it stands, and by which role; "" if nothing was
    taken, or all was given back."""

    user: str
    before: str
    after: str
    node: str
    role: str
    reason: str


class RevokeUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Take a user's authority away, at once and wholly.

    Revoking again who was revoked further down makes it this asker's revocation: those below cannot undo it any more.
    """

    user: str
    reason: str


class UserRevoked(Event, changes_sight=True, notice="role_change"):
    """A user may do nothing from here on. node, role: where whoever revoked them stands, and by which role."""

    user: str
    node: str
    role: str
    reason: str


class RestoreUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Give a revoked user their role back: for those who stand where it was taken, or above."""

    user: str
    reason: str


class UserRestored(Event, changes_sight=True, notice="role_change"):
    """A revoked user has their role again."""

    user: str
    reason: str


def grantable(state: AccessState, granter: User, role_name: str, node: str) -> Role:
    """The role, if this granter may give it to someone at this node."""
    role = state.roles.get(role_name)
    if role is None or not (state.below(granter.node, role.node) or state.below(role.node, granter.node)):
        raise Rejected("unknown_role", f"There is no role {role_name!r}.", role=role_name)
    held = state.held_by(granter)
    for permission in role.permissions:
        if permission not in held:
            raise Rejected("not_permitted", f"You do not hold {permission} yourself.", permission=permission)
    if role_name == OWNER and granter.role != OWNER:
        raise Rejected("not_permitted", "Only an owner makes an owner.")
    if not state.below(role.node, node):
        raise Rejected("role_elsewhere", "This role is not kept at or above that node.", node=role.node)
    return role


def user_within(state: AccessState, asker: User, name: str) -> User:
    """A user of the asker's subtree (to those below the root the unknown and the foreign look alike)."""
    user = state.users.get(name)
    if user is None or not state.below(asker.node, user.node):
        if asker.node == ROOT:
            raise Rejected("unknown_user", f"There is no user {name!r}.", user=name)
        raise Rejected("not_permitted", "That is outside your part of the tree.")
    return user


def stands_above(state: AccessState, asker: User, user: User) -> bool:
    """Whether an asker, in whose subtree the user is and who holds all that the user's role holds, stands above the user."""
    if user.node != asker.node:
        return True
    if OWNER in (asker.role, user.role) and asker.role != user.role:
        return asker.role == OWNER
    if asker.role == OWNER:
        return asker.name == state.first_owner()
    return state.held_by(asker) > state.allowed[user.role]


def require_above(state: AccessState, asker: User, user: User, *, or_equal: bool = False) -> None:
    """Refuse who does not stand above a user (see the rules above), unless it is about themselves.

    or_equal: an equal will do.
    """
    if user is asker:
        return
    if not state.below(asker.node, user.node):
        raise Rejected("not_permitted", "That is outside your part of the tree.")
    held = state.held_by(asker)
    for permission in state.roles[user.role].permissions:
        if permission not in held:
            raise Rejected("not_permitted", "They hold what you do not hold.", permission=permission)
    equal_is_enough = or_equal and user.name != state.first_owner() and (user.role != OWNER or asker.role == OWNER)
    if not equal_is_enough and not stands_above(state, asker, user):
        raise Rejected("not_permitted", "They stand beside you, not below.")


def require_revoker(state: AccessState, asker: User, user: User) -> None:
    """Refuse to give authority to a user who was revoked from above the asker."""
    if not user.active and not reaches(state, asker.node, asker.role, user.revoked_node, user.revoked_role):
        raise Rejected("not_permitted", "They were revoked from above; only there they are restored.")


def require_lowerer(state: AccessState, asker: User, role: Role) -> None:
    """Refuse to widen a role that somebody has who was lowered from above the asker: they would be given it back. (Where more
    have lowered its holders than are looked at, only the root's staff widen it, above whom nobody stands but at the root.)"""
    nodes = state.lowered.get(role.name)
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
    state: AccessState, asker: User, node: str, role: str, before: Collection[str], after: Collection[str]
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


def reaches(state: AccessState, node: str, role: str, other_node: str, other_role: str) -> bool:
    """Whether what is done at a node by a role comes from as high as what is done at another by another."""
    if node != other_node:
        return state.below(node, other_node)
    return role == OWNER or (other_role != OWNER and state.allowed[role] >= state.allowed[other_role])


def require_another_owner(state: AccessState, user: User) -> None:
    """Refuse to take the authority of the last owner at the root: nobody could give it back."""
    if user.role != OWNER or user.node != ROOT or not user.active:
        return
    for name in state.holders[OWNER][ROOT]:
        other = state.users[name]
        if other.active and other is not user:
            return
    raise Rejected("last_owner", "The last owner cannot lose their authority.")


@decides(CreateUser)
def create_user(state: AccessState, command: CreateUser, context: Any) -> UserCreated:
    name = state.new_user_name(command.user, "user")
    state.require_node(context.user, command.node)
    require_room(state, context.user, len(state.users) - state.number_of_players, STAFF_MAX, "users")
    grantable(state, context.user, command.role, command.node)
    return UserCreated(name, command.node, command.role, "")


@evolves(UserCreated)
def user_created(state: AccessState, event: UserCreated) -> None:
    state.add_user(User(event.user, event.node, event.role, event.player))


@decides(AssignRole)
def assign_role(state: AccessState, command: AssignRole, context: Any) -> RoleAssigned | tuple[()]:
    user = user_within(state, context.user, command.user)
    require_above(state, context.user, user)
    require_revoker(state, context.user, user)
    grantable(state, context.user, command.role, user.node)
    if user.role == command.role:
        return ()
    if user.player:
        raise Rejected("not_permitted", "A player's role cannot be changed.")
    require_another_owner(state, user)
    before, after = state.allowed[user.role], state.allowed[command.role]
    node, role = taken_by(state, context.user, user.lowered_node, user.lowered_role, before, after)
    return RoleAssigned(user.name, user.role, command.role, node, role, reason_text(command.reason))


@evolves(RoleAssigned)
def role_assigned(state: AccessState, event: RoleAssigned) -> None:
    user = state.touch(state.users[event.user])
    del state.holders[user.role][user.node][user.name]
    state.count_lowered(user, -1)
    user.role = event.after
    user.lowered_node, user.lowered_role = event.node, event.role
    state.note_holder(user)
    state.count_lowered(user, 1)


@decides(RevokeUser)
def revoke_user(state: AccessState, command: RevokeUser, context: Any) -> UserRevoked | tuple[()]:
    asker = context.user
    user = user_within(state, asker, command.user)
    require_above(state, asker, user)
    if not user.active and reaches(state, user.revoked_node, user.revoked_role, asker.node, asker.role):
        return ()
    require_another_owner(state, user)
    return UserRevoked(user.name, asker.node, asker.role, reason_text(command.reason))


@evolves(UserRevoked)
def user_revoked(state: AccessState, event: UserRevoked) -> None:
    user = state.touch(state.users[event.user])
    user.active = False
    user.revoked_node, user.revoked_role = event.node, event.role
    state.end_sessions(event.user)


@decides(RestoreUser)
def restore_user(state: AccessState, command: RestoreUser, context: Any) -> UserRestored | tuple[()]:
    user = user_within(state, context.user, command.user)
    require_above(state, context.user, user)
    if user.active:
        return ()
    require_revoker(state, context.user, user)
    return UserRestored(user.name, reason_text(command.reason))


@evolves(UserRestored)
def user_restored(state: AccessState, event: UserRestored) -> None:
    user = state.touch(state.users[event.user])
    user.active = True
    user.revoked_node = user.revoked_role = ""


@grounds(AssignRole)
@grounds(RevokeUser)
@grounds(RestoreUser)
def user_ground(state: AccessState, command: AssignRole | RevokeUser | RestoreUser) -> int:
    """The user: their role, and whether they may act."""
    return state.moved_seq(User, command.user)


@grounds(CreateUser)
def new_user_ground(state: AccessState, command: CreateUser) -> int:
    """Whether the id is taken, and the role."""
    return max(state.moved_seq(User, command.user), state.moved_seq(Role, command.role))
