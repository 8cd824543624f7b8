"""Users: those among whom something is shared out, as they are counted."""

from runline.domain.state import State

User = tuple[str, str, str]
"""A stream, the part of its tree in which a user stands ("" for the root), and the user."""

Part = tuple[str, str]
"""A stream, and a part of its tree."""


def user_of(state: State, name: str) -> User:
    """Somebody as they count here."""
    return state.stream, state.access.part_of(name), name
