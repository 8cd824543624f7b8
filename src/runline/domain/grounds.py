"""Grounds: what a command is about, and whether it has changed since its sender looked.

Rule: whether something has changed is told to nobody who may not do this to it, nor whether it is there.
"""

from typing import Any

from runline.domain.access import ROOT
from runline.domain.messages import DECIDERS, GROUNDS, Command, Decided, Rejected


def decide_on_ground(state: Any, command: Command, context: Any, if_position: int) -> Decided:
    """Decide a command if its ground has not moved since a position.

    Raises Rejected `position_moved`, and whatever the command is refused for.
    """
    ground = GROUNDS.get(type(command))
    moved_seq = ground(state, command) if ground else state.seq
    if moved_seq <= if_position:
        return DECIDERS[type(command)](state, command, context)
    try:
        DECIDERS[type(command)](state, command, context)
    except Rejected as rejected:
        if context.user.node != ROOT and hides(rejected.code):
            raise
    raise Rejected("position_moved", "This has changed since you looked.", position=moved_seq)


def hides(code: str) -> bool:
    """Whether a refusal is that of what is unknown or another's, which look alike to those below the root."""
    return code in ("not_permitted", "already_exists") or code.startswith("unknown_")
