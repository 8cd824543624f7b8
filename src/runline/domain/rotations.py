"""Rotation numbers: a number names one side of one game on the board, the visitor's or the home side's.

Rule: a game that is not over has two of them, which no other such game has; one that is over gives them back.
"""

from collections.abc import Iterable, Iterator

from runline.domain.bounds import ROTATION_MAX
from runline.domain.messages import Rejected


class Rotations:
    """The games of each number: one, but where a game that was over is reopened after another one was given its numbers."""

    __slots__ = ("games",)

    def __init__(self, taken: Iterable[tuple[int, str]] = ()) -> None:
        """taken: (rotation, fixture) of the games that are not over."""
        self.games: dict[int, tuple[str, ...]] = {}
        for rotation, fixture in taken:
            self.take(rotation, fixture)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.games))

    def take(self, rotation: int, fixture: str) -> None:
        """A game has the two numbers from here on."""
        for number in (rotation, rotation + 1):
            self.games[number] = tuple(sorted({*self.games.get(number, ()), fixture}))

    def free(self, rotation: int, fixture: str) -> None:
        """A game has the two numbers no more."""
        for number in (rotation, rotation + 1):
            others = tuple(name for name in self.games.pop(number, ()) if name != fixture)
            if others:
                self.games[number] = others

    def require_free(self, rotation: int, fixture: str) -> None:
        """Refuse numbers that another game has.

        Raises Rejected `rotation_invalid`, `rotation_taken`.
        """
        if type(rotation) is not int or not 0 < rotation <= ROTATION_MAX:
            raise Rejected("rotation_invalid", "The rotation number is a positive number.", most=ROTATION_MAX)
        for number in (rotation, rotation + 1):
            for holder in self.games.get(number, ()):
                if holder != fixture:
                    raise Rejected(
                        "rotation_taken", f"Another game has the number {number}.", rotation=number, fixture=holder
                    )
