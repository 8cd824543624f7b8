"""Rosters: what queries show of who and what there is in a stream: people, roles, sessions, layers, books."""

from dataclasses import asdict
from typing import Any

from runline.simulate.oracle.asking import Page, Reader, by_node, cut, page
from runline.simulate.oracle.people import a_user, permissions_of
from runline.simulate.oracle.rules import BOTH, IN_HOUSE, RULES, Asked
from runline.simulate.oracle.state import ROOT, Book, House, Layer, Stream
from runline.simulate.oracle.tree import is_below

SESSIONS_MOST = 250
LAYERS_MOST = 500


@page("users", "roles_manage", BOTH)
def users(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    def row(name: str) -> dict[str, Any]:
        user = stream.users[name]
        sessions = sum(1 for one in stream.sessions.values() if one.user == name)
        about = {"node": user.node, "role": user.role, "player": user.player, "active": user.active}
        return {"user": name, **about, "sessions": sessions}

    if asked.user:
        return Page([row(a_user(stream, reader.user, asked.user).name)])
    keys = [(user.node, name) for name, user in stream.users.items()]
    return by_node(stream, reader.node, asked, keys, row)


@page("permissions", "roles_manage", BOTH)
def permissions(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    known = permissions_of(stream.kind)
    if asked.after:
        known = known[known.index(asked.after) + 1 :] if asked.after in known else ()
    rows = []
    for one in known:
        commands = sorted(name for name, rule in RULES.items() if rule.needs == one and stream.kind in rule.streams)
        rows.append((one, {"permission": one, "held": one in reader.may, "commands": commands}))
    return cut(rows, asked.limit)


@page("roles", "roles_manage", BOTH)
def roles(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rows = [
        (name, {"role": name, "node": role.node, "permissions": role.permissions})
        for name, role in sorted(stream.roles.items())
        if is_below(stream, reader.node, role.node) or is_below(stream, role.node, reader.node)
    ]
    last = asked.after.partition("/")[0]
    return cut([one for one in rows if one[0] > last], asked.limit)


@page("sessions", "roles_manage", BOTH, most=SESSIONS_MOST)
def sessions(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    def row(key: tuple[str, str]) -> dict[str, Any]:
        fields = asdict(stream.sessions[key[1]])
        return {"session": key[1], **{name: fields[name] for name in fields if name not in ("idle_ns", "whole_ns")}}

    def key(text: str) -> tuple[str, str]:
        user, _, session = text.partition("/")
        return user, session

    if asked.user:
        a_user(stream, reader.user, asked.user)
        own = sorted(name for name, one in stream.sessions.items() if one.user == asked.user and name > asked.after)
        return cut([(name, row(("", name))) for name in own], asked.limit)
    keys = [(stream.users[one.user].node, (one.user, name)) for name, one in stream.sessions.items()]
    return by_node(stream, reader.node, asked, keys, row, key, "/".join)


@page("suspensions", "suspend", BOTH, most=LAYERS_MOST)
def suspensions(stream: Stream, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    found = {place: layer_row(stream, place, layer, reader) for place, layer in sorted(stream.layers.items())}
    rows = [(place, row) for place, row in found.items() if row is not None and row["owes_reason"] >= asked.owed]
    last, _, passed = asked.after.rpartition("/")
    if not passed.isdecimal():
        last = asked.after
    scope, _, subject = last.partition(":")
    return cut([one for one in rows if one[0] > (scope, subject)], asked.limit, ":".join)


def layer_row(stream: Stream, place: tuple[str, str], layer: Layer, reader: Reader) -> dict[str, Any] | None:
    """A layer as somebody may see it: of one around their part of the tree not by whom and why, of others' nothing."""
    scope, subject = place
    told = {"scope": scope, "subject": subject, "since_ns": layer.since_ns, "layer_seq": layer.seq}
    whole = {**told, "node": layer.node, "reason": layer.reason, "owes_reason": layer.reason == "quick"}
    if scope not in ("agent", "player"):
        return whole
    player = stream.players.get(subject) if isinstance(stream, Book) else None
    node = subject if scope == "agent" else player.agent if player else ROOT
    if is_below(stream, reader.node, node):
        return whole
    around = scope == "agent" and is_below(stream, node, reader.node)
    return {**told, "node": "", "reason": "", "owes_reason": False} if around else None


@page("books", "book_open", IN_HOUSE)
def books(stream: House, house: House, reader: Reader, asked: Asked, now_ns: int) -> Page:
    rows = [(name, {"book": name, "owner": owner}) for name, (owner, _) in sorted(house.opened.items())]
    return cut([one for one in rows if one[0] > asked.after], asked.limit)
