"""Declared: the commands and events that there are, by which a misspelt name is told before it is sent."""

from collections.abc import Iterable

from runline.domain.messages import Command
from runline.domain.vocabulary import plain_vocabulary
from runline.shell import UnusableError, nearest


def commands() -> dict[str, type[Command]]:
    """The commands that can be sent, by name."""
    return {
        name: kind for name, kind in plain_vocabulary().commands.items() if kind.needs is not None and not kind.secret
    }


def require_events(names: Iterable[str]) -> None:
    """Refuse the name of an event that there is not. Raises UnusableError."""
    for name in names:
        if name not in plain_vocabulary().events:
            raise UnusableError(f"there is no event {name}. {nearest(name, plain_vocabulary().events)}".rstrip())
