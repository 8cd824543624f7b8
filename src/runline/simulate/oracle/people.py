"""People: who may do what, and who commands whom.

A user has one role and stands at one node; a role counts where it is kept and below. Whoever commands a user stands above them.
What was taken from above, of a user or of a role, is given back from there or above only.
"""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import one_more, room
from runline.simulate.oracle.rules import BOTH, REASON, Asked, Moment, Rule, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Role, Stream, User
from runline.simulate.oracle.text import an_id
from runline.simulate.oracle.tree import a_node, is_below

OWNER = "owner"
PLAYER = "player"
RUNLINE = ("engine", "gateway")

OF_BOTH = ("figures_view", "board_view", "log_view", "suspend", "roles_manage", "settings_change")
OF_HOUSE = (
    "lines_post",
    "fixtures_manage",
    "result_enter",
    "result_confirm",
    "book_open",
    "cluster_view",
    "cluster_change",
)
ALL = (
    "figures_view",
    "ticker_view",
    "board_view",
    "log_view",
    "transaction_enter",
    "credit_change",
    "limits_change",
    "player_create",
    "agent_create",
    "agent_move",
    "wager_place",
    "wager_void",
    "line_move",
    "suspend",
    "roles_manage",
    "settings_change",
    *OF_HOUSE,
)
VIEWER_MAY = ("figures_view", "ticker_view", "board_view")
PLAYER_MAY = ("board_view", "wager_place")


def permissions_of(kind: str) -> tuple[str, ...]:
    """All permissions that there are in a kind of stream."""
    return tuple(one for one in ALL if one in OF_BOTH or (one in OF_HOUSE) == (kind == "house"))


def may(stream: Stream, user: User) -> tuple[str, ...]:
    """What a user may do."""
    if user.name in RUNLINE:
        return ALL
    role = stream.roles[user.role]
    return role.permissions if user.active and is_below(stream, role.node, user.node) else ()


def sender_of(stream: Stream, rule: Rule, actor: str) -> User:
    """Who sends a command, if they may."""
    if not rule.needs:
        refuse_unless(actor == rule.sender, "not_permitted")
        return User(actor, ROOT, OWNER)
    user = stream.users.get(actor)
    if user is None or not user.active:
        raise Refused("not_permitted")
    refuse_unless(rule.needs in may(stream, user), "not_permitted", permission=rule.needs)
    return user


def a_user(stream: Stream, asker: User, name: str) -> User:
    """A user of the asker's subtree. Below the root, the unknown and the foreign look alike."""
    user = stream.users.get(name)
    if user is None or not is_below(stream, asker.node, user.node):
        raise Refused("unknown_user" if asker.node == ROOT else "not_permitted")
    return user


def is_more(stream: Stream, asker: User, user: User) -> bool:
    """Whether, of two who stand at the same node, the asker stands above the user."""
    if asker.role == OWNER and user.role == OWNER:
        return asker.name == stream.named_owner
    if OWNER in (asker.role, user.role):
        return asker.role == OWNER
    return set(may(stream, asker)) > set(stream.roles[user.role].permissions)


def stand_above(stream: Stream, asker: User, user: User, *, equals_may: bool = False) -> None:
    """Refuse an asker who does not stand above a user. Everybody stands above themselves.

    equals_may: an equal will do, but not beside an owner, nor of the owner whom the house names.
    """
    if asker.name == user.name:
        return
    refuse_unless(is_below(stream, asker.node, user.node), "not_permitted")
    for permission in stream.roles[user.role].permissions:
        refuse_unless(permission in may(stream, asker), "not_permitted", permission=permission)
    if equals_may and user.name != stream.named_owner and (user.role != OWNER or asker.role == OWNER):
        return
    refuse_unless(asker.node != user.node or is_more(stream, asker, user), "not_permitted")


