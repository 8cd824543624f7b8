"""Invariants: checked in production, in pairs, and not removed by `python -O`."""


class BrokenInvariant(Exception):
    """Something that can never be true is true. The stream that meets it stops."""


def check(holds: bool, message: str) -> None:
    """Stop the stream if an invariant is broken.

    Raises BrokenInvariant.
    """
    if not holds:
        raise BrokenInvariant(message)
