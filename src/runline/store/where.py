"""Where a database is, as people write it: the path of a file, or the address of a database of PostgreSQL."""

from pathlib import Path

Place = Path | str
"""A file, or an address."""

POSTGRESQL = ("postgresql://", "postgres://")

FILE = "sqlite://"
"""What stands before the whole path of a file where it is written as an address."""


def is_address(text: str) -> bool:
    """Whether this is the address of a database of PostgreSQL."""
    return text.startswith(POSTGRESQL)


def place_of(text: str) -> Place:
    """Where the database is that somebody has named. (What names a file is never taken for an address, and not the other way.)"""
    return text if is_address(text) else Path(text.removeprefix(FILE))


def in_words(place: Place) -> str:
    """It in words: an address may hold a password."""
    return "The database" if isinstance(place, str) else str(place)