def comes_from_as_high(stream: Stream, one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether what is done from a (node, role) comes from as high as what is done from another."""
    (node, role), (other_node, other_role) = one, other
    if node != other_node:
        return is_below(stream, node, other_node)
    if OWNER in (role, other_role):
        return role == OWNER
    return set(stream.roles[role].permissions) >= set(stream.roles[other_role].permissions)


def place_of(user: User) -> tuple[str, str]:
    """Where somebody acts from."""
    return user.node, user.role


def not_from_above(stream: Stream, asker: User, user: User) -> None:
    """Refuse to give to somebody who was revoked from above the asker."""
    if not user.active:
        refuse_unless(comes_from_as_high(stream, place_of(asker), user.revoked), "not_permitted")


def takes(
    stream: Stream, asker: User, taken: tuple[str, str], before: tuple[str, ...], after: tuple[str, ...]
) -> tuple[str, str]:
    """Who has taken something once `before` becomes `after`, if `taken` had until now."""
    if taken == ("", "") or comes_from_as_high(stream, place_of(asker), taken):
        return place_of(asker) if set(before) - set(after) else ("", "")
    refuse_unless(not set(after) - set(before), "not_permitted")
    return taken


def a_role_to_give(stream: Stream, giver: User, name: str, node: str) -> None:
    """A role that is known to the giver, who holds all of it, and that counts at a node."""
    role = stream.roles.get(name)
    if role is None or not (is_below(stream, giver.node, role.node) or is_below(stream, role.node, giver.node)):
        raise Refused("unknown_role")
    for permission in role.permissions:
        refuse_unless(permission in may(stream, giver), "not_permitted", permission=permission)
    refuse_unless(name != OWNER or giver.role == OWNER, "not_permitted")
    refuse_unless(is_below(stream, role.node, node), "role_elsewhere", node=role.node)


def another_owner(stream: Stream, user: User) -> None:
    """Somebody else is an owner at the root."""
    if user.role != OWNER or user.node != ROOT or not user.active:
        return
    others = [one for one in stream.users.values() if one.role == OWNER and one.node == ROOT and one.active]
    refuse_unless(len(others) > 1, "last_owner")


def a_free_name(stream: Stream, name: str) -> None:
    """An id that nobody has."""
    an_id(name)
    refuse_unless(name not in stream.users and name not in RUNLINE, "already_exists")


@command("SetRole", needs="roles_manage", streams=BOTH, reasons=REASON)
def set_role(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    asker = moment.user
    role = stream.roles.get(an_id(asked.role))
    node = role.node if role else asked.node
    a_node(stream, asker, node)
    refuse_unless(asked.role != OWNER, "not_permitted")
    refuse_unless(node == asked.node, "role_elsewhere", node=node)
    if role is None:
        room(stream, asker, "ROLES_MAX", "roles")
        if node != ROOT:
            one_more("ROLES_PER_NODE_MAX", sum(1 for one in stream.roles.values() if one.node == node))
    for permission in asked.permissions:
        refuse_unless(permission in permissions_of(stream.kind), "permission_invalid", permission=permission)
    refuse_unless(len(asked.permissions) <= len(ALL), "too_many", most=len(ALL))
    before = role.permissions if role else ()
    after = tuple(one for one in ALL if one in asked.permissions)
    for user in stream.users.values():
        # Whoever has the role further down stands below. A player has no rank.
        if role and user.role == asked.role and user.node == role.node == asker.node and not user.player:
            stand_above(stream, asker, user)
    for permission in (*before, *after):
        refuse_unless(permission in may(stream, asker), "not_permitted", permission=permission)
        refuse_unless(asked.role != PLAYER or permission in PLAYER_MAY, "not_permitted", permission=permission)
    narrowed = ("", "")
    if role:
        if before == after:
            return []
        if set(after) - set(before):
            for user in stream.users.values():
                if user.role == asked.role and user.lowered != ("", ""):
                    refuse_unless(comes_from_as_high(stream, place_of(asker), user.lowered), "not_permitted")
        narrowed = takes(stream, asker, role.narrowed, before, after)
    return [
        happens(
            "RoleSet",
            role=asked.role,
            node=node,
            before=before,
            after=after,
            narrowed_node=narrowed[0],
            narrowed_role=narrowed[1],
            reason=asked.reason,
        )
    ]


@event("RoleSet")
def role_set(stream: Stream, at: Asked) -> None:
    stream.roles[at.role] = Role(at.node, tuple(at.after), (at.narrowed_node, at.narrowed_role))
    stream.touch("role", at.role)


@ground("SetRole")
def role_ground(stream: Stream, asked: Asked) -> int:
    return stream.when_moved("role", asked.role)


@command("CreateUser", needs="roles_manage", streams=BOTH)
def create_user(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    known = stream.users.get(asked.user)
    if known and not known.player and is_below(stream, moment.user.node, known.node):
        stands = {"node": known.node, "role": known.role, "active": known.active}
        wanted = {"node": asked.node, "role": asked.role, "active": True}
        differs = {name: value for name, value in stands.items() if value != wanted[name]}
        refuse_unless(not differs, "already_exists", id=known.name, differs=differs)
        return []
    a_free_name(stream, asked.user)
    a_node(stream, moment.user, asked.node)
    room(stream, moment.user, "STAFF_MAX", "users")
    a_role_to_give(stream, moment.user, asked.role, asked.node)
    return [happens("UserCreated", user=asked.user, node=asked.node, role=asked.role, player="")]


@event("UserCreated")
def user_created(stream: Stream, at: Asked) -> None:
    stream.users[at.user] = User(at.user, at.node, at.role, at.player)
    stream.touch("user", at.user)


@ground("CreateUser")
def new_user_ground(stream: Stream, asked: Asked) -> int:
    return max(stream.when_moved("user", asked.user), stream.when_moved("role", asked.role))


@command("AssignRole", needs="roles_manage", streams=BOTH, reasons=REASON)
def assign_role(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    user = a_user(stream, moment.user, asked.user)
    stand_above(stream, moment.user, user)
    not_from_above(stream, moment.user, user)
    a_role_to_give(stream, moment.user, asked.role, user.node)
    if user.role == asked.role:
        return []
    refuse_unless(not user.player, "not_permitted")
    another_owner(stream, user)
    before, after = stream.roles[user.role].permissions, stream.roles[asked.role].permissions
    node, role = takes(stream, moment.user, user.lowered, before, after)
    fields = {"before": user.role, "after": asked.role, "node": node, "role": role, "reason": asked.reason}
    return [happens("RoleAssigned", user=user.name, **fields)]


@event("RoleAssigned")
def role_assigned(stream: Stream, at: Asked) -> None:
    user = stream.users[at.user]
    user.role, user.lowered = at.after, (at.node, at.role)
    stream.touch("user", at.user)


@command("RevokeUser", needs="roles_manage", streams=BOTH, reasons=REASON)
def revoke_user(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    asker = moment.user
    user = a_user(stream, asker, asked.user)
    stand_above(stream, asker, user)
    if not user.active and comes_from_as_high(stream, user.revoked, place_of(asker)):
        return []
    another_owner(stream, user)
    return [happens("UserRevoked", user=user.name, node=asker.node, role=asker.role, reason=asked.reason)]


@event("UserRevoked")
def user_revoked(stream: Stream, at: Asked) -> None:
    user = stream.users[at.user]
    user.active, user.revoked = False, (at.node, at.role)
    for name in [name for name, session in stream.sessions.items() if session.user == at.user]:
        end_session(stream, name)
    stream.touch("user", at.user)


def end_session(stream: Stream, name: str) -> None:
    """A session is over, if there is one."""
    if stream.sessions.pop(name, None) is not None:
        stream.end_timer("session", name)
        stream.touch("session", name)


@command("RestoreUser", needs="roles_manage", streams=BOTH, reasons=REASON)
def restore_user(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    user = a_user(stream, moment.user, asked.user)
    stand_above(stream, moment.user, user)
    if user.active:
        return []
    not_from_above(stream, moment.user, user)
    return [happens("UserRestored", user=user.name, reason=asked.reason)]


@event("UserRestored")
def user_restored(stream: Stream, at: Asked) -> None:
    user = stream.users[at.user]
    user.active, user.revoked = True, ("", "")
    stream.touch("user", at.user)


@ground("AssignRole", "RevokeUser", "RestoreUser")
def user_ground(stream: Stream, asked: Asked) -> int:
    return stream.when_moved("user", asked.user)
