"""Finding: what people type, a name or a number, and what of theirs begins so."""

from typing import Literal

import msgspec

from runline.domain.queries.declared import Asked


class Hit(msgspec.Struct):
    """Something whose name or number begins with what was typed.

    kind: `player`, `agent`, `user` (of the staff), `game`, or `ticket`. name: its id, as other queries take it: the account
    number, the agent's or user's name, the game's id, the ticket's number. title: of a game its rotation number and teams, of a
    ticket its selections, of a user the role; else "". node: where it stands: of an agent the one right above, "" for a game.
    player: whose it is, of a ticket or an account. status: `active` or `revoked` of people, else where it is in its life.
    """

    kind: Literal["player", "agent", "user", "game", "ticket"]
    name: str
    title: str
    node: str
    player: str
    status: str


class FindAsked(Asked[Hit], frozen=True, kw_only=True):
    """As many of each kind as `limit` says, 20 at most; there is no other page: whoever types more finds less.

    People and agents by how their names begin (in large letters or small), games that are in memory by a rotation number or a
    word of a team, a ticket by its whole number. Nothing is found of what its asker may not see.

    text: what was typed.
    """

    text: str = ""
