"""Sharers: those among whom something is shared out, as they are counted."""

from runline.domain.state import State

Sharer = tuple[str, str, str]
"""A stream, the branch of its tree in which a user stands ("" for the root), and the user."""

Branch = tuple[str, str]
"""A stream, and a branch of its tree."""


def sharer_of(state: State, name: str) -> Sharer:
    """Somebody as they count here."""
    return state.stream, state.access.branch_of(name), name
